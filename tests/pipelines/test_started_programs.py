"""No program starts because a configuration names it: a canary stands where Beam would start one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import apache_beam as beam
import pytest
import yaml

from components.beam_runner import make_pipeline
from learn2compress.config.beam_options import OPTIONS_VARIABLE

Told = Callable[..., tuple[int, str]]


@pytest.fixture
def canary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that a program leaves behind when it is started: as `java`, or by its path."""
    sang, folder = tmp_path / "sang", tmp_path / "bin"
    folder.mkdir()
    program = folder / "java"
    program.write_text(f"#!/bin/sh\necho started >> {sang}\nexit 1\n")
    program.chmod(0o755)
    (folder / "server.jar").write_bytes(b"whatever it is, java is told to run it")
    (folder / "setup.py").write_text(f"open({str(sang)!r}, 'w').write('installed')\n")
    (folder / "plugin_of_canary.py").write_text(f"open({str(sang)!r}, 'w').write('imported')\n")
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    monkeypatch.setenv("PYTHONPATH", str(folder))
    return sang


def attacks(folder: Path) -> list[dict[str, Any]]:
    """Settings of Beam that name the canary, by each way that Beam has of starting, installing or importing it."""
    pool = {"job_endpoint": "localhost:1", "worker_pool": "localhost:1"}
    options = (
        f"--flink_job_server_jar={folder}/server.jar",
        f"--flink_job_serv={folder}/server.jar",
        f"--job_server_java_launcher={folder}/java",
        f"--spark_job_server_jar={folder}/server.jar",
        f"--prism_location={folder}/java",
        f"--setup_file={folder}/setup.py",
        f"--extra_package={folder}/package.tar.gz",
        f"--requirements_file={folder}/requirements.txt",
        f"--sdk_location={folder}/sdk.tar.gz",
        "--beam_plugins=plugin_of_canary",
        "--beam_plugin=plugin_of_canary",
        "--environment_option=process_command=java",
        "--experiments=x",
        "--beam_services={}",
        "--maven_repository_url=http://localhost:1",
    )
    found: list[dict[str, Any]] = [{"options": [option]} for option in options]
    found += [{"runner": "flink", **pool, "options": [option]} for option in options[:3]]
    # Nothing named at all: Beam would fetch a job server, and start it with java.
    return [*found, {"runner": "flink"}, {"runner": "spark"}, {"workers": 2, "worker_kind": "processes", **found[9]}]


def test_no_verb_starts_what_a_file_names(canary: Path, told: Told, tmp_path: Path) -> None:
    file = tmp_path / "l2c.yaml"
    for index, settings in enumerate(attacks(tmp_path / "bin")):
        place = {"all_steps": settings} if index % 2 else {"steps": {"Ingest": settings}}
        config = {
            "name": "digits",
            "data": {"format": "digits"},
            "teacher": {"uri": "teacher.keras"},
            "students": [{"name": "small", "stage": 1}],
            "push": {"uri": "pushed"},
            "beam": place,
        }
        file.write_text(yaml.safe_dump(config))
        verbs = [("validate", file), ("validate", "--file-only", file)]
        if index < 2:
            verbs += [("run", file, "--root", tmp_path / "runs"), ("compile", file, "-o", tmp_path / "package.yaml")]
        for verb in verbs:
            code, said = told(*verb)
            assert (code, len(said.splitlines())) == (2, 1), said
            assert "beam" in said
            assert "options: found --" in said or "_endpoint: found nothing" in said
    assert not canary.exists()
    assert not (tmp_path / "runs").exists()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # Beam's own, of its closed channel
def test_what_the_operator_names_is_started(canary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    jar = canary.parent / "bin" / "server.jar"
    monkeypatch.setenv(OPTIONS_VARIABLE, f"--runner=FlinkRunner --flink_job_server_jar={jar}")
    pipeline = make_pipeline(("--runner=DirectRunner",))
    _ = pipeline | beam.Create([1])
    with pytest.raises(RuntimeError):
        pipeline.run()
    assert canary.read_text().startswith("started")
