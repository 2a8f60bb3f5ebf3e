"""The durable queue of pushes, each in it once, whatever number of deliveries told of it.

A push is compared with the newest commit that the queue knows of its branch, not
with what its delivery says was there before: so a push also brings what a lost one
had changed. One receiver works the queue; other processes on the machine may add.
"""

from __future__ import annotations

import dataclasses
import sqlite3
import time
from collections.abc import Set
from enum import StrEnum
from pathlib import Path

from pipelines.git_trigger.push import Push
from pipelines.git_trigger.queue_file import QueueFile

_REMEMBER_DELIVERIES_SECONDS = 30 * 24 * 3600.0


class PushState(StrEnum):
    """Where a push stands."""

    PENDING = "pending"
    WORKING = "working"
    DONE = "done"
    REFUSED = "refused"
    """It is not accepted as a whole; the next push to the branch stands for it."""
    SUPERSEDED = "superseded"
    """A newer push to the branch came before it was done, and stands for both."""
    FAILED = "failed"
    """All its tries failed; the next push to the branch, or reconcile, stands for it."""
    BASELINE = "baseline"
    """Where a branch was when it was first looked at; nothing is started for it."""


# What nothing was started for.
_UNDONE = frozenset({PushState.FAILED, PushState.REFUSED})


@dataclasses.dataclass(frozen=True)
class QueuedPush:
    """A push in the queue.

    Attributes:
      number: Its place in the order of arrival.
      push: What was pushed.
      attempts: How often it was worked, this time included.
    """

    number: int
    push: Push
    attempts: int


class PushQueue:
    """The queue.

    Args:
      path: Its SQLite file; it is made when missing.

    Raises:
      ConfigError: it can't be made or read.
    """

    def __init__(self, path: Path):
        self._file = QueueFile(path)

    def add(self, push: Push, provider: str, delivery: str, *, supersede: bool) -> bool:
        """Stores a push; when this returns, it is on the disk.

        Args:
          push: What was pushed.
          provider: Who told of it.
          delivery: The provider's id of telling.
          supersede: Whether this push stands for those to its branch that wait.

        Returns:
          Whether it was not known before.

        Raises:
          sqlite3.Error: nothing can be stored now.
        """
        now = time.time()
        with self._file.transaction() as database:
            database.execute("DELETE FROM deliveries WHERE received < ?", (now - _REMEMBER_DELIVERIES_SECONDS,))
            told = database.execute("INSERT OR IGNORE INTO deliveries VALUES (?, ?, ?)", (provider, delivery, now))
            if told.rowcount == 0 or _is_known(database, push) or _is_late(database, push):
                return False
            replaced = _UNDONE | {PushState.PENDING} if supersede else _UNDONE
            _insert(database, push, _supersede_older(database, push, replaced, now), PushState.PENDING, now)
        return True

    def add_baseline(self, push: Push) -> None:
        """Records where a branch is, so that the next push is compared with it."""
        with self._file.transaction() as database:
            if not _is_known(database, push):
                _insert(database, push, push.since, PushState.BASELINE, time.time())

    def claim(self) -> QueuedPush | None:
        """Returns the oldest push that is due and whose branch nobody is working on, which is then at work."""
        with self._file.transaction() as database:
            row = database.execute(
                "SELECT id, repository, ref, commit_name, since, attempts FROM pushes AS one"
                " WHERE state = 'pending' AND due <= ? AND NOT EXISTS ("
                "  SELECT 1 FROM pushes AS other WHERE other.state = 'working'"
                "  AND other.repository = one.repository AND other.ref = one.ref)"
                " ORDER BY id LIMIT 1",
                (time.time(),),
            ).fetchone()
            if row is None:
                return None
            number, repository, ref, commit, since, attempts = row
            database.execute("UPDATE pushes SET state = 'working', attempts = attempts + 1 WHERE id = ?", (number,))
        return QueuedPush(number, Push(repository, ref, commit, since), attempts + 1)

    def finish(self, number: int, state: PushState, note: str) -> None:
        """Records the end of a push.

        Args:
          number: The push.
          state: How it ended.
          note: Why, for people.
        """
        with self._file.transaction() as database:
            database.execute(
                "UPDATE pushes SET state = ?, note = ?, finished = ? WHERE id = ?", (state, note, time.time(), number)
            )

    def postpone(self, number: int, seconds: float, note: str) -> None:
        """Puts a push back, to be worked again after some time.

        Args:
          number: The push.
          seconds: How long to wait.
          note: Why, for people.
        """
        with self._file.transaction() as database:
            database.execute(
                "UPDATE pushes SET state = 'pending', due = ?, note = ? WHERE id = ?",
                (time.time() + seconds, note, number),
            )

    def release(self, number: int) -> None:
        """Puts a push back that was interrupted; that was no try of its own."""
        with self._file.transaction() as database:
            database.execute("UPDATE pushes SET state = 'pending', attempts = attempts - 1 WHERE id = ?", (number,))

    def recover(self) -> None:
        """Puts the pushes back that a killed receiver was working on."""
        with self._file.transaction() as database:
            database.execute("UPDATE pushes SET state = 'pending' WHERE state = 'working'")

    def retry_failed(self, push: Push) -> bool:
        """Puts a push back whose tries all failed, for another round of them; returns whether it was one."""
        with self._file.transaction() as database:
            changed = database.execute(
                "UPDATE pushes SET state = 'pending', attempts = 0, due = ?"
                " WHERE repository = ? AND ref = ? AND commit_name = ? AND state = 'failed'",
                (time.time(), push.repository, push.ref, push.commit),
            )
            return changed.rowcount > 0

    def branches(self, repository: str) -> dict[str, str]:
        """Returns the newest commit known of each branch of a repository, by ref."""
        query = "SELECT ref, commit_name FROM pushes WHERE repository = ? ORDER BY id"
        return dict(self._file.read(query, repository))

    def counts(self) -> dict[PushState, int]:
        """Returns the number of pushes by state."""
        found = dict(self._file.read("SELECT state, count(*) FROM pushes GROUP BY state"))
        return {state: found.get(state.value, 0) for state in PushState}

    def oldest_seconds(self) -> float:
        """Returns how long the oldest push has waited that is not done; 0 without one."""
        ((oldest,),) = self._file.read("SELECT min(accepted) FROM pushes WHERE state IN ('pending', 'working')")
        return 0.0 if oldest is None else max(0.0, time.time() - oldest)

    def check_writable(self) -> None:
        """Raises `sqlite3.Error` where nothing can be stored now."""
        with self._file.transaction():
            pass

    def close(self) -> None:
        """Closes the file."""
        self._file.close()


