"""What we write into descriptions, for people and to find a run again.

Runs of Kubeflow Pipelines have no labels of their own and no key that is
unique, but the server can search their descriptions. Those are columns of 255
characters, and a longer one fails after the run's workflow has been started
(backend/src/apiserver, 2.16). So a run's description ends with a line of short
tags, the digests of its labels; the labels themselves stand in the description
of its pipeline version, which may be long.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

from learn2compress.config.parsing import ConfigError

MAX_NAME_LENGTH = 255

_LONGEST_DESCRIPTION = 255
_LONGEST_TEXT, _LONGEST_VALUE, _MOST_LABELS = 1000, 300, 8  # they travel in a URL
_KEY = re.compile(r"[a-z0-9-]{1,40}")
_TAGS_PREFIX = "l2c: "


def check_labels(labels: Mapping[str, str]) -> None:
    """Checks labels.

    Raises:
      ConfigError: there are too many, or one has not the form of a label.
    """
    if len(labels) > _MOST_LABELS:
        raise ConfigError(f"labels: found {len(labels)}, accepted are up to {_MOST_LABELS}")
    for key, value in labels.items():
        if not (_KEY.fullmatch(key) and value.isprintable() and len(value) <= _LONGEST_VALUE):
            raise ConfigError(
                f"labels: found {key[:60]!r}: {value[:60]!r}, accepted are keys of a-z, 0-9 and hyphens, and values of"
                f" one line of up to {_LONGEST_VALUE} characters"
            )


def digest_tag(digest: str) -> str:
    """Returns the tag of what a digest identifies."""
    return digest[:32]


def label_tags(labels: Mapping[str, str]) -> frozenset[str]:
    """Returns a tag for each label, of key and value together."""
    return frozenset(hashlib.sha256(f"{key}={value}".encode()).hexdigest()[:12] for key, value in labels.items())


def run_description(text: str, digest: str, labels: Mapping[str, str]) -> str:
    """Returns a description that the server can hold and search.

    Args:
      text: For people; it is shortened.
      digest: Identity of what is described.
      labels: What else it is to be found by.
    """
    tags = _TAGS_PREFIX + " ".join([digest_tag(digest), *sorted(label_tags(labels))])
    return "\n\n".join(part for part in (_shortened(text, _LONGEST_DESCRIPTION - len(tags) - 2), tags) if part)


def tags_in(description: str | None) -> frozenset[str]:
    """Returns the tags of a description; only its last line counts, whatever the text before says."""
    last = (description or "").rpartition("\n")[2]
    return frozenset(last.removeprefix(_TAGS_PREFIX).split()) if last.startswith(_TAGS_PREFIX) else frozenset()


def version_description(text: str, labels: Mapping[str, str]) -> str:
    """Returns a description of a pipeline version, which may be long.

    Args:
      text: For people.
      labels: What else people want to know, by key.
    """
    lines = [f"l2c/{key}: {value}" for key, value in sorted(labels.items())]
    return "\n\n".join(part for part in (_shortened(text, _LONGEST_TEXT), "\n".join(lines)) if part)


def _shortened(text: str, length: int) -> str:
    text = text.strip()
    return text if len(text) <= length else text[: length - 1] + "…"
