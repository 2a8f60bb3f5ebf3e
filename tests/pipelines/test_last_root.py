"""A folder of runs is found where nobody names one, or it is said where it was looked for."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path

import pytest

from learn2compress.config.parsing import ConfigError
from pipelines.last_root import choice_sentence, find_roots


def make(folder: Path, written: float) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    with contextlib.closing(sqlite3.connect(folder / "metadata.sqlite")) as database:
        for table in ("MLMDEnv", "Type", "Artifact", "Execution", "Context", "Event"):
            database.execute(f"CREATE TABLE {table} (id INT)")
    os.utime(folder / "metadata.sqlite", (written, written))
    return folder


def test_the_one_written_last_is_the_first(tmp_path: Path) -> None:
    expected = [make(tmp_path / name, 1000 - number) for number, name in enumerate(("build/runs", "mine", "runs"))]
    make(tmp_path / "deep" / "deeper" / "runs", 2000)
    found = find_roots(None, print, tmp_path)
    assert [root.folder for root in found] == expected
    sentence = choice_sentence(found)
    assert sentence.startswith(f"runs of {tmp_path / 'build' / 'runs'}, which was written last")
    assert str(tmp_path / "runs") in sentence


def test_inside_a_folder_of_runs_it_is_that_one(tmp_path: Path) -> None:
    make(tmp_path, 1)
    found = find_roots(None, print, tmp_path)
    assert [root.folder for root in found] == [tmp_path]
    assert choice_sentence(found) == ""


def test_one_that_is_named_is_the_only_one(tmp_path: Path) -> None:
    make(tmp_path / "runs", 1)
    assert [root.folder for root in find_roots(tmp_path / "nothing", print, tmp_path)] == [tmp_path / "nothing"]


def test_where_there_is_none_the_places_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no runs here yet \(looked in") as raised:
        find_roots(None, print, tmp_path)
    assert f"{tmp_path}/build/*" in str(raised.value)
    assert "L2C_ROOT" in str(raised.value)


def test_bad_neighbours_are_passed_over_and_left_as_they_are(tmp_path: Path) -> None:
    good = make(tmp_path / "runs", 1)
    for name in ("empty", "fifo", "folder", "garbage", "link", "loop"):
        (tmp_path / name).mkdir()
    files = {path.name: path / "metadata.sqlite" for path in tmp_path.iterdir()}
    files["empty"].touch()
    os.mkfifo(files["fifo"])
    files["folder"].mkdir()
    files["garbage"].write_bytes(b"no database " * 100)
    files["link"].symlink_to(files["garbage"])
    files["loop"].symlink_to(files["loop"])
    said: list[str] = []
    assert [root.folder for root in find_roots(None, said.append, tmp_path)] == [good]
    assert [sentence.partition(" is passed over: ")[2] for sentence in said] == [
        "it is empty",
        "it is no SQLite file that can be read",
        "it is no SQLite file that can be read",
        "it is no SQLite file that can be read",
        "it is a link",  # one that leads nowhere is not even seen
    ]
    assert files["empty"].read_bytes() == b""
