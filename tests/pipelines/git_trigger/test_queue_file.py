"""The file of the queue: all of a transaction is on the disk, or none of it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from learn2compress.config.parsing import ConfigError
from pipelines.git_trigger.queue_file import QueueFile

ADD = "INSERT INTO deliveries VALUES ('github', ?, 1.0)"
READ = "SELECT delivery FROM deliveries"


def test_what_was_committed_is_there_for_another_process(tmp_path: Path) -> None:
    file, other = (QueueFile(tmp_path / "folder" / "queue.sqlite") for _ in range(2))
    with file.transaction() as database:
        database.execute(ADD, ("d-1",))
        assert other.read(READ) == []
    assert other.read(READ) == [("d-1",)]
    file.close()
    assert QueueFile(tmp_path / "folder" / "queue.sqlite").read(READ) == [("d-1",)]


def test_a_transaction_that_fails_leaves_nothing(tmp_path: Path) -> None:
    file = QueueFile(tmp_path / "queue.sqlite")

    def add_twice() -> None:
        with file.transaction() as database:
            database.execute(ADD, ("d-1",))
            database.execute(ADD, ("d-1",))

    with pytest.raises(sqlite3.IntegrityError):
        add_twice()
    assert file.read(READ) == []
    with file.transaction() as database:  # and the next one goes through
        database.execute(ADD, ("d-2",))
    assert file.read(READ) == [("d-2",)]


def test_a_second_writer_waits_and_then_is_told(tmp_path: Path) -> None:
    file, other = (QueueFile(tmp_path / "queue.sqlite") for _ in range(2))
    with file.transaction(), pytest.raises(sqlite3.OperationalError, match="locked"), other.transaction():
        pass


def test_what_is_no_queue_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("not a database " * 100)
    for path in (tmp_path / "text", tmp_path / "text" / "below.sqlite"):
        with pytest.raises(ConfigError, match=r"^--queue: .* can't be opened as a queue"):
            QueueFile(path)
