"""What a verified delivery says: a push to a branch, or something that starts nothing."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping
from typing import Any

from pipelines.git_trigger.push import BRANCH_PREFIX, Push
from pipelines.git_trigger.settings import Provider, ReceiverSettings

_NOTHING = re.compile(r"0{40}|0{64}")
_DELIVERY = re.compile(r"[A-Za-z0-9_.:-]{1,100}")

_EVENT_HEADERS = {
    Provider.GITHUB: ("x-github-event", "push"),
    Provider.GITEA: ("x-gitea-event", "push"),
    Provider.GITLAB: ("x-gitlab-event", "Push Hook"),
}
# The first that is there.
_DELIVERY_HEADERS = {
    Provider.GITHUB: ("x-github-delivery",),
    Provider.GITEA: ("x-gitea-delivery",),
    Provider.GITLAB: ("idempotency-key", "x-gitlab-event-uuid"),
}


class MalformedError(ValueError):
    """A delivery with a good signature is not what its provider sends."""


@dataclasses.dataclass(frozen=True)
class Ignored:
    """A delivery that starts nothing.

    Attributes:
      reason: Of a fixed set of words, for metrics and people.
    """

    reason: str


def read_delivery(
    provider: Provider, headers: Mapping[str, str], body: bytes, settings: ReceiverSettings
) -> Push | Ignored:
    """Reads a delivery whose signature was verified.

    Args:
      provider: Who sent it.
      headers: By name in lower case.
      body: As it came.
      settings: The repositories and branches that count.

    Returns:
      The push, or why the delivery starts nothing.

    Raises:
      MalformedError: it is not what the provider sends.
      ConfigError: the names of its branch or commits are not accepted.
    """
    header, wanted = _EVENT_HEADERS[provider]
    if headers.get(header) != wanted:
        return Ignored("another event")
    content = _json_object(body)
    ref, before, after = (_text(content, name) for name in ("ref", "before", "after"))
    repository = content.get("project" if provider is Provider.GITLAB else "repository")
    if not isinstance(repository, dict):
        raise MalformedError("no repository")
    name = _text(repository, "path_with_namespace" if provider is Provider.GITLAB else "full_name")
    known = settings.repository(provider, name)
    if known is None:
        return Ignored("another repository")
    if repository.get("fork") is True:
        return Ignored("a fork")
    if not ref.startswith(BRANCH_PREFIX):
        return Ignored("no branch")
    if _NOTHING.fullmatch(after):
        return Ignored("a deletion")
    if not known.has_ref(ref):
        return Ignored("another branch")
    return Push(known.url, ref, after, None if _NOTHING.fullmatch(before) else before)


def delivery_id(provider: Provider, headers: Mapping[str, str]) -> str:
    """Returns the provider's id of a delivery, the same when it is delivered again.

    Args:
      provider: Who sent it.
      headers: By name in lower case.

    Raises:
      MalformedError: there is none.
    """
    found = next((headers[name] for name in _DELIVERY_HEADERS[provider] if name in headers), "")
    if not _DELIVERY.fullmatch(found):
        raise MalformedError("no id of the delivery")
    return found


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        raise MalformedError("no JSON") from None
    if not isinstance(content, dict):
        raise MalformedError("no JSON object")
    return content


def _text(content: Mapping[str, Any], name: str) -> str:
    value = content.get(name)
    if not isinstance(value, str):
        raise MalformedError(f"no {name}")
    return value
