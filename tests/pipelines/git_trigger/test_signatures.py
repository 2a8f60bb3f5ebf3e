"""Signatures of deliveries, by the providers' own documents."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from typing import Any

import pytest

from pipelines.git_trigger.settings import Provider
from pipelines.git_trigger.signatures import is_signed

# The example of GitHub's documentation.
BODY = b"Hello, World!"
SECRET = "It's a Secret to Everybody"
SIGNATURE = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"

TOKEN_KEY = bytes(range(32))
SIGNING_TOKEN = f"whsec_{base64.b64encode(TOKEN_KEY).decode()}"


def test_the_documented_example_is_accepted() -> None:
    assert is_signed(Provider.GITHUB, {"x-hub-signature-256": f"sha256={SIGNATURE}"}, BODY, [SECRET])
    assert is_signed(Provider.GITEA, {"x-gitea-signature": SIGNATURE}, BODY, [SECRET])


@pytest.mark.parametrize(
    "found",
    [SIGNATURE, f"sha1={SIGNATURE}", f"sha256={SIGNATURE[:-1]}", f"sha256={SIGNATURE.upper()}", f"sha256={SIGNATURE}0",
     "sha256=", "", f"sha256= {SIGNATURE}", "sha256=" + "é" * 64],
)  # fmt: skip
def test_other_forms_are_not(found: str) -> None:
    assert not is_signed(Provider.GITHUB, {"x-hub-signature-256": found}, BODY, [SECRET])


@pytest.mark.parametrize("provider", list(Provider))
def test_either_of_two_secrets_is_accepted_and_no_third(deliver: Callable[..., Any], provider: Provider) -> None:
    for secret, accepted in (("new", True), ("old", True), ("older", False), ("", False)):
        sent = deliver(provider.value, secret=secret)
        assert is_signed(provider, sent.headers, sent.body, ["new", "old"]) is accepted


@pytest.mark.parametrize("provider", list(Provider))
def test_without_a_secret_or_a_signature_nothing_is_accepted(deliver: Callable[..., Any], provider: Provider) -> None:
    sent = deliver(provider.value)
    assert not is_signed(provider, sent.headers, sent.body, [])
    assert not is_signed(provider, {}, sent.body, ["x"])


@pytest.mark.parametrize("provider", [Provider.GITHUB, Provider.GITEA])
def test_another_body_has_another_signature(deliver: Callable[..., Any], provider: Provider) -> None:
    sent = deliver(provider.value, secret="x")
    assert not is_signed(provider, sent.headers, sent.body + b" ", ["x"])


def standard(body: bytes, sent: str, key: bytes = TOKEN_KEY) -> dict[str, str]:
    digest = hmac.new(key, b"id-1." + sent.encode() + b"." + body, hashlib.sha256).digest()
    signature = f"v1a,other v1,{base64.b64encode(digest).decode()}"
    return {"webhook-id": "id-1", "webhook-timestamp": sent, "webhook-signature": signature}


def test_a_signing_token_of_gitlab_asks_for_a_signature() -> None:
    assert is_signed(Provider.GITLAB, standard(BODY, "1000000"), BODY, [SIGNING_TOKEN], now=1000200.0)
    assert not is_signed(Provider.GITLAB, standard(BODY, "1000000"), BODY + b"x", [SIGNING_TOKEN], now=1000200.0)
    assert not is_signed(Provider.GITLAB, standard(BODY, "1000000", b"other"), BODY, [SIGNING_TOKEN], now=1000200.0)
    # The token itself is not enough then.
    assert not is_signed(Provider.GITLAB, {"x-gitlab-token": SIGNING_TOKEN}, BODY, [SIGNING_TOKEN])


@pytest.mark.parametrize("sent", ["999000", "1001000", "", "now", "-1", "1000000.5", "²", "1" * 400])
def test_a_signature_of_another_time_is_not_accepted(sent: str) -> None:
    assert not is_signed(Provider.GITLAB, standard(BODY, sent), BODY, [SIGNING_TOKEN], now=1000200.0)


def test_a_broken_signing_token_accepts_nothing() -> None:
    assert not is_signed(Provider.GITLAB, standard(BODY, "1000000"), BODY, ["whsec_#"], now=1000200.0)
