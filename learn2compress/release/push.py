"""Atomic, numbered pushes to a folder or to any fsspec URL.

A push becomes `<destination>/versions/<N>/` with N counting up from 1. Beside
the given files it holds `push.json`, which remembers what was pushed, and
`SHA256SUMS`, which `sha256sum -c SHA256SUMS` checks.

In a folder, everything is written and synced under `versions/.incoming-<random>/`
and then renamed to its number in one step, so a number is always complete. A
number that somebody else took in between makes the rename fail, because a version
is never empty; then the next number is tried.

An object store cannot rename. There `push.json` claims the number, the files
follow, and `SHA256SUMS` is written last: **a version counts when its SHA256SUMS is
there**. The claim asks the store to create the file only if it does not exist and
reads it back: with stores that check this themselves (S3, Google Cloud Storage)
two pushes never share a number; with others the last writer of the claim keeps it.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import fsspec
from fsspec.implementations.local import LocalFileSystem

from learn2compress.config.parsing import ConfigError
from learn2compress.release.push_content import (
    PUSH_FILE,
    SUMS_FILE,
    VERSIONS_FOLDER,
    Files,
    PushedLocation,
    UnsafePathError,
    checked_files,
    format_sums,
    key_of,
    parse_sums,
    push_record,
    version_numbers,
)
from learn2compress.release.push_store import push_to_store

_INCOMING_PREFIX = ".incoming-"
_TAKEN = (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR)
_ONE_DAY_S = 24 * 3600.0


def push_version(
    files: Files | Callable[[int], Files],
    destination_uri: str,
    *,
    idempotency_key: str,
    leftover_age_s: float = _ONE_DAY_S,
) -> PushedLocation:
    """Pushes files as the next version, or finds the version that already holds them.

    Example:
      >>> from pathlib import Path
      >>> from learn2compress.release.push import push_version
      >>> location = push_version({"small/small.tflite": b"the model"}, "pushed", idempotency_key="run 1")
      >>> location.version
      1
      >>> sorted(path.name for path in Path("pushed/versions/1").iterdir())
      ['SHA256SUMS', 'push.json', 'small']
      >>> push_version({"small/small.tflite": b"the model"}, "pushed", idempotency_key="run 1") == location
      True

    Args:
      files: The files, or a function of the version number that returns them,
        for files that name their version; it may be called again with another number.
      destination_uri: A folder or any fsspec URL.
      idempotency_key: Names what is pushed. A second push with the same key, such as
        a retry after a kill, returns the first one's version and writes nothing; one
        that was killed before it was complete on an object store is completed. Only
        the key's digest is stored. Two pushes of one key must not run at the same time.
      leftover_age_s: In a folder, what killed pushes left is deleted after so many seconds.

    Returns:
      Where the version is.

    Raises:
      ConfigError: the destination can't be written, in one line; it is left as it was.
      ValueError: a relative path in `files` leaves the version or names one of its own files.
    """
    key = hashlib.sha256(idempotency_key.encode()).hexdigest()
    make_files = _told_apart(files)
    with _one_line_errors(destination_uri):
        filesystem, path = fsspec.core.url_to_fs(destination_uri)
        if isinstance(filesystem, LocalFileSystem):
            return _push_to_folder(Path(path), make_files, key, leftover_age_s)
        return push_to_store(filesystem, path.rstrip("/"), make_files, key)


def read_pushed_file(location: PushedLocation, relative_path: str) -> bytes:
    """Reads one file of a version.

    Args:
      location: The version.
      relative_path: Of the file in it.

    Raises:
      ConfigError: it can't be read, in one line.
    """
    with _one_line_errors(location.uri):
        filesystem, path = fsspec.core.url_to_fs(location.uri)
        content: bytes = filesystem.cat_file(f"{path}/{relative_path}")
    return content


def is_pushed(uri: str) -> bool:
    """Returns whether a version that was pushed to this URI is still there as a whole.

    Raises:
      ConfigError: its store can't be asked, in one line.
    """
    with _one_line_errors(uri):
        filesystem, path = fsspec.core.url_to_fs(uri)
        return bool(filesystem.exists(f"{path}/{SUMS_FILE}"))


class _MakeFilesError(Exception):
    """Carries an error of the caller's own function past those of the destination."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(str(cause))
        self.cause = cause


def _told_apart(files: Files | Callable[[int], Files]) -> Callable[[int], Files]:
    def make(number: int) -> Files:
        try:
            return files(number) if callable(files) else files
        except Exception as error:
            raise _MakeFilesError(error) from error

    return make


@contextlib.contextmanager
def _one_line_errors(uri: str) -> Iterator[None]:
    try:
        yield
    except UnsafePathError:
        raise
    except _MakeFilesError as error:
        raise error.cause from None
    except Exception as error:  # every store raises exceptions of its own
        reason = getattr(error, "strerror", None) or (str(error).splitlines() or [type(error).__name__])[0]
        raise ConfigError(
            f"push.uri: {uri} can't be written: {reason}; see that it is a folder or a URL that fsspec knows, with"
            " space, and that this process may write to it"
        ) from error


def _push_to_folder(
    destination: Path, make_files: Callable[[int], Files], key: str, leftover_age_s: float
) -> PushedLocation:
    versions = destination / VERSIONS_FOLDER
    created = [folder for folder in (versions, *versions.parents) if not folder.exists()]
    incoming = versions / f"{_INCOMING_PREFIX}{uuid.uuid4().hex}"
    try:
        versions.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(versions, leftover_age_s)
        taken = version_numbers(os.listdir(versions))
        for number in taken:
            if key_of(_read_or_empty(versions / str(number) / PUSH_FILE)) == key:
                sums = (versions / str(number) / SUMS_FILE).read_bytes()
                return PushedLocation(number, str(versions / str(number)), parse_sums(sums))
        number = max(taken, default=0) + 1
        while True:
            incoming.mkdir()
            sums = _write_folder(incoming, make_files(number), push_record(key))
            if _rename_if_free(incoming, versions / str(number)):
                _sync(versions)
                return PushedLocation(number, str(versions / str(number)), parse_sums(sums))
            shutil.rmtree(incoming)
            number += 1
    except BaseException:
        shutil.rmtree(incoming, ignore_errors=True)
        for folder in created:
            with contextlib.suppress(OSError):  # not empty: somebody else pushed into it
                folder.rmdir()
        raise


def _write_folder(folder: Path, files: Files, record: bytes) -> bytes:
    sums = {}
    for relative, content in checked_files(files, record):
        path = folder / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        sums[relative] = hashlib.sha256(content).hexdigest()
        _write_synced(path, content)
    written = format_sums(sums)
    _write_synced(folder / SUMS_FILE, written)
    for parent, _, _ in os.walk(folder):
        _sync(Path(parent))
    return written


def _write_synced(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _rename_if_free(incoming: Path, version: Path) -> bool:
    try:
        os.rename(incoming, version)
    except OSError as error:
        if error.errno not in _TAKEN:
            raise
        return False
    return True


def _remove_leftovers(versions: Path, leftover_age_s: float) -> None:
    oldest = time.time() - leftover_age_s
    for path in versions.glob(f"{_INCOMING_PREFIX}*"):
        with contextlib.suppress(FileNotFoundError):  # another push renamed or removed it
            if path.stat().st_mtime < oldest:
                shutil.rmtree(path, ignore_errors=True)


def _read_or_empty(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):  # a number that was not made by a push
        return b""
