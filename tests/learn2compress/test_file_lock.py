"""A lock has one holder, and ends with the file that holds it."""

from __future__ import annotations

from pathlib import Path

from learn2compress.file_lock import take_lock


def test_one_open_file_has_the_lock_at_a_time(tmp_path: Path) -> None:
    with (tmp_path / "lock").open("a") as first, (tmp_path / "lock").open("a") as second:
        assert take_lock(first.fileno())
        assert not take_lock(second.fileno())
        first.close()
        assert take_lock(second.fileno())
