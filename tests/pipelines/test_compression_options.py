"""Runs that compress in other ways than by default; what they push is what was asked for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from learn2compress.litert.operators import float_operators, model_cost
from learn2compress.results.reports import FamilyReport, read_json

pytestmark = pytest.mark.end_to_end

TRAINING = {"stages": [{"channels": 16}, {"channels": 24}], "epochs": 4, "learning_rate": 0.01}
STUDENTS = [{"name": "large", "stage": 2}, {"name": "small", "stage": 1}]
ALL_PASS: dict[str, float] = {}


def test_a_search_pushes_variants_and_keeps_every_try(
    teacher: Path, tmp_path: Path, run_folder: Callable[[Path], Any]
) -> None:
    search = {
        "trials": 3,
        "variants": 2,
        "sparsity_ratio": [0.0, 0.5],
        "method": ["channels", "magnitude"],
        "recipe": ["int8_ptq", "float16"],
        "minimize": "macs",
        "stop_early": False,
    }
    folder = run_folder(tmp_path).write(
        teacher={"uri": str(teacher)},
        training=TRAINING,
        students=STUDENTS,
        prune={"epochs": 2},
        search=search,
        constraints=ALL_PASS,
    )
    process = folder.run()
    assert process.returncode == 0, process.stdout + process.stderr
    files = folder.files(1)
    assert set(files) == {"large_1", "large_2", "small_1", "small_2"}
    report = read_json(FamilyReport, folder.versions / "1" / "family.json")
    assert [student.name for student in report.students] == ["large_1", "large_2", "small_1", "small_2"]
    for name in ("large", "small"):
        tries = folder.root / "artifacts" / "little" / f"Search.{name}"
        models = [next((tries / f"trial_{number}").glob("*/model.tflite")).read_bytes() for number in range(3)]
        # The first try takes no channel away, the second as many as it may.
        assert model_cost(models[1]).macs < 0.7 * model_cost(models[0]).macs
    assert folder.run().returncode == 0
    assert set(folder.last_states().values()) == {"cached"}


def test_narrower_students_by_other_recipes_are_measured_in_all_the_ways_there_are(
    teacher: Path, tmp_path: Path, run_folder: Callable[[Path], Any]
) -> None:
    students = [
        {**STUDENTS[0], "prune": {"method": "channels", "importance": "weight_norm"}, "quantize": {"recipe": "mixed"}},
        {**STUDENTS[1], "prune": {"method": "n_of_m", "sensitivity": True}, "quantize": {"recipe": "dynamic_int8"}},
    ]
    folder = run_folder(tmp_path).write(
        teacher={"uri": str(teacher)},
        training=TRAINING,
        students=students,
        prune={"epochs": 2},
        evaluate={"latency_rounds": 5, "threads": [1, 2], "corruptions": ["contrast"], "slice_by": "{slice}#*"},
        constraints=ALL_PASS,
    )
    process = folder.run()
    assert process.returncode == 0, process.stdout + process.stderr
    files = folder.files(1)
    assert set(files) == {"large", "small"}
    assert float_operators(files["small"]) != []
    report = read_json(FamilyReport, folder.versions / "1" / "family.json")
    for student in report.students:
        assert student.accuracy.top_1 > 0.3
        assert {latency.num_threads for latency in student.thread_latencies} == {1, 2}
    page = (folder.versions / "1" / "report.html").read_text("utf-8")
    assert "dynamic_int8" in page
    assert list((folder.root / "artifacts" / "little" / "Prune.small").glob("layer_sensitivity/*/sensitivity.json"))
