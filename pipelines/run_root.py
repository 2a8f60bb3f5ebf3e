"""The folder that one machine's runs live in."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from learn2compress.config.parsing import ConfigError
from learn2compress.file_lock import take_lock

# A look at the lock takes it for an instant, and keeps no run out.
_LOOK_SECONDS = 0.5
_PAUSE_SECONDS = 0.02


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
    def file_digests(self) -> Path:
        """What the content of the data's files is known by, SQLite; see `learn2compress.data.file_digests`."""
        return self.folder / "file_digests.sqlite"

    @property
    def logs(self) -> Path:
        """What libraries had to say, one file a run."""
        return self.folder / "logs"

    @property
    def lock(self) -> Path:
        """Held by the run that is in the folder; see `locked`."""
        return self.folder / "lock"

    def running_since(self) -> float | None:
        """Returns when the run began that is in the folder now, in seconds since 1970; `None` where none is.

        A run that was killed is none: its lock is gone with its process.
        """
        try:
            with self.lock.open() as lock:
                try:
                    fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
                except OSError:
                    return os.fstat(lock.fileno()).st_mtime
        except OSError:
            return None
        return None

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Makes the folder and keeps other runs out of it; a killed run's lock is gone with it.

        Raises:
          ConfigError: the folder can't be written, or another run is in it.
        """
        try:
            for folder in (self.artifacts, self.checkpoints, self.logs):
                folder.mkdir(parents=True, exist_ok=True)
            lock = self.lock.open("a")  # whoever is kept out leaves no trace in it
        except OSError as error:
            raise ConfigError(f"--root: {self.folder} can't be written: {error.strerror}") from None
        with lock:
            try:
                is_taken = _take(lock.fileno())
            except OSError as error:
                raise ConfigError(
                    f"--root: {self.folder} can't be locked: {error.strerror}; take a folder on another disk"
                ) from None
            if not is_taken:
                raise ConfigError(
                    f"--root: {self.folder}: another run is using it; wait for its end, or take another folder"
                )
            lock.truncate(0)
            lock.write(f"{os.getpid()}\n")
            lock.flush()
            # A file system's clock is milliseconds behind; ML Metadata counts whole ones.
            now_ns = time.time_ns() // 1_000_000 * 1_000_000
            os.utime(lock.fileno(), ns=(now_ns, now_ns))
            yield


def _take(descriptor: int) -> bool:
    """Takes a lock for itself alone; returns whether it could."""
    deadline = time.monotonic() + _LOOK_SECONDS
    while not take_lock(descriptor):
        if time.monotonic() > deadline:
            return False
        time.sleep(_PAUSE_SECONDS)
    return True
