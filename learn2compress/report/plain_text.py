"""Text for terminals and logs whose encoding is not UTF-8: a sign that it lacks is shown by the nearest that it has."""

from __future__ import annotations

import codecs
import contextlib
import io
import re
import sys
from collections.abc import Iterator
from typing import TextIO

ERRORS = "learn2compress.plain"

# Those of tables are one character, too.
_PLAIN = str.maketrans(
    {
        "\N{MINUS SIGN}": "-",
        "\N{EN DASH}": "-",
        "\N{EM DASH}": "-",
        "\N{MULTIPLICATION SIGN}": "x",
        "\N{HORIZONTAL ELLIPSIS}": "...",
        "\N{NO-BREAK SPACE}": " ",
        "\N{BULLET}": "*",
        "\N{MIDDLE DOT}": ".",
        "\N{PLUS-MINUS SIGN}": "+/-",
        "\N{LESS-THAN OR EQUAL TO}": "<=",
        "\N{GREATER-THAN OR EQUAL TO}": ">=",
        "\N{BOX DRAWINGS LIGHT HORIZONTAL}": "-",
        "\N{BOX DRAWINGS HEAVY HORIZONTAL}": "-",
        "\N{RIGHTWARDS ARROW}": "->",
    }
)
# Control characters other than the end of a line, and what changes the direction of writing.
_CONTROLS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def plain(text: str) -> str:
    r"""Returns text in ASCII: signs by the nearest, what has none as its code.

    Example:
      >>> from learn2compress.report.plain_text import plain
      >>> plain("\N{MINUS SIGN}0.28 points, 17.1\N{MULTIPLICATION SIGN} smaller, \N{SNOWMAN}")
      '-0.28 points, 17.1x smaller, \\u2603'
    """
    return text.translate(_PLAIN).encode("ascii", "backslashreplace").decode("ascii")


def without_controls(text: str) -> str:
    r"""Returns text that a stranger may have written, such as a path, with "?" for what moves a cursor.

    Example:
      >>> from learn2compress.report.plain_text import without_controls
      >>> without_controls("wrote \x1b[2Jmy  student.tflite")
      'wrote ?[2Jmy  student.tflite'
    """
    return _CONTROLS.sub("?", text)


def on_one_line(text: str) -> str:
    r"""Returns text that a stranger may have written, such as a file's name, with no letter that moves a cursor.

    Example:
      >>> from learn2compress.report.plain_text import on_one_line
      >>> on_one_line("\x1b[2Jsmall\n.tflite")
      '?[2Jsmall .tflite'
    """
    return "".join(letter if letter.isprintable() else "?" for letter in " ".join(text.split()))


def print_any_text() -> None:
    """Makes standard output and error print every text, whatever their encoding, and names that are not UTF-8."""
    for stream in (sys.stdout, sys.stderr):
        accept_any_text(stream)


def accept_any_text(stream: TextIO) -> None:
    """Makes a stream print every text; one that is no file with an encoding is left as it is."""
    codecs.register_error(ERRORS, _replace)
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors=ERRORS)


@contextlib.contextmanager
def accepting_any_text(stream: TextIO) -> Iterator[None]:
    """Makes a stream print every text inside the block; afterwards it is as it was before.

    Args:
      stream: Such as a caller's standard output.
    """
    if not isinstance(stream, io.TextIOWrapper):
        yield
        return
    before = stream.errors
    accept_any_text(stream)
    try:
        yield
    finally:
        stream.reconfigure(errors=before)


def _replace(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return plain(error.object[error.start : error.end]), error.end
