"""Digests of local files, each computed once: remembered by what the file system changes whenever content changes.

A file is known again by device, inode, size, time of modification and time of change. The last one is what makes this
safe: programs set the time of modification back (`rsync -t`, `tar x`), and none sets the time of change. What was
changed only just before it was read is not remembered, since a later change could bear the same time (Git calls such
an index entry racily clean).
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import sqlite3
import stat
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from learn2compress.progress import report

# Longer than the steps of any file system's clock.
_SETTLED_NS = 2 * 10**9
_FILES_PER_CHUNK = 256
_THREADS = 4
_BUSY_SECONDS = 5.0
_QUIET_SECONDS = 2.0
_DIGEST = re.compile(r"[0-9a-f]{64}")
# A pipe that took a file's place must not hold the run, and Windows must change no line ends; each where it exists.
_OPEN_FLAGS = sum(getattr(os, name, 0) for name in ("O_NONBLOCK", "O_CLOEXEC", "O_BINARY"))


class FileDigests:
    """Computes the SHA-256 of files, and remembers it between runs.

    Args:
      path: The file that remembers (SQLite), made where it is missing and replaced where it is damaged; several
        processes may use it. `None`, or one that can't be written: nothing is remembered beyond this object.
      settled_ns: Age in nanoseconds that a file's last change must have to be remembered.

    Attributes:
      num_hashed: Files whose content was read so far.
    """

    def __init__(self, path: Path | None = None, settled_ns: int = _SETTLED_NS):
        self._path, self._settled_ns = path, settled_ns
        self._connection: sqlite3.Connection | None = None
        self.num_hashed = 0

    def of(self, paths: Sequence[str]) -> Iterator[str]:
        """Returns digests of files, in their order.

        Args:
          paths: Local files; links are followed.

        Yields:
          64 hexadecimal digits, or "unreadable: " and the reason where a path can't be read or is no plain file.
        """
        if paths and self._path is not None and self._connection is None:
            self._connection = _connect(self._path)
        last_report = time.monotonic()
        with ThreadPoolExecutor(_THREADS) as pool:
            for start in range(0, len(paths), _FILES_PER_CHUNK):
                chunk = paths[start : start + _FILES_PER_CHUNK]
                known = [self._known(path) for path in chunk]
                missing = [path for path, digest in zip(chunk, known, strict=True) if digest is None]
                if missing and time.monotonic() - last_report > _QUIET_SECONDS:
                    last_report = time.monotonic()
                    report("compute digests of the data", start, len(paths), unit="files")
                found = list(pool.map(self._read, missing))
                self.num_hashed += len(found)
                # Before anything is yielded: who takes the last digest does not ask for another.
                self._remember([(*identity, digest) for identity, is_settled, digest in found if is_settled])
                computed = (digest for *_, digest in found)
                yield from (next(computed) if digest is None else digest for digest in known)

    def _known(self, path: str) -> str | None:
        if self._connection is None:
            return None
        try:
            key, version = _identity(os.stat(path))
            row = self._connection.execute("SELECT version, sha256 FROM digests WHERE key = ?", (key,)).fetchone()
        except (OSError, sqlite3.Error):
            return None
        is_sound = row is not None and row[0] == version and isinstance(row[1], str) and _DIGEST.fullmatch(row[1])
        return row[1] if is_sound else None

    def _read(self, path: str) -> tuple[tuple[str, str], bool, str]:
        started_ns = time.time_ns()
        try:
            descriptor = os.open(path, os.O_RDONLY | _OPEN_FLAGS)
            with open(descriptor, "rb") as file:
                before = os.fstat(descriptor)
                if not stat.S_ISREG(before.st_mode):
                    raise OSError(errno.EINVAL, "not a plain file")
                digest = hashlib.file_digest(file, "sha256").hexdigest()
                after = os.fstat(descriptor)
        except OSError as error:
            return ("", ""), False, f"unreadable: {error.strerror}"
        unchanged = _identity(before) == _identity(after)
        return _identity(after), unchanged and started_ns - after.st_ctime_ns >= self._settled_ns, digest

    def _remember(self, rows: Sequence[tuple[str, str, str]]) -> None:
        if self._connection is None or not rows:
            return
        # It saves time and decides nothing: what can't be written (a full disk, another writer) is computed again.
        with contextlib.suppress(sqlite3.Error), self._connection:
            self._connection.executemany("INSERT OR REPLACE INTO digests VALUES (?, ?, ?)", rows)


def _identity(status: os.stat_result) -> tuple[str, str]:
    """Returns which file it is, and which version of it."""
    return f"{status.st_dev}:{status.st_ino}", f"{status.st_size}:{status.st_mtime_ns}:{status.st_ctime_ns}"


def _connect(path: Path) -> sqlite3.Connection | None:
    for is_last_try in (False, True):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(path, timeout=_BUSY_SECONDS)
            # Somebody's view or trigger could run without end.
            foreign = "SELECT 1 FROM sqlite_master WHERE type NOT IN ('table', 'index') OR tbl_name != 'digests'"
            if connection.execute(foreign).fetchone() is not None:
                raise sqlite3.DatabaseError("not a memory of digests")
            connection.execute("CREATE TABLE IF NOT EXISTS digests (key TEXT PRIMARY KEY, version TEXT, sha256 TEXT)")
            connection.execute("SELECT key, version, sha256 FROM digests LIMIT 1").fetchone()
        except sqlite3.OperationalError as error:
            if "no such column" not in str(error):
                return None
        except sqlite3.DatabaseError:
            pass
        except OSError:
            return None
        else:
            return connection
        if not is_last_try:
            with contextlib.suppress(OSError):
                path.unlink()
    return None
