"""The frame of the command: its version, its completion, and what becomes of errors."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import NoReturn

import pytest

import learn2compress
from learn2compress.command_line import main as command
from learn2compress.command_line.failures import InterruptedWorkError, RunFailedError
from learn2compress.config.parsing import ConfigError

Command = Callable[..., subprocess.CompletedProcess[str]]


def test_it_says_its_version(l2c_with: Command) -> None:
    process = l2c_with("", "--version")
    assert (process.returncode, process.stdout) == (0, f"l2c {learn2compress.__version__}\n")


def test_help_loads_no_tensorflow() -> None:
    code = "import sys; from learn2compress.command_line.main import full_app; full_app(); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "typer" in loaded
    assert not {"tensorflow", "keras", "tfx", "numpy"} & set(loaded)


def test_a_shell_completes_its_verbs(l2c_with: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    # Typer then takes the shell that is named; otherwise it looks for one among the parents of the process.
    monkeypatch.setenv("_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION", "1")
    process = l2c_with("learn2compress-pipelines", "--show-completion", "bash")
    assert process.returncode == 0
    assert "complete" in process.stdout


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (ConfigError("seed: found 'x'"), 2, "seed: found 'x'"),
        (RunFailedError(ConfigError("data.uri: found nothing"), "run.log"), 2, "data.uri: found nothing"),  # type: ignore[arg-type]
        (RunFailedError(OSError("no room"), "run.log"), 1, "no room (details: run.log)"),  # type: ignore[arg-type]
        (RunFailedError(KeyError(), "run.log"), 1, "KeyError (details: run.log)"),  # type: ignore[arg-type]
        (InterruptedWorkError("interrupted; it starts anew"), 130, "interrupted; it starts anew"),
        (SystemExit(130), 130, "interrupted; run the same command to go on"),
    ],
)
def test_an_error_is_one_line_and_a_code(
    error: BaseException, code: int, line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def app() -> NoReturn:
        raise error

    monkeypatch.setattr(command, "full_app", lambda: app)
    with pytest.raises(SystemExit) as ended:
        command.main()
    assert ended.value.code == code
    assert capsys.readouterr().err == f"l2c: error: {line}\n"
