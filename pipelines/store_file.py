"""Tells whether a file is a store of ML Metadata, before anything connects to it: connecting makes tables."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path

# Of every version of ML Metadata's schema; other programs may well have a table `Context`, but not all of them.
_TABLES = frozenset({"MLMDEnv", "Type", "Artifact", "Execution", "Context", "Event"})


def tables_in(path: Path) -> frozenset[str] | None:
    """Returns the names of a SQLite file's tables, and changes neither the file nor its folder.

    Args:
      path: A file; an empty one is a database without tables.

    Returns:
      `None` where it is no SQLite file that can be read.
    """
    if not os.path.isfile(path):  # a FIFO would never answer
        return None
    # A journal that a killed run left can't be rolled back by a reader: `immutable` reads past it.
    for options in ("mode=ro&immutable=1", "mode=ro"):
        with contextlib.suppress(sqlite3.Error):
            database = sqlite3.connect(f"{path.absolute().as_uri()}?{options}", uri=True)
            with contextlib.closing(database):
                found = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
            return frozenset(str(name) for (name,) in found)
    return None


def why_no_store(path: Path) -> str:
    """Returns why a file is no store of ML Metadata that can be read, in a few words; empty where it is one.

    Args:
      path: Where the store should be.
    """
    tables = tables_in(path)
    if tables is None:
        return "it is no SQLite file that can be read"
    if not tables:
        return "it is empty"
    return "" if tables >= _TABLES else "it is another program's database"
