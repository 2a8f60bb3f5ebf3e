"""Lines of text files: gzipped or not, in each Unicode encoding, and what is no text file."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from learn2compress.data.locations import Location
from learn2compress.data.records import SourceError
from learn2compress.data.table_text import first_lines, table_lines

LINES = ["a,caf\u00e9 \u010a\r\n", "b,\u0a0a \U0001f3b5\n", "c,x"]


def lines(path: Path) -> list[str]:
    return list(table_lines(Location(str(path), "data.uri"), str(path)))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("zipped", [False, True])
def test_each_encoding_is_read_as_its_mark_says(tmp_path: Path, encoding: str, zipped: bool) -> None:
    content = "".join(LINES).encode(encoding)
    (tmp_path / "a.csv").write_bytes(gzip.compress(content) if zipped else content)
    assert lines(tmp_path / "a.csv") == LINES


def test_big_endian_marks_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes("".join(["\ufeff", *LINES]).encode("utf-16-be"))
    assert lines(tmp_path / "a.csv") == LINES


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a,b\nc,d\n".encode("utf-16-le"), "found NUL bytes, as UTF-16 without a byte order mark has"),
        ("a,b\n".encode("utf-16") + b"x", "found bytes that are not utf-16"),
        (b"PK\x03\x04" + bytes(80), "found a zip archive or an Excel workbook, .*: unpack it, or save"),
        (b"PAR1" + bytes(80), "found a Parquet file"),
        (b"version https://git-lfs.github.com/spec/v1\n", "found a pointer of Git LFS"),
        (gzip.compress(b"a,b\n" * 99, mtime=0)[:-9], "found a damaged gzip file"),
        (b"x" * (2**20 + 10), "found a line longer than 1048576 characters"),
    ],
    ids=lambda value: value if isinstance(value, str) else "content",
)
def test_what_is_no_text_has_its_own_words(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(SourceError, match=rf"^data.uri: .*a.csv: {message}"):
        lines(tmp_path / "a.csv")


def test_the_first_lines_are_whole_and_few(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a,0123456789\n" * 200_000)
    found = first_lines(Location(str(tmp_path / "a.csv"), "data.uri"), str(tmp_path / "a.csv"))
    assert set(found) == {"a,0123456789\n"}
    assert len(found) < 100_000
