"""The help says what each exit code means."""

from __future__ import annotations

import re

from learn2compress.command_line.exit_codes import HELP, ExitCode


def test_the_help_names_each_code_once() -> None:
    assert [int(code) for code in re.findall(r"^  (\d+) ", HELP, re.MULTILINE)] == sorted(ExitCode)
