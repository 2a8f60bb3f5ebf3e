"""The push to a store that cannot rename; see `learn2compress.release.push` for what it promises."""

from __future__ import annotations

import contextlib
import hashlib
import uuid
from collections.abc import Callable
from typing import Any

from learn2compress.release.push_content import (
    PUSH_FILE,
    SUMS_FILE,
    VERSIONS_FOLDER,
    Files,
    PushedLocation,
    checked_files,
    format_sums,
    key_of,
    parse_sums,
    push_record,
    version_numbers,
)
from learn2compress.store_files import put_file


def push_to_store(filesystem: Any, destination: str, make_files: Callable[[int], Files], key: str) -> PushedLocation:
    """Claims a number, uploads, and commits with `SHA256SUMS`; or finds, or completes, what `key` pushed before.

    An error deletes what was uploaded under the number and is raised as the store raised it.

    Args:
      filesystem: An fsspec file system.
      destination: Path in it, without a slash at its end.
      make_files: Returns the files of a version number.
      key: Digest of the idempotency key.

    Returns:
      Where the version is.
    """
    versions = f"{destination}/{VERSIONS_FOLDER}"
    filesystem.invalidate_cache()
    try:
        taken = version_numbers(path.rstrip("/").rpartition("/")[2] for path in filesystem.ls(versions, detail=False))
    except FileNotFoundError:
        taken = []
    records = filesystem.cat([f"{versions}/{number}/{PUSH_FILE}" for number in taken], on_error="omit") if taken else {}
    keys = {_number_of(path): key_of(content) for path, content in records.items()}
    number = next((number for number in taken if keys.get(number) == key), None)
    if number is None:
        number = _claim(filesystem, versions, max(taken, default=0) + 1, key)
    version = f"{versions}/{number}"
    if not filesystem.exists(f"{version}/{SUMS_FILE}"):
        _upload(filesystem, version, make_files(number))
    sums = parse_sums(filesystem.cat_file(f"{version}/{SUMS_FILE}"))
    return PushedLocation(number, filesystem.unstrip_protocol(version), sums)


def _claim(filesystem: Any, versions: str, number: int, key: str) -> int:
    record = push_record(key, claim=uuid.uuid4().hex)
    while True:
        path = f"{versions}/{number}/{PUSH_FILE}"
        with contextlib.suppress(FileExistsError):
            put_file(filesystem, path, record, mode="create")
            if filesystem.cat_file(path) == record:
                return number
        number += 1


def _upload(filesystem: Any, version: str, files: Files) -> None:
    try:
        sums = {}
        for relative, content in checked_files(files, filesystem.cat_file(f"{version}/{PUSH_FILE}")):
            sums[relative] = hashlib.sha256(content).hexdigest()
            if relative != PUSH_FILE:
                put_file(filesystem, f"{version}/{relative}", content)
        put_file(filesystem, f"{version}/{SUMS_FILE}", format_sums(sums))
    except BaseException:
        with contextlib.suppress(Exception):  # the first error is the one to tell
            filesystem.rm(version, recursive=True)
        raise


def _number_of(path: str) -> int:
    return int(path.rsplit("/", 2)[1])
