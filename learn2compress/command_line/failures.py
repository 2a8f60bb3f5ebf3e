"""How `l2c` ends: one line on standard error for each problem, and an exit code that says of which kind it is."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NoReturn

from learn2compress.command_line.exit_codes import ExitCode
from learn2compress.report.plain_text import on_one_line

_LONGEST_ERROR = 4000


class RunFailedError(Exception):
    """A run failed; the log holds the traceback.

    Args:
      error: Why.
      log_file: The log.
    """

    def __init__(self, error: Exception, log_file: Path):
        super().__init__(str(error))
        self.error = error
        self.log_file = log_file


class InterruptedWorkError(Exception):
    """Ctrl-C ended the work; the message is one line that says what the same command does then."""


def fail_each(error: Exception) -> NoReturn:
    """Ends with one line for each problem of what a person wrote; most errors have one.

    Args:
      error: What was refused, with `problems` where there are several.
    """
    *first, last = getattr(error, "problems", None) or (str(error),)
    for problem in first:
        print_error(problem)
    fail(last, ExitCode.REFUSED)


def fail(message: str, code: ExitCode) -> NoReturn:
    """Prints why, and ends.

    Args:
      message: One sentence.
      code: The exit code.
    """
    print_error(message)
    sys.exit(code)


def print_error(message: str) -> None:
    """Prints one line on standard error, however long or strange the message is."""
    line = on_one_line(message)
    shown = line if len(line) <= _LONGEST_ERROR else f"{line[:_LONGEST_ERROR]}..."
    print(f"l2c: error: {shown}", file=sys.stderr)
