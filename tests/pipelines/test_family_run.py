"""Real runs with a family: students are picked from it, another one minutes later, and nothing is trained twice."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from learn2compress.results.reports import FamilyReport, read_json

pytestmark = pytest.mark.end_to_end

SETTINGS: dict[str, Any] = {
    "training": {
        "architecture": "resnet",
        "stages": [{"channels": 8}, {"channels": 16}],
        "epochs": 4,
        "learning_rate": 0.01,
        "validation_ratio": 0.2,
    },
    "search": {"family": {"widths": [0.5, 1.0], "input_sizes": [6, 8]}},
    "students": [{"name": "best"}, {"name": "small", "budget": {"max_model_bytes": 12_000}}],
    "prune": {"sparsity_ratio": 0.0},
    "quantize": {"epochs": 1},
}
STEPS = ("Pick", "Prune", "Quantize", "Evaluate")


def steps_of(*names: str) -> set[str]:
    shared = {"Ingest", "TeacherLoad", "Evaluate.teacher", "FamilyTrainer", "Pusher"}
    return shared | {f"{step}.{name}" for step in STEPS for name in names}


@pytest.fixture(scope="module")
def run(run_folder: Callable[[Path], Any], teacher: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = run_folder(tmp_path_factory.mktemp("family"))
    folder.write(teacher={"uri": str(teacher)}, **SETTINGS)
    process = folder.run()
    assert process.returncode == 0, process.stderr
    return folder


def family_of(run: Any, version: int) -> FamilyReport:
    report: FamilyReport = read_json(FamilyReport, run.versions / str(version) / "family.json")
    return report


def test_students_are_picked_and_pushed_with_the_front_in_the_report(run: Any) -> None:
    assert set(run.last_states()) == steps_of("best", "small")
    family = family_of(run, 1)
    best, small = family.students
    assert family.front is not None
    assert len(family.front.results) == 8
    assert 250 < family.front.num_examples < 300
    assert best.accuracy.top_1 > 0.8
    assert small.model_bytes <= 12_000
    assert small.model_bytes < best.model_bytes
    assert [record.phase for record in family.histories["small"]] == ["pick", "quantize"]
    assert any(note.startswith("picked from a family: width") for note in family.verdicts[1].notes)
    page = (run.versions / "1" / "report.html").read_text()
    assert f"the best {len(family.front.front)} of 8 sub-networks" in page


def test_another_one_is_picked_without_training_again(run: Any, l2c: Callable[..., Any]) -> None:
    second = family_of(run, 1).front.front[1]
    process = l2c("pick", "1", "--name", "tiny", "--max-macs", str(second.macs), "--root", run.root)
    assert process.returncode == 0, process.stderr
    states = run.last_states()
    assert set(states) == steps_of("tiny")
    cached = {step for step, state in states.items() if state == "cached"}
    assert cached == {"Ingest", "TeacherLoad", "Evaluate.teacher", "FamilyTrainer"}
    (tiny,) = family_of(run, 2).students
    assert (tiny.name, tiny.macs) == ("tiny", second.macs)
    found = json.dumps(run.query("lineage", str(next((run.versions / "2" / "tiny").glob("*.tflite")))))
    assert "FamilyTrainer" in found
    assert "Pick.tiny" in found


def test_what_can_not_be_picked_is_one_line(
    run: Any, l2c: Callable[..., Any], refused: Callable[[subprocess.CompletedProcess[str]], str]
) -> None:
    line = refused(l2c("pick", "1", "--name", "nano", "--max-macs", "10", "--root", run.root))
    assert "students.nano.budget: found max_macs 10, accepted is more than" in line
    line = refused(l2c("pick", "1", "--name", "small", "--root", run.root))
    assert "--name: found 'small', accepted is one that no student of the run has: best, small" in line
