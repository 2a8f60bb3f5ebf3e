"""Finds out before a run whether its push will be accepted, without leaving anything there."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
from fsspec.implementations.local import LocalFileSystem

from learn2compress.config.parsing import ConfigError
from learn2compress.release.push_content import VERSIONS_FOLDER
from learn2compress.store_files import put_file, why_not_writable

_PROBE_PREFIX = ".l2c-probe-"


def check_known(uri: str) -> None:
    """Checks that a push destination is of a kind that this installation can write to; nothing is contacted.

    Args:
      uri: A folder or any fsspec URL.

    Raises:
      ConfigError: no package that is installed knows the protocol.
    """
    protocol = uri.partition("://")[0]
    with _explained(uri):
        if "://" in uri:
            fsspec.get_filesystem_class(protocol)


def check_writable(uri: str) -> None:
    """Checks that a push destination can be written, by writing a small file there and deleting it.

    Args:
      uri: A folder or any fsspec URL. A folder that is not there is not made.

    Raises:
      ConfigError: it can't be written; the message says what its store says.
    """
    with _explained(uri):
        filesystem, path = fsspec.core.url_to_fs(uri)
        if isinstance(filesystem, LocalFileSystem):
            reason = why_not_writable(Path(path).absolute() / VERSIONS_FOLDER)
            if reason is not None:
                raise ConfigError(f"push.uri: {uri} can't be written: {reason}; name another place, or allow it")
            return
        _write_and_delete(filesystem, f"{path.rstrip('/')}/{_PROBE_PREFIX}{uuid.uuid4().hex}")


def _write_and_delete(filesystem: Any, path: str) -> None:
    """Writes a file and deletes it, and the folders that were made for it.

    Args:
      filesystem: An fsspec file system.
      path: Of the file.
    """
    missing = _missing_folders(filesystem, path)
    try:
        put_file(filesystem, path, b"")
    finally:
        with contextlib.suppress(Exception):  # what could not be written is not there
            filesystem.rm_file(path)
        for folder in missing:
            with contextlib.suppress(Exception):  # stores without real folders have none to remove
                filesystem.rmdir(folder)


def _missing_folders(filesystem: Any, path: str) -> list[str]:
    """Returns the folders above a path that are not there, the innermost first; never a bucket."""
    missing = []
    folder = path.rpartition("/")[0]
    while "/" in folder.strip("/") and not filesystem.exists(folder):
        missing.append(folder)
        folder = folder.rpartition("/")[0]
    return missing


@contextlib.contextmanager
def _explained(uri: str) -> Iterator[None]:
    try:
        yield
    except ConfigError:
        raise
    except Exception as error:  # every store raises exceptions of its own
        reason = getattr(error, "strerror", None) or (str(error).splitlines() or [type(error).__name__])[0]
        raise ConfigError(
            f"push.uri: {uri} can't be written: {reason}; see that it is a folder or a URL that fsspec knows, and that "
            "this process has credentials that may write there"
        ) from error
