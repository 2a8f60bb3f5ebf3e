"""What deliveries say, once they are verified."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from learn2compress.config.parsing import ConfigError, parse
from pipelines.git_trigger.events import Ignored, MalformedError, delivery_id, read_delivery
from pipelines.git_trigger.push import Push
from pipelines.git_trigger.settings import Provider, ReceiverSettings

PROVIDERS = list(Provider)
NOTHING = "0" * 40


@pytest.fixture
def settings(settings_of: Callable[..., Any]) -> ReceiverSettings:
    made = settings_of()
    for repository in made["repositories"]:
        repository["refs"] = ["main", "release/*"]
    return parse(ReceiverSettings, made)


def read(settings: ReceiverSettings, sent: Any) -> Push | Ignored:
    return read_delivery(Provider(sent.provider), sent.headers, sent.body, settings)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_push_is_one_of_the_settings_own_url(
    deliver: Callable[..., Any], settings: ReceiverSettings, provider: Provider
) -> None:
    sent = deliver(provider.value, clone_url="https://evil.example.com/x.git", ref="refs/heads/release/1")
    url = next(one.url for one in settings.repositories if one.provider is provider)
    assert read(settings, sent) == Push(url, "refs/heads/release/1", "b" * 40, "a" * 40)
    assert delivery_id(provider, sent.headers) == "d-1"


@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_first_push_of_a_branch_has_nothing_before(
    deliver: Callable[..., Any], settings: ReceiverSettings, provider: Provider
) -> None:
    found = read(settings, deliver(provider.value, before=NOTHING))
    assert isinstance(found, Push)
    assert found.since is None


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"after": NOTHING}, "a deletion"),
        ({"ref": "refs/tags/v1"}, "no branch"),
        ({"ref": "refs/pull/1/head"}, "no branch"),
        ({"ref": "refs/heads/other"}, "another branch"),
        ({"ref": "refs/heads/mainly"}, "another branch"),
        ({"repository": {"full_name": "evil/models"}, "project": {"path_with_namespace": "evil/models"}},
         "another repository"),
    ],
)  # fmt: skip
def test_what_starts_nothing_is_ignored(
    deliver: Callable[..., Any],
    settings: ReceiverSettings,
    provider: Provider,
    changes: dict[str, Any],
    reason: str,
) -> None:
    assert read(settings, deliver(provider.value, **changes)) == Ignored(reason)


@pytest.mark.parametrize("provider", ["github", "gitea"])
def test_a_fork_is_ignored(deliver: Callable[..., Any], settings: ReceiverSettings, provider: str) -> None:
    sent = deliver(provider, repository={"full_name": "team/models", "fork": True})
    assert read(settings, sent) == Ignored("a fork")


@pytest.mark.parametrize(("header", "event"), [("x-github-event", "ping"), ("x-github-event", "pull_request")])
def test_other_events_are_ignored(
    deliver: Callable[..., Any], settings: ReceiverSettings, header: str, event: str
) -> None:
    sent = deliver("github")
    sent.headers[header] = event
    assert read(settings, sent) == Ignored("another event")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"1", b"{}", b"\xff", b"[" * 100_000, b'{"ref": 1}', b"9" * 10_000])
def test_what_no_provider_sends_is_malformed(
    deliver: Callable[..., Any], settings: ReceiverSettings, body: bytes
) -> None:
    with pytest.raises(MalformedError):
        read_delivery(Provider.GITHUB, deliver("github").headers, body, settings)


@pytest.mark.parametrize("repository", [None, [], "team/models", {}, {"full_name": 7}])
def test_a_repository_of_another_form_is_malformed(
    deliver: Callable[..., Any], settings: ReceiverSettings, repository: Any
) -> None:
    with pytest.raises(MalformedError):
        read(settings, deliver("github", repository=repository))


@pytest.mark.parametrize(
    "changes",
    [
        {"after": "main"}, {"before": "--upload-pack=id"}, {"ref": "refs/heads/release/$(id)"},
        {"ref": "refs/heads/release/.."},
    ],
)  # fmt: skip
def test_names_with_other_characters_are_refused(
    deliver: Callable[..., Any], settings: ReceiverSettings, changes: dict[str, str]
) -> None:
    with pytest.raises(ConfigError):
        read(settings, deliver("github", **changes))


@pytest.mark.parametrize("found", ["", "a b", "x" * 101, "a\nb", "é"])
def test_a_delivery_must_have_an_id(found: str) -> None:
    with pytest.raises(MalformedError):
        delivery_id(Provider.GITHUB, {"x-github-delivery": found})
    with pytest.raises(MalformedError):
        delivery_id(Provider.GITHUB, {})
