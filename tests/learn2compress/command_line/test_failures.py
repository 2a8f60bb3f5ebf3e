"""One line for each problem, and an exit code that says of which kind it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from learn2compress.command_line.exit_codes import ExitCode
from learn2compress.command_line.failures import RunFailedError, fail, fail_each
from learn2compress.config.parsing import ConfigError


def test_an_end_is_one_line_and_a_code(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        fail("a disk is full:\n  free some", ExitCode.FAILED)
    assert ended.value.code == 1
    assert capsys.readouterr().err == "l2c: error: a disk is full: free some\n"


def test_each_of_several_problems_has_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    error = ConfigError("two problems")
    error.problems = ("the first", "the second")  # type: ignore[attr-defined]
    with pytest.raises(SystemExit) as ended:
        fail_each(error)
    assert ended.value.code == ExitCode.REFUSED
    assert capsys.readouterr().err == "l2c: error: the first\nl2c: error: the second\n"


def test_a_strangers_letters_move_no_cursor_and_fill_no_screen(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        fail("\x1b[2J" + "x" * 10_000, ExitCode.FAILED)
    line = capsys.readouterr().err
    assert line.startswith("l2c: error: ?[2Jxxx")
    assert line.endswith("x...\n")
    assert len(line) < 4100


def test_a_failed_run_knows_why_and_where_its_log_is() -> None:
    failed = RunFailedError(ValueError("no room"), Path("run.log"))
    assert (str(failed), failed.log_file) == ("no room", Path("run.log"))
