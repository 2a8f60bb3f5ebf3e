"""Keeps other processes out of a folder while this one works in it."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from learn2compress.config.parsing import ConfigError
from learn2compress.file_lock import take_lock

_NAME = "lock"
_held: dict[Path, tuple[IO[str], int]] = {}
_guard = threading.Lock()


@contextlib.contextmanager
def locked(folder: Path, field: str) -> Iterator[None]:
    """Locks a folder for this process; a killed process's lock is gone with it.

    A process that holds the lock may take it again. Nothing is left in the folder afterwards.

    Args:
      folder: The folder, absolute; it must be there.
      field: The argument that named it, for messages.

    Raises:
      ConfigError: another process is using it, or it can't be written.
    """
    with _guard:
        file, count = _held.get(folder) or (_take(folder, field), 0)
        _held[folder] = file, count + 1
    try:
        yield
    finally:
        with _guard:
            file, count = _held.pop(folder)
            if count > 1:
                _held[folder] = file, count - 1
            else:
                with file, contextlib.suppress(OSError):
                    (folder / _NAME).unlink()


def _take(folder: Path, field: str) -> IO[str]:
    path = folder / _NAME
    while True:
        try:
            file = path.open("a")
        except OSError as error:
            raise ConfigError(f"{field}: {folder} can't be written: {error.strerror or error}") from None
        try:
            if not take_lock(file.fileno()):
                file.close()
                raise ConfigError(
                    f"{field}: {folder} is in use by another process; wait for its end, or take another folder"
                )
            # Whoever held it may have removed the file since it was opened.
            if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                return file
        except FileNotFoundError:
            pass
        except OSError as error:
            file.close()
            raise ConfigError(f"{field}: {folder} can't be locked: {error.strerror or error}") from None
        file.close()
