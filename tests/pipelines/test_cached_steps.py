"""What a cached step depends on, shown by the runs themselves: ML Metadata says which steps ran again."""

from __future__ import annotations

import importlib.metadata
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from learn2compress.results.reports import FamilyReport, read_json
from pipelines.metadata_store import open_store, properties_of
from pipelines.run_root import RunRoot

pytestmark = pytest.mark.end_to_end

STEPS = {
    "Ingest", "TeacherLoad", "Evaluate.teacher", "JointDistillTrainer", "Prune.only", "Quantize.only", "Evaluate.only",
    "Pusher",
}  # fmt: skip
ONE_STUDENT: dict[str, Any] = {
    "training": {"stages": [{"channels": 8}], "epochs": 1, "learning_rate": 0.01},
    "students": [{"name": "only", "stage": 1}],
    "prune": {"epochs": 1, "min_layer_weights": 64},
    "quantize": {"epochs": 1},
    "constraints": {},
}


def executed(run: Any, *paths: Path) -> set[str]:
    """Runs with packages of these folders installed before the others, and lists the steps that ran."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, paths))}
    done = subprocess.run(run.arguments, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    states = run.last_states()
    assert set(states) == STEPS
    return {step for step, state in states.items() if state == "complete"}


def versions_in(run: Any, kind: str) -> list[dict[str, str]]:
    """What each artifact of a type was made with, by ML Metadata, in the order in which they were made."""
    artifacts = open_store(RunRoot(run.root)).get_artifacts_by_type(kind)
    ordered = sorted(artifacts, key=lambda artifact: artifact.id)
    return [json.loads(properties_of(artifact)["made_with"]) for artifact in ordered]


def test_another_version_runs_the_steps_that_compute_with_it_and_what_they_make_says_so(
    run_folder: Callable[[Path], Any], teacher: Path, tmp_path: Path
) -> None:
    run = run_folder(tmp_path / "run").write(teacher={"uri": str(teacher)}, **ONE_STUDENT)
    metadata = tmp_path / "installed" / "litert_quantizer-999.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: litert-quantizer\nVersion: 999.0\n")

    assert executed(run) == STEPS
    # The file is the same to the byte, since its code is; whoever reads it is told that it was made anew.
    assert executed(run, metadata.parent) == {"Quantize.only", "Evaluate.only", "Pusher"}

    real = importlib.metadata.version("litert-quantizer")
    first, second = versions_in(run, "L2CLiteRtModel")
    assert first["litert-quantizer"] == real
    assert second == first | {"litert-quantizer": "999.0"}
    for kind in ("L2CExamples", "L2CTeacherLogits", "L2CTrainingLogs"):
        (versions,) = versions_in(run, kind)
        assert versions["tensorflow"] == importlib.metadata.version("tensorflow")
        assert "litert-quantizer" not in versions
    for number, made_with in ((1, first), (2, second)):
        folder = run.versions / str(number)
        assert read_json(FamilyReport, folder / "family.json").made_with == {"only": made_with}
        version = made_with["litert-quantizer"]
        assert f"litert-quantizer {version}" in (folder / "report.html").read_text(encoding="utf-8")
        assert f"- litert-quantizer {version}" in (folder / "only" / "model_card.md").read_text(encoding="utf-8")

    # Both made the same bytes; a pushed file comes from what its own push took.
    for number, made_with in ((1, first), (2, second)):
        model = run.query("lineage", str(run.versions / str(number) / "only" / "only.tflite"))["model"]
        assert json.loads(model["properties"]["made_with"]) == made_with
