"""Whether a delivery is from somebody who knows the secret. All comparisons take the same time, whatever they find.

GitHub and Gitea send the hexadecimal HMAC-SHA-256 of the body. GitLab sends the
secret itself, or, with a signing token, a signature of id, time and body by the
Standard Webhooks specification; which of the two is asked for depends on the
secret alone, so that nobody can choose the weaker.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import time
from collections.abc import Iterable, Mapping

from pipelines.git_trigger.settings import Provider

_HEX = re.compile(r"[0-9a-f]{64}")
_SIGNING_TOKEN = "whsec_"  # noqa: S105 - how such tokens begin
_MAX_AGE_SECONDS = 300

_HEADERS = {Provider.GITHUB: "x-hub-signature-256", Provider.GITEA: "x-gitea-signature"}


def is_signed(
    provider: Provider, headers: Mapping[str, str], body: bytes, secrets: Iterable[str], now: float | None = None
) -> bool:
    """Verifies the signature of a delivery.

    Args:
      provider: Who is said to have sent it.
      headers: By name in lower case.
      body: As it came.
      secrets: Any of which may have been used.
      now: Seconds since 1970; by default the clock's.

    Returns:
      Whether one of the secrets signed it.
    """
    seconds = time.time() if now is None else now
    # All of them: which secret it was must not show in the time.
    return sum(_matches(provider, headers, body, secret, seconds) for secret in secrets) > 0


def _matches(provider: Provider, headers: Mapping[str, str], body: bytes, secret: str, now: float) -> bool:
    if provider is not Provider.GITLAB:
        found = headers.get(_HEADERS[provider], "")
        if provider is Provider.GITHUB:
            scheme, _, found = found.partition("=")
            if scheme != "sha256":
                return False
        if not _HEX.fullmatch(found):
            return False
        return hmac.compare_digest(hmac.new(secret.encode(), body, hashlib.sha256).hexdigest(), found)
    if secret.startswith(_SIGNING_TOKEN):
        return _has_standard_signature(headers, body, secret.removeprefix(_SIGNING_TOKEN), now)
    return hmac.compare_digest(_digest(headers.get("x-gitlab-token", "")), _digest(secret))


def _has_standard_signature(headers: Mapping[str, str], body: bytes, key: str, now: float) -> bool:
    identifier, sent = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    # Sent long ago, it may be somebody's copy.
    if not (sent.isascii() and sent.isdigit() and len(sent) <= 12) or abs(now - int(sent)) > _MAX_AGE_SECONDS:
        return False
    try:
        raw_key = base64.b64decode(key, validate=True)
    except (binascii.Error, ValueError):
        return False
    signed = f"{identifier}.{sent}.".encode() + body
    expected = b"v1," + base64.b64encode(hmac.new(raw_key, signed, hashlib.sha256).digest())
    candidates = headers.get("webhook-signature", "").encode("utf-8", "replace").split(b" ")[:8]
    return sum(hmac.compare_digest(expected, candidate) for candidate in candidates) > 0


def _digest(text: str) -> bytes:
    # Comparing digests, the length of the secret does not show either.
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()
