"""The folder that a compression works in: each step leaves its results there as a whole, and finds them again."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from learn2compress.compression.folder_lock import locked
from learn2compress.compression.local_path import local_path
from learn2compress.config.parsing import ConfigError

_STARTED_SUFFIX = ".started"
_ACCEPTED = "a folder on this machine"


class WorkFolder:
    """A folder of results of steps.

    Args:
      root: Where results outlive the process, or `None` for a folder that goes with this object.

    Raises:
      ConfigError: the folder can't be made.

    Attributes:
      path: The folder.
    """

    def __init__(self, root: str | os.PathLike[str] | None) -> None:
        self._temporary = tempfile.TemporaryDirectory(prefix="learn2compress-") if root is None else None
        given = local_path(self._temporary.name if self._temporary else root, "checkpoint", _ACCEPTED)
        if "://" in os.fspath(root or ""):
            raise ConfigError(f"checkpoint: found {root}, accepted is {_ACCEPTED}")
        try:
            self.path = given.resolve()
            self.path.mkdir(parents=True, exist_ok=True)
        except (OSError, RuntimeError) as error:  # a circle of links
            reason = getattr(error, "strerror", None) or error
            raise ConfigError(f"checkpoint: {given} can't be made: {reason}") from None
        self._locked = self.path

    def of(self, digest: str) -> WorkFolder:
        """Returns the folder of one compression.

        Args:
          digest: Of everything that its results depend on.
        """
        part = WorkFolder(self.path / digest)
        part._temporary = self._temporary  # lives as long
        part._locked = self._locked
        return part

    def in_use(self) -> contextlib.AbstractContextManager[None]:
        """Returns what keeps other processes out of the folder, and out of those of all compressions in it.

        Raises:
          ConfigError: on entering, where another process is using the folder, or it can't be written.
        """
        return locked(self._locked, "checkpoint")

    def scratch(self) -> tempfile.TemporaryDirectory[str]:
        """Returns a folder beside the results, on the same disk, that goes with the object."""
        return tempfile.TemporaryDirectory(prefix="reading-", dir=self.path)

    def once(self, name: str, write: Callable[[Path], None]) -> Path:
        """Returns the folder of one step's results, and makes it where it is not there.

        Args:
          name: Of the step.
          write: Writes them into the empty folder that it is given.

        Raises:
          ConfigError: the disk is full, the folder can't be written, or another process is using it.
        """
        with self.in_use():
            return self._once(name, write)

    def _once(self, name: str, write: Callable[[Path], None]) -> Path:
        folder, started = self.path / name, self.path / f"{name}{_STARTED_SUFFIX}"
        if folder.is_dir():
            return folder
        try:
            shutil.rmtree(started, ignore_errors=True)
            started.mkdir(parents=True)
            write(started)
            os.replace(started, folder)
        except OSError as error:
            raise ConfigError(
                f"{started} can't be written: {error.strerror or error}; make room, or see who may write there"
            ) from error
        finally:
            shutil.rmtree(started, ignore_errors=True)
        return folder
