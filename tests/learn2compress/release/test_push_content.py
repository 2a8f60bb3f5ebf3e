"""What describes a version: its record, its sums, and which paths it may hold."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from learn2compress.release.push_content import (
    UnsafePathError,
    checked_files,
    format_sums,
    key_of,
    parse_sums,
    push_record,
    version_numbers,
)


def test_files_come_in_order_of_their_paths_with_the_record_among_them(tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(b"from disk")
    found = list(checked_files({"z": tmp_path / "source", "a/b": b"one"}, b"record"))
    assert found == [("a/b", b"one"), ("push.json", b"record"), ("z", b"from disk")]


@pytest.mark.parametrize("path", ["../a", "/a", "a/../b", "a\\b", "a\nb", "", "a//b", "a/", "SHA256SUMS", "push.json"])
def test_a_path_out_of_the_version_is_refused_before_anything_is_read(path: str) -> None:
    with pytest.raises(UnsafePathError, match="accepted are relative paths inside the version"):
        next(checked_files({"fine": Path("/nowhere"), path: b""}, b""))


def test_a_record_holds_its_key_and_anything_else_has_none() -> None:
    assert key_of(push_record("digest", claim="mine")) == "digest"
    assert json.loads(push_record("digest", claim="mine"))["claim"] == "mine"
    assert [key_of(content) for content in (b"", b"[]", b"{}", b"\xff")] == [None] * 4


def test_sums_are_read_as_they_were_written() -> None:
    sums = {"b c": "2" * 64, "a": "1" * 64}
    assert format_sums(sums).decode() == f"{'1' * 64}  a\n{'2' * 64}  b c\n"
    assert parse_sums(format_sums(sums)) == sums


def test_only_numbers_are_versions() -> None:
    assert version_numbers(["10", "2", "0", "03", ".incoming-x", "1a", ""]) == [2, 10]
