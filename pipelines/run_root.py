"""The folder that one machine's runs live in."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from learn2compress.config.parsing import ConfigError


@dataclass(frozen=True)
class RunRoot:
    """Paths inside the folder.

    Attributes:
      folder: The folder itself.
    """

    folder: Path

    @property
    def metadata(self) -> Path:
        """ML Metadata, SQLite."""
        return self.folder / "metadata.sqlite"

    @property
    def artifacts(self) -> Path:
        """Outputs of the components."""
        return self.folder / "artifacts"

    @property
    def checkpoints(self) -> Path:
        """Training state of unfinished steps."""
        return self.folder / "checkpoints"

    @property
    def logs(self) -> Path:
        """What libraries had to say, one file a run."""
        return self.folder / "logs"

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Makes the folder and keeps other runs out of it; a killed run's lock is gone with it.

        Raises:
          ConfigError: the folder can't be written, or another run is in it.
        """
        try:
            for folder in (self.artifacts, self.checkpoints, self.logs):
                folder.mkdir(parents=True, exist_ok=True)
            lock = (self.folder / "lock").open("w")
        except OSError as error:
            raise ConfigError(f"--root: {self.folder} can't be written: {error.strerror}") from None
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise ConfigError(
                    f"--root: {self.folder}: another run is using it; wait for its end, or take another folder"
                ) from None
            lock.write(f"{os.getpid()}\n")
            lock.flush()
            yield
