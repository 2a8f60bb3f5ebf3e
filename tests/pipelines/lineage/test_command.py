"""`l2c lineage` as it is typed: a screen, and all of it by `--all` and `--json`."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from ml_metadata.proto import metadata_store_pb2 as mlmd

from learn2compress.config.store_address import StoreAddress
from pipelines.store_connection import open_address

Command = Callable[..., subprocess.CompletedProcess[str]]
SHA256 = "5a" * 32


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder of runs that made one model."""
    store = open_address(StoreAddress.parse(str(tmp_path / "metadata.sqlite")), create=True)
    known = {"model_sha256": SHA256, "student": "small", "a_long_forgotten_setting": "7"}
    kind = mlmd.ArtifactType(name="L2CLiteRtModel", properties=dict.fromkeys(known, mlmd.STRING))
    artifact = mlmd.Artifact(type_id=store.put_artifact_type(kind), uri="/artifact")
    for name, value in known.items():
        artifact.properties[name].string_value = value
    store.put_artifacts([artifact])
    return tmp_path


def test_a_screen_by_default_and_all_of_it_when_asked(l2c: Command, root: Path) -> None:
    short, long, plain = (l2c("lineage", SHA256, "--root", root, *more) for more in ((), ("--all",), ("--json",)))
    assert [process.returncode for process in (short, long, plain)] == [0, 0, 0], short.stderr + long.stderr
    assert SHA256 in short.stdout
    assert "--all shows every parameter" in short.stdout
    assert "a_long_forgotten_setting" not in short.stdout
    assert "a_long_forgotten_setting=7" in long.stdout
    assert json.loads(plain.stdout)["model"]["properties"]["a_long_forgotten_setting"] == "7"


def test_a_file_that_is_not_there_is_told_before_runs_are_looked_for(
    l2c: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    process = l2c("lineage", "nothing.tflite")
    assert process.returncode == 2
    assert process.stderr.startswith("l2c: error: FILE_OR_SHA256: found 'nothing.tflite', accepted is a file")
