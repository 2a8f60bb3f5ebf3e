"""Text reaches terminals whose encoding lacks its signs."""

from __future__ import annotations

import io

import pytest

from learn2compress.report.plain_text import (
    accept_any_text,
    accepting_any_text,
    on_one_line,
    plain,
    without_controls,
)

MINUS, TIMES, SNOWMAN = "\N{MINUS SIGN}", "\N{MULTIPLICATION SIGN}", "\N{SNOWMAN}"


@pytest.mark.parametrize(
    ("encoding", "written"),
    [
        ("ascii", b"-0.28 17.1x \\u2603 \\udcff"),
        ("latin-1", b"-0.28 17.1\xd7 \\u2603 \\udcff"),
        ("utf-8", f"{MINUS}0.28 17.1{TIMES} {SNOWMAN} ".encode() + b"\\udcff"),
    ],
)
def test_what_an_encoding_lacks_is_shown_by_the_nearest_that_it_has(encoding: str, written: bytes) -> None:
    file = io.BytesIO()
    stream = io.TextIOWrapper(file, encoding=encoding)
    accept_any_text(stream)
    stream.write(f"{MINUS}0.28 17.1{TIMES} {SNOWMAN} \udcff")
    stream.flush()
    assert file.getvalue() == written


def test_signs_of_figures_keep_their_width() -> None:
    assert plain(f"{MINUS}{TIMES}\N{EN DASH}") == "-x-"


def test_a_stream_without_an_encoding_is_left_alone() -> None:
    stream = io.StringIO()
    accept_any_text(stream)
    stream.write(SNOWMAN)
    assert stream.getvalue() == SNOWMAN


def test_a_callers_stream_is_as_it_was_before() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    with accepting_any_text(stream):
        stream.write(SNOWMAN)
    with pytest.raises(UnicodeEncodeError):
        stream.write(SNOWMAN)


def test_no_letter_of_a_strangers_moves_the_cursor() -> None:
    assert without_controls("a\x1b[2J\x9b\r\u202eb  c\n") == "a?[2J???b  c\n"
    assert on_one_line("a\x1b\n\tb") == "a? b"
    assert on_one_line("one\n two\x1b[31m\u202e three") == "one two?[31m? three"
