"""`l2c trigger` and its exit codes, as a script meets them; starting runs is tested with the submitter."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from learn2compress.command_line.main import main

ALLOWED = ("--allow-uri", "s3://team/")
Outcome = tuple[int, str, str]


@pytest.fixture
def trigger(
    repository: Any, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., Outcome]:
    """Runs `l2c trigger` for the newest commit in this process; gives exit code, output and errors."""

    def run(*options: object) -> Outcome:
        commit = repository.git("rev-parse", "HEAD")
        push = ("--repo", repository.folder, "--ref", "refs/heads/main", "--sha", commit)
        arguments = ["trigger", *push, *ALLOWED, *options]
        monkeypatch.setattr(sys, "argv", ["l2c", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0), *capfd.readouterr()

    return run


def test_a_check_says_what_would_run(trigger: Any, repository: Any, config_text: Callable[..., str]) -> None:
    repository.commit({"l2c.yaml": config_text()})
    code, output, _ = trigger("--check")
    assert (code, output) == (0, "l2c.yaml: accepted: little: large, small\n")
    code, output, _ = trigger("--check", "--json")
    assert (code, json.loads(output)[0]["state"]) == (0, "accepted")
    code, output, _ = trigger("--check", "--markdown")
    assert (code, "| `l2c.yaml` | accepted |" in output) == (0, True)


def test_a_refused_file_is_exit_code_2(trigger: Any, repository: Any, config_text: Callable[..., str]) -> None:
    repository.commit({"l2c.yaml": config_text(), "bad.l2c.yaml": "a: b"})
    code, output, _ = trigger("--check")
    assert code == 2
    assert [line.split(":")[1] for line in output.splitlines()] == [" refused", " accepted"]


def test_a_policy_says_what_files_may_name(
    trigger: Any, repository: Any, config_text: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.commit({"l2c.yaml": config_text(kubernetes={"all_steps": {"image": "registry/other:1"}})})
    code, output, _ = trigger("--check", "--image", "registry/own:1")
    assert code == 2
    assert output == (
        "l2c.yaml: refused: kubernetes.all_steps.image: found 'registry/other:1', accepted in a pushed configuration "
        "is registry/own:1; 'images' of the operator's policy lists them\n"
    )
    policy = tmp_path / "policy.yaml"
    policy.write_text("images: [registry/other:1]")
    assert trigger("--check", "--policy", policy)[0] == 0
    monkeypatch.setenv("L2C_POLICY", str(policy))
    assert trigger("--check")[0] == 0
    policy.write_text("images: {}")
    code, _, errors = trigger("--check")
    assert (code, len(errors.splitlines()), "policy.yaml: images: found" in errors) == (2, 1, True)


@pytest.mark.parametrize("option", ["--flink_job_server_jar=/tmp/x.jar", "--setup_file=/tmp/x", "--beam_plugins=x"])
def test_a_program_in_a_pushed_file_is_refused(
    trigger: Any, repository: Any, config_text: Callable[..., str], option: str
) -> None:
    repository.commit({"l2c.yaml": config_text(beam={"all_steps": {"options": [option]}})})
    code, output, _ = trigger("--check")
    assert (code, len(output.splitlines())) == (2, 1)
    assert output.startswith(f"l2c.yaml: refused: beam.all_steps: options: found {option.partition('=')[0]}, accepted ")


def test_a_prefix_that_is_none_is_one_line(trigger: Any, repository: Any) -> None:
    repository.commit({"README": "1"})
    code, _, errors = trigger("--check", "--allow-uri", "team")
    assert (code, len(errors.splitlines()), "--allow-uri.uris.1: found" in errors) == (2, 1, True)


def test_what_is_away_is_exit_code_1(trigger: Any, repository: Any, config_text: Callable[..., str]) -> None:
    repository.commit({"l2c.yaml": config_text(teacher={"uri": "/nowhere/teacher.keras"})})
    server = ("--endpoint", "http://127.0.0.1:9", "--retry-seconds", "0.2")
    code, output, errors = trigger("--allow-uri", "/nowhere", *server)
    assert (code, output) == (1, "")
    assert errors.splitlines()[-1].endswith("trying again is safe")


def test_a_push_without_compression_files_starts_nothing(trigger: Any, repository: Any) -> None:
    repository.commit({"README": "1"})
    assert trigger()[:2] == (0, "no compression file changed\n")


def test_a_commit_before_of_zeros_is_none(trigger: Any, repository: Any, config_text: Callable[..., str]) -> None:
    repository.commit({"l2c.yaml": config_text()})
    assert trigger("--check", "--changed-since", "0" * 40)[0] == 0
    assert "no compression file changed" in trigger("--changed-since", repository.git("rev-parse", "HEAD"))[1]


@pytest.mark.parametrize("option", [("--repo", "https://me:secret@host/a"), ("--sha", "main"), ("--ref", "main")])
def test_what_is_no_push_is_one_line(trigger: Any, repository: Any, option: tuple[str, str], tmp_path: Path) -> None:
    repository.commit({"README": "1"})
    code, output, errors = trigger(*option)
    assert (code, output, len(errors.splitlines())) == (2, "", 1)
    assert "secret" not in errors
