"""What a pushed version consists of: its files, `push.json` and `SHA256SUMS`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

SUMS_FILE = "SHA256SUMS"
PUSH_FILE = "push.json"
VERSIONS_FOLDER = "versions"

_NUMBER = re.compile(r"[1-9][0-9]*")

Files = Mapping[str, bytes | Path]
"""Content by relative path with forward slashes; a Path is a local file to copy."""


@dataclass(frozen=True)
class PushedLocation:
    """Where a version is.

    Attributes:
      version: Its number, from 1.
      uri: `<destination>/versions/<version>`.
      sha256: Hex digest of each pushed file by relative path.
    """

    version: int
    uri: str
    sha256: dict[str, str]


class UnsafePathError(ValueError):
    """A relative path that would leave the version, or replace what describes it."""


def checked_files(files: Files, record: bytes) -> Iterator[tuple[str, bytes]]:
    """Reads files one at a time, in the order of their paths, `push.json` among them.

    Args:
      files: What is pushed.
      record: Content of `push.json`.

    Returns:
      Relative path and content of each.

    Raises:
      UnsafePathError: a path leaves the version or names one of its own files.
    """
    for relative in files:
        parts = PurePosixPath(relative).parts
        safe = bool(parts) and not relative.startswith("/") and ".." not in parts and relative.isprintable()
        if not safe or "\\" in relative or "/".join(parts) != relative or relative in (SUMS_FILE, PUSH_FILE):
            raise UnsafePathError(f"files: found path {relative!r}, accepted are relative paths inside the version")
    for relative, source in sorted({**files, PUSH_FILE: record}.items()):
        yield relative, source.read_bytes() if isinstance(source, Path) else source


def push_record(key: str, **more: str) -> bytes:
    """Returns the content of `push.json`.

    Args:
      key: Digest of the idempotency key.
      more: Further entries.
    """
    return (json.dumps({"idempotency_key_sha256": key, **more}, indent=2, sort_keys=True) + "\n").encode()


def key_of(record: bytes) -> str | None:
    """Returns the key digest in a `push.json`, or `None` where the content is not one."""
    try:
        value = json.loads(record)
    except ValueError:
        return None
    return value.get("idempotency_key_sha256") if isinstance(value, dict) else None


def version_numbers(names: Iterable[str]) -> list[int]:
    """Returns the version numbers among folder names, rising."""
    return sorted(int(name) for name in names if _NUMBER.fullmatch(name))


def format_sums(sums: Mapping[str, str]) -> bytes:
    """Returns the content of `SHA256SUMS`, as `sha256sum -c` reads it, from hex digests by relative path."""
    return "".join(f"{digest}  {relative}\n" for relative, digest in sorted(sums.items())).encode()


def parse_sums(content: bytes) -> dict[str, str]:
    """Returns hex digests by relative path, from the content of `SHA256SUMS`."""
    lines = (line.partition("  ") for line in content.decode().splitlines())
    return {relative: digest for digest, _, relative in lines}
