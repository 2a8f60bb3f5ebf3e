"""`l2c submit`, `schedule`, `runs` and `show` against a server, as a person meets them."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fsspec
import keras
import pytest
import yaml

from learn2compress.command_line.main import main
from learn2compress.config.file import load_config
from pipelines.provenance import collect_provenance

SECRET = "s3cret-token"
FAST = ("--retry-seconds", "0.5")
Outcome = tuple[int, str, str]
TASKS = ("teacher_load", "evaluate_teacher", "joint_distill_trainer", "prune_small", "quantize_small", "evaluate_small")
ENDED: dict[str, Any] = {"ingest": ("SUCCEEDED", 0, 9), **dict.fromkeys((*TASKS, "pusher"), ("SUCCEEDED", 9, 30))}


@pytest.fixture
def l2c_here(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Runs the command in this process; gives exit code, output and errors."""

    def run(*arguments: object) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["l2c", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0), *capfd.readouterr()

    return run


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration that pushes to a place that can be read from here."""
    layers = [keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(10)]
    keras.Sequential(layers).save(tmp_path / "teacher.keras")
    path = tmp_path / "l2c.yaml"
    plain = {
        "name": "pocket_digits",
        "data": {"format": "digits"},
        "teacher": {"uri": "teacher.keras"},
        "students": [{"name": "small", "stage": 1}],
        "push": {"uri": f"file://{tmp_path}/pushed"},
    }
    path.write_text(yaml.safe_dump(plain), encoding="utf-8")
    return path


@pytest.fixture
def push_report_of(push_report: Callable[..., None], tmp_path: Path) -> Callable[..., None]:
    """Pushes a report with the provenance of a configuration, as its run would."""

    def push(config: Path, **provenance: str) -> None:
        own = collect_provenance(load_config(config)).as_dict()
        push_report(f"file://{tmp_path}/pushed", {**own, "data_sha256": "d", **provenance})

    return push


def test_a_submitted_run_is_told_once_and_found_again(
    kfp_server: Any, l2c_here: Callable[..., Outcome], config: Path
) -> None:
    code, output, errors = l2c_here("submit", config, "--endpoint", kfp_server.url, "--parameter", "epochs=3")
    (run,) = kfp_server.runs
    assert (code, run["run_id"] in output, "submitted: pocket_digits" in output) == (0, True, True), errors
    assert run["runtime_config"] == {"parameters": {"epochs": 3}}
    code, output, _ = l2c_here("submit", config, "--endpoint", kfp_server.url, "--parameter", "epochs=3")
    assert (code, "there already, pending" in output, len(kfp_server.runs)) == (0, True, 1)
    l2c_here("submit", config, "--endpoint", kfp_server.url, "--parameter", "epochs=3", "--again")
    assert len(kfp_server.runs) == 2


def test_waiting_ends_with_the_table_of_what_was_pushed(
    kfp_server: Any, l2c_here: Callable[..., Outcome], config: Path, tmp_path: Path, push_report_of: Callable[..., None]
) -> None:
    kfp_server.after("POST /runs", lambda: kfp_server.move_run(kfp_server.runs[0]["run_id"], "SUCCEEDED", **ENDED))
    push_report_of(config)
    push_report_of(config, teacher_sha256="of another run")
    code, output, errors = l2c_here("submit", config, "--endpoint", kfp_server.url, "--wait")
    assert code == 0, errors
    assert "Ingest done in 9 s" in output
    assert "skipped" not in output
    assert "1.23 kB" in output
    assert "small: a note" in output
    assert output.splitlines()[-1] == f"pushed: file://{tmp_path}/pushed/versions/1"


def test_a_run_of_which_nothing_was_pushed_says_so(
    kfp_server: Any, l2c_here: Callable[..., Outcome], config: Path, tmp_path: Path, push_report_of: Callable[..., None]
) -> None:
    kfp_server.after("POST /runs", lambda: kfp_server.move_run(kfp_server.runs[0]["run_id"], "SUCCEEDED", **ENDED))
    push_report_of(config, config_sha256="of another run")
    code, output, _ = l2c_here("submit", config, "--endpoint", kfp_server.url, "--wait")
    assert (code, "no pushed version of this run" in output) == (0, True)


def test_a_failed_run_is_exit_code_1_and_names_its_step(
    kfp_server: Any, l2c_here: Callable[..., Outcome], config: Path
) -> None:
    tasks: dict[str, Any] = {"ingest": ("SUCCEEDED", 0, 9), "quantize_small": ("FAILED", 9, 30)}
    kfp_server.after("POST /runs", lambda: kfp_server.move_run(kfp_server.runs[0]["run_id"], "FAILED", **tasks))
    code, _, errors = l2c_here("submit", config, "--endpoint", kfp_server.url, "--wait")
    assert code == 1
    assert errors.splitlines()[-1].startswith("l2c: error: run ")
    assert "failed steps: Quantize.small" in errors


def test_a_failed_step_is_told_with_what_its_pod_says(
    kfp_server: Any, kubernetes: Any, l2c_here: Callable[..., Outcome], config: Path
) -> None:
    def fail() -> None:
        run_id = kfp_server.runs[0]["run_id"]
        kfp_server.move_run(run_id, "FAILED", ingest_driver=("SUCCEEDED", 0, 1), ingest=("FAILED", 2, 9))
        kubernetes.add_pod(run_id, "ingest.executor(0)", exitCode=137, reason="OOMKilled")

    kfp_server.after("POST /runs", fail)
    code, _, errors = l2c_here("submit", config, "--endpoint", kfp_server.url, "--wait")
    reason = "out of memory at 4 GiB: raise kubernetes.steps.Ingest.memory_gib"
    assert (code, f"  Ingest: {reason}" in errors.splitlines()) == (1, True)
    run_id = kfp_server.runs[0]["run_id"]
    assert f"Ingest: {reason}" in l2c_here("show", run_id, "--endpoint", kfp_server.url)[1]
    shown = json.loads(l2c_here("show", run_id, "--json", "--endpoint", kfp_server.url)[1])
    assert shown["reasons"] == {"Ingest": reason}


def test_a_schedule_is_made_listed_and_removed(kfp_server: Any, l2c_here: Callable[..., Outcome], config: Path) -> None:
    at = ("--endpoint", kfp_server.url)
    code, output, errors = l2c_here("schedule", config, "--cron", "0 3 * * *", "--no-catch-up", *at)
    assert (code, "scheduled: pocket-digits, 0 0 3 * * *" in output) == (0, True), errors
    assert "0 0 3 * * *" in l2c_here("schedule", "--list", *at)[1]
    assert json.loads(l2c_here("schedule", "--list", "--json", *at)[1])[0]["catch_up"] is False
    assert l2c_here("schedule", "--remove", "pocket_digits", *at)[0] == 0
    assert json.loads(l2c_here("schedule", "--list", "--json", *at)[1]) == []


def test_runs_of_a_cluster_are_listed_and_shown_as_local_ones(
    kfp_server: Any, l2c_here: Callable[..., Outcome]
) -> None:
    run = kfp_server.add_run("a run")
    kfp_server.move_run(run["run_id"], "RUNNING", ingest_driver=("SUCCEEDED", 0, 1), ingest=("SUCCEEDED", 2, 9))
    (listed,) = json.loads(l2c_here("runs", "--json", "--endpoint", kfp_server.url)[1])
    shown = json.loads(l2c_here("show", run["run_id"], "--json", "--endpoint", kfp_server.url)[1])
    assert listed["run_id"] == shown["run_id"] == run["run_id"]
    assert listed["steps"][0]["step"] == "ingest"
    assert run["run_id"] in l2c_here("runs", "--endpoint", kfp_server.url)[1]
    assert l2c_here("show", run["run_id"], "--endpoint", kfp_server.url)[0] == 0


@pytest.mark.parametrize("verb", [("runs",), ("show", "0c1ff5f7-0000-0000-0000-000000000000"), ("schedule", "--list")])
def test_a_wrong_token_is_one_line_without_it(
    kfp_server: Any, l2c_here: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch, verb: tuple[str, ...]
) -> None:
    kfp_server.token = "another"
    monkeypatch.setenv("L2C_KFP_TOKEN", SECRET)
    code, output, errors = l2c_here(*verb, "--endpoint", kfp_server.url)
    assert (code, output, len(errors.splitlines())) == (2, "", 1)
    assert "refuses our credentials (401" in errors
    assert SECRET not in errors


@pytest.mark.parametrize("verb", [("compile", "-o", "package.yaml"), ("submit",), ("schedule", "--cron", "@daily")])
def test_credentials_of_the_store_that_are_missing_here_are_a_line_for_each_place(
    kfp_server: Any,
    l2c_here: Callable[..., Outcome],
    config: Path,
    monkeypatch: pytest.MonkeyPatch,
    verb: tuple[str, ...],
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    places = {"teacher": {"uri": "s3://models/t.keras"}, "data": {"format": "image_folder", "uri": "s3://data/flowers"}}
    config.write_text(yaml.safe_dump(yaml.safe_load(config.read_text()) | places), encoding="utf-8")
    at = () if verb[0] == "compile" else ("--endpoint", kfp_server.url)
    code, _, errors = l2c_here(verb[0], config, *verb[1:], *at)
    lines = errors.splitlines()
    assert code == 2
    assert [line.split()[2] for line in lines] == ["data.uri:", "teacher.uri:"]
    assert all("this machine needs the store's credentials, too" in line for line in lines)


@pytest.mark.parametrize("verb", [("runs",), ("schedule", "--remove", "a")])
def test_an_endpoint_that_cannot_be_reached_is_one_line(
    l2c_here: Callable[..., Outcome], verb: tuple[str, ...]
) -> None:
    code, output, errors = l2c_here(*verb, "--endpoint", "http://127.0.0.1:9", *FAST)
    assert (code, output, len(errors.splitlines())) == (2, "", 1)
    assert "http://127.0.0.1:9: no usable answer" in errors


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("show", "run7"), "RUN_ID: found 'run7'"),
        (("schedule",), "schedule: accepted is CONFIG with --cron"),
        (("schedule", "--list", "--remove", "a"), "schedule: accepted is"),
        (("schedule", "l2c.yaml"), "schedule: accepted is"),
        (("submit", "no-such.yaml"), "no-such.yaml"),
    ],
)
def test_what_makes_no_sense_is_one_line(
    l2c_here: Callable[..., Outcome], arguments: tuple[str, ...], said: str
) -> None:
    code, _, errors = l2c_here(*arguments)
    assert (code, len(errors.splitlines())) == (2, 1)
    assert said in errors
