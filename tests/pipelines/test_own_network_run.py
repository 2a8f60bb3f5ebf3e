"""Real runs with the teacher's own network as a student: what is pushed, where it comes from, and what is resumed."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from learn2compress.litert.operators import float_operators
from learn2compress.results.reports import FamilyReport, read_json

pytestmark = pytest.mark.end_to_end

OWN = {"name": "own", "network": "teacher"}
HALF = {"name": "half", "network": "teacher", "prune": {"method": "channels", "sparsity_ratio": 0.5}}
SMALL = {"name": "small", "stage": 1}
SHORT = {"stages": [{"channels": 12}], "epochs": 3, "learning_rate": 0.01}
STEPS = ("Prune", "Quantize", "Evaluate")


def steps_of(*names: str) -> set[str]:
    return {"Ingest", "TeacherLoad", "Evaluate.teacher", "Pusher"} | {f"{s}.{n}" for s in STEPS for n in names}


@pytest.fixture(scope="module")
def folder(run_folder: Callable[[Path], Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    return run_folder(tmp_path_factory.mktemp("own"))


@pytest.fixture(scope="module")
def alone(folder: Any, teacher: Path) -> Any:
    folder.write(
        teacher={"uri": str(teacher)},
        training=SHORT,
        students=[OWN],
        prune={"sparsity_ratio": 0.0},
        quantize={"epochs": 2},
    )
    process = folder.run()
    assert process.returncode == 0, process.stderr
    return folder


def family_of(run: Any, version: int) -> FamilyReport:
    return read_json(FamilyReport, run.versions / str(version) / "family.json")


def test_alone_it_is_pushed_in_8_bits_near_the_teachers_accuracy(alone: Any) -> None:
    assert set(alone.last_states()) == steps_of("own") | {"TeacherAsStudent.own"}
    family = family_of(alone, 1)
    (student,) = family.students
    assert student.accuracy.top_1 > family.teacher.accuracy.top_1 - 0.02
    assert student.model_bytes < 0.4 * family.teacher.model_bytes
    file = alone.files(1)["own"]
    assert not float_operators(file)
    phases = [record.phase for record in family.histories["own"]]
    assert phases == ["teacher", "quantize", "quantize"]


def test_the_page_shows_it_like_every_student(alone: Any) -> None:
    page = (alone.versions / "1" / "report.html").read_text()
    assert "Training of own" in page
    assert "nan" not in page.split("<svg", 1)[1].lower().replace("nanum", "")


def test_lineage_leads_from_the_file_to_the_teacher(alone: Any) -> None:
    path = next((alone.versions / "1" / "own").glob("*.tflite"))
    found = json.dumps(alone.query("lineage", str(path)))
    assert "TeacherAsStudent.own" in found
    assert "JointDistillTrainer" not in found


def test_the_same_again_executes_nothing_and_another_student_only_its_own(alone: Any, teacher: Path) -> None:
    process = alone.run()
    assert process.returncode == 0, process.stderr
    assert set(alone.last_states().values()) == {"cached"}
    alone.write(
        teacher={"uri": str(teacher)},
        training=SHORT,
        students=[OWN, HALF, SMALL],
        prune={"sparsity_ratio": 0.0, "epochs": 2},
        quantize={"epochs": 2},
    )
    process = alone.run()
    assert process.returncode == 0, process.stderr
    states = alone.last_states()
    assert set(states) == steps_of("own", "half", "small") | {
        "TeacherAsStudent.own",
        "TeacherAsStudent.half",
        "JointDistillTrainer",
    }
    for step in ("Ingest", "TeacherLoad", "Evaluate.teacher", "TeacherAsStudent.own", "Quantize.own", "Evaluate.own"):
        assert states[step] in ("cached", "complete")
    assert states["TeacherAsStudent.own"] == "cached"
    assert states["Evaluate.teacher"] == "cached"
    reports = {student.name: student for student in family_of(alone, 2).students}
    assert list(reports) == ["own", "half", "small"]
    assert reports["half"].macs < 0.6 * reports["own"].macs
    assert reports["half"].model_bytes < reports["own"].model_bytes


def test_a_recipe_that_ends_the_converter_is_refused_before_anything_runs(
    folder: Any, refused: Callable[[subprocess.CompletedProcess[str]], str], l2c: Callable[..., Any], tmp_path: Path
) -> None:
    import keras

    body = [keras.Input((8, 8, 1)), keras.layers.Reshape((8, 8)), keras.layers.LSTM(8, name="memory")]
    keras.Sequential([*body, keras.layers.Dense(10)]).save(tmp_path / "recurrent.keras")
    config = type(folder)(tmp_path).write(
        teacher={"uri": "recurrent.keras", "accept_poor": True}, training=SHORT, students=[OWN]
    )
    line = refused(l2c("validate", config.config))
    assert "students.own.quantize.recipe: found int8_qat for a network with LSTM layer 'memory'" in line
