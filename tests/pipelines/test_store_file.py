"""A store of ML Metadata is told from any other file without a byte being written."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

from learn2compress.config.store_address import StoreAddress, StoreKind
from pipelines.store_connection import open_address
from pipelines.store_file import tables_in, why_no_store


def test_a_store_is_one(tmp_path: Path) -> None:
    path = tmp_path / "50% of?#.sqlite"
    open_address(StoreAddress(StoreKind.SQLITE, path=str(path)), create=True)
    assert why_no_store(path) == ""


def test_another_programs_tables_are_none(tmp_path: Path) -> None:
    path = tmp_path / "metadata.sqlite"
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("CREATE TABLE Context (id INT)")
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    assert tables_in(path) == {"Context"}
    assert why_no_store(path) == "it is another program's database"
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_what_is_no_database_has_no_tables(tmp_path: Path) -> None:
    (tmp_path / "garbage").write_bytes(b"no database " * 100)
    (tmp_path / "empty").touch()
    assert tables_in(tmp_path / "garbage") is None
    assert tables_in(tmp_path / "nothing") is None
    assert tables_in(tmp_path / "empty") == frozenset()
    assert why_no_store(tmp_path / "empty") == "it is empty"
