"""A file is read once; what is remembered is never another version's, and a damaged memory is none."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import threading
from pathlib import Path

import pytest

from learn2compress.data.file_digests import FileDigests


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """More than are looked at together."""
    (tmp_path / "data").mkdir()
    paths = [tmp_path / "data" / f"{index:03d}" for index in range(300)]
    for index, path in enumerate(paths):
        path.write_bytes(bytes([index % 256, index // 256]))
    return [str(path) for path in paths]


def test_digests_come_in_the_order_of_the_files_and_are_remembered(files: list[str], tmp_path: Path) -> None:
    expected = [sha256(bytes([index % 256, index // 256])) for index in range(300)]
    first = FileDigests(tmp_path / "memory", settled_ns=0)
    assert list(first.of(files)) == expected
    again = FileDigests(tmp_path / "memory")
    assert list(again.of(files[::-1])) == expected[::-1]
    assert (first.num_hashed, again.num_hashed) == (300, 0)
    without = FileDigests()
    assert list(without.of(files[:2])) == list(without.of(files[:2])) == expected[:2]
    assert without.num_hashed == 4


def test_what_changed_just_now_is_not_remembered(files: list[str], tmp_path: Path) -> None:
    for _ in range(2):
        digests = FileDigests(tmp_path / "memory", settled_ns=3600 * 10**9)
        list(digests.of(files))
        assert digests.num_hashed == 300


def test_what_can_not_be_read_is_said_and_not_remembered(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    paths = [str(tmp_path / "pipe"), str(tmp_path / "missing"), str(tmp_path)]
    for _ in range(2):
        found = list(FileDigests(tmp_path / "memory", settled_ns=0).of(paths))
        assert found[:2] == ["unreadable: not a plain file", "unreadable: No such file or directory"]
        assert found[2].startswith("unreadable: ")


@pytest.mark.parametrize("damage", ["no database", "other columns", "no digest", "a folder", "a view", "a trigger"])
def test_a_damaged_memory_is_replaced_or_done_without(files: list[str], tmp_path: Path, damage: str) -> None:
    memory = tmp_path / "memory"
    expected = list(FileDigests(memory, settled_ns=0).of(files))
    if damage == "no database":
        memory.write_bytes(b"\0 not SQLite" * 1000)
    elif damage == "a folder":
        memory.unlink()
        memory.mkdir()
    else:
        with sqlite3.connect(memory) as connection:
            if damage == "a view":
                endless = "WITH RECURSIVE n(key, version, sha256) AS (SELECT 1, 1, 1 UNION ALL SELECT * FROM n)"
                connection.executescript(f"DROP TABLE digests; CREATE VIEW digests AS {endless} SELECT * FROM n")
            elif damage == "a trigger":
                endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i FROM n) SELECT * FROM n"
                connection.execute(f"CREATE TRIGGER t BEFORE INSERT ON digests BEGIN {endless}; END")
            elif damage == "other columns":
                connection.executescript("DROP TABLE digests; CREATE TABLE digests (key TEXT, other TEXT)")
            else:
                connection.execute("UPDATE digests SET sha256 = 'x\n'")
        connection.close()
    assert list(FileDigests(memory, settled_ns=0).of(files)) == expected
    again = FileDigests(memory)
    assert list(again.of(files)) == expected
    assert again.num_hashed == (300 if damage == "a folder" else 0)


def test_several_runs_use_one_memory(files: list[str], tmp_path: Path) -> None:
    found: dict[int, list[str]] = {}

    def run(number: int) -> None:
        found[number] = list(FileDigests(tmp_path / "memory", settled_ns=0).of(files))

    threads = [threading.Thread(target=run, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(found.values()) == [found[0]] * 4
    again = FileDigests(tmp_path / "memory")
    assert list(again.of(files)) == found[0]
    assert again.num_hashed == 0