def _insert(database: sqlite3.Connection, push: Push, since: str | None, state: PushState, now: float) -> None:
    database.execute(
        "INSERT INTO pushes (repository, ref, commit_name, told_since, since, state, accepted, due)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (push.repository, push.ref, push.commit, push.since, since, state, now, now),
    )


def _is_known(database: sqlite3.Connection, push: Push) -> bool:
    query = "SELECT 1 FROM pushes WHERE repository = ? AND ref = ? AND commit_name = ?"
    return database.execute(query, (push.repository, push.ref, push.commit)).fetchone() is not None


def _is_late(database: sqlite3.Connection, push: Push) -> bool:
    """Returns whether a push arrives after the one that followed it.

    That one was compared with what lay before both.

    Args:
      database: In a transaction.
      push: The push.
    """
    branch = (push.repository, push.ref)
    newest = database.execute(
        "SELECT commit_name FROM pushes WHERE repository = ? AND ref = ? ORDER BY id DESC LIMIT 1", branch
    ).fetchone()
    follower = database.execute(
        "SELECT 1 FROM pushes WHERE repository = ? AND ref = ? AND told_since = ?", (*branch, push.commit)
    ).fetchone()
    return follower is not None and newest != (push.since,)


def _supersede_older(database: sqlite3.Connection, push: Push, replaced: Set[PushState], now: float) -> str | None:
    """Ends the newest pushes to the branch that are in such states.

    Args:
      database: In a transaction.
      push: The push that stands for them.
      replaced: The states.
      now: Seconds since 1970.

    Returns:
      The commit to compare with, so that the push covers those that were ended.
    """
    rows = database.execute(
        "SELECT id, commit_name, since, state FROM pushes WHERE repository = ? AND ref = ? ORDER BY id DESC",
        (push.repository, push.ref),
    )
    compared: str | None = push.since
    is_first = True
    ended = []
    for number, commit, since, state in rows:
        if state not in replaced:
            compared = commit if is_first else compared
            break
        compared, is_first = since, False
        ended.append(number)
    for number in ended:
        database.execute("UPDATE pushes SET state = 'superseded', finished = ? WHERE id = ?", (now, number))
    return compared
