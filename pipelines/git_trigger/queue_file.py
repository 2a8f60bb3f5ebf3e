"""The SQLite file of the queue: what was committed to it is on the disk."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from learn2compress.config.parsing import ConfigError

_BUSY_SECONDS = 0.8

_SCHEMA = """
CREATE TABLE IF NOT EXISTS pushes (
  id INTEGER PRIMARY KEY,
  repository TEXT NOT NULL,
  ref TEXT NOT NULL,
  commit_name TEXT NOT NULL,
  told_since TEXT,             -- what the branch pointed to before, as we were told
  since TEXT,                  -- what the commit is compared with
  state TEXT NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  accepted REAL NOT NULL,      -- seconds since 1970, as all times
  due REAL NOT NULL,
  finished REAL,
  note TEXT NOT NULL DEFAULT '',
  UNIQUE (repository, ref, commit_name)
);
CREATE INDEX IF NOT EXISTS pushes_by_state ON pushes (state, due);
CREATE TABLE IF NOT EXISTS deliveries (
  provider TEXT NOT NULL,
  delivery TEXT NOT NULL,
  received REAL NOT NULL,
  PRIMARY KEY (provider, delivery)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS deliveries_by_time ON deliveries (received);
"""


class QueueFile:
    """One connection, for any number of threads.

    Args:
      path: The file; it is made when missing.

    Raises:
      ConfigError: it can't be made or read.
    """

    def __init__(self, path: Path):
        self._lock = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
            self._database.execute("PRAGMA journal_mode=WAL")
            self._database.execute("PRAGMA synchronous=FULL")
            self._database.executescript(_SCHEMA)
        except (OSError, sqlite3.Error) as error:
            raise ConfigError(f"--queue: {path} can't be opened as a queue: {error}") from None

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Yields the database in a transaction: all of it or nothing, and nobody else writes meanwhile.

        Raises:
          sqlite3.Error: the file can't be written now.
        """
        with self._lock:
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield self._database
                self._database.execute("COMMIT")
            except BaseException:
                self._database.execute("ROLLBACK")
                raise

    def read(self, query: str, *values: str) -> list[Any]:
        """Returns the rows of a query."""
        with self._lock:
            return self._database.execute(query, values).fetchall()

    def close(self) -> None:
        """Closes the file."""
        with self._lock:
            self._database.close()
