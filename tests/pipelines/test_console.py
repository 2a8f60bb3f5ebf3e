"""What a person sees of a run, and what goes to the log instead."""

from __future__ import annotations

import io
import logging
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from learn2compress.progress import Progress
from learn2compress.progress_display import plain_console
from pipelines.console import redirect_library_output, run_display
from pipelines.local_runner import StepEvent, StepState
from pipelines.run_history import Run, Step
from pipelines.run_tables import runs_table, steps_table

# In a process of its own: pytest replaces Python's streams by some that do not write to 1 and 2.
NOISE = """
import logging, os, subprocess, sys
from pathlib import Path
from pipelines.console import redirect_library_output
with redirect_library_output(Path(sys.argv[1])) as console:
    os.write(1, b"C++ to 1\\n")
    os.write(2, b"C++ to 2\\n")
    subprocess.run([sys.executable, "-c", "print('a child')"], check=True)
    print("Python to 1")
    print("Python to 2", file=sys.stderr)
    logging.getLogger("some.library").warning("a warning")
    console.print("to the person")
print("after 1")
print("after 2", file=sys.stderr)
"""


def test_what_libraries_write_goes_to_the_log(tmp_path: Path) -> None:
    log = tmp_path / "run.log"
    process = subprocess.run([sys.executable, "-c", NOISE, str(log)], capture_output=True, text=True, check=True)
    assert process.stdout == "to the person\nafter 1\n"
    assert process.stderr == "after 2\n"
    logged = log.read_text()
    for line in ("C++ to 1", "C++ to 2", "a child", "Python to 1", "Python to 2", "some.library: a warning"):
        assert line in logged
    assert "person" not in logged


def test_streams_are_restored_after_an_error(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    handlers = list(logging.getLogger().handlers)

    def fail() -> None:
        with redirect_library_output(tmp_path / "run.log"):
            os.write(2, b"noise\n")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "after\n"
    assert logging.getLogger().handlers == handlers


def test_a_log_gets_plain_lines() -> None:
    shown = io.StringIO()
    with run_display(plain_console(file=shown, width=100)) as display:
        display.on_step(StepEvent("Ingest", StepState.STARTED, 1, 3))
        display.on_step(StepEvent("Ingest", StepState.CACHED, 1, 3))
        display.on_step(StepEvent("Prune.small", StepState.STARTED, 2, 3))
        display.on_progress(Progress("prune epoch 2/2", 8, 8, "30.0 steps/s"))
        display.on_step(StepEvent("Prune.small", StepState.FINISHED, 2, 3))
    lines = shown.getvalue().splitlines()
    assert lines[:4] == [
        "[1/3] Ingest ...",
        "[1/3] Ingest cached",
        "[2/3] Prune.small ...",
        "    prune epoch 2/2, 8/8, 30.0 steps/s",
    ]
    assert lines[4].startswith("[2/3] Prune.small done in ")
    assert "\x1b" not in shown.getvalue()


def test_a_terminal_gets_a_live_display() -> None:
    shown = io.StringIO()
    with run_display(plain_console(file=shown, width=100, force_terminal=True)) as display:
        display.on_step(StepEvent("Prune.small", StepState.STARTED, 1, 1))
        display.on_progress(Progress("prune epoch 1/2", 4, 8, "30.0 steps/s"))
        deadline = time.monotonic() + 30.0
        while "Prune.small: prune epoch 1/2" not in shown.getvalue():  # a thread draws ten times a second
            assert time.monotonic() < deadline
            time.sleep(0.02)
        display.on_step(StepEvent("Prune.small", StepState.FINISHED, 1, 1))
    assert "[1/1] Prune.small done in " in shown.getvalue()
    assert "\x1b" in shown.getvalue()  # it moves the cursor, which lines never do


def test_names_are_not_read_as_markup() -> None:
    shown = io.StringIO()
    with run_display(plain_console(file=shown, width=100)) as display:
        display.on_step(StepEvent("[bold]x[/bold]", StepState.STARTED, 1, 1))
    assert shown.getvalue() == "[1/1] [bold]x[/bold] ...\n"


@pytest.mark.parametrize("is_terminal", [False, True])
def test_a_notice_stays_readable_after_its_work_has_ended(is_terminal: bool) -> None:
    stream = io.StringIO()
    console = plain_console(file=stream, force_terminal=is_terminal, width=120)
    with run_display(console) as display:
        display.on_progress(Progress("prune", 1, 1, "student small will not be pruned", is_notice=True))
        display.on_step(StepEvent("Prune.small", StepState.STARTED, 1, 2))
        display.on_progress(Progress("prune", 1, 1, "not pruned: why", is_notice=True))
        display.on_step(StepEvent("Prune.small", StepState.FINISHED, 1, 2))
    lines = [line.strip() for line in stream.getvalue().splitlines()]
    assert any(line.endswith("student small will not be pruned") for line in lines)
    assert any(line.endswith("Prune.small: not pruned: why") for line in lines)


@pytest.mark.parametrize("name", ["exp [old]", "exp[/v2].yaml", "exp:fire:.yaml", "[bold]x"])
def test_a_console_shows_names_as_they_are(name: str) -> None:
    shown = io.StringIO()
    console = plain_console(file=shown, width=100)
    console.print(name)
    console.print(runs_table([Run(1, name, "now", "failed", ())]))
    console.print(steps_table(Run(1, name, "now", "failed", (Step("Pusher", "failed", None, {}, {"pushed": name}),))))
    assert shown.getvalue().splitlines()[0] == name
    assert shown.getvalue().count(name) == 4
