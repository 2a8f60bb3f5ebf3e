"""Runs with other families, ways of sharing and teachers than the default; what they push is what was asked for."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from PIL import Image

from learn2compress.data.arrays import read_digits
from learn2compress.litert.operators import float_operators, model_cost
from learn2compress.results.reports import FamilyReport, read_json

pytestmark = pytest.mark.end_to_end

STAGES = [{"channels": 12}, {"channels": 20}]
SHORT = {"prune": {"epochs": 1}, "quantize": {"epochs": 1}, "constraints": {}}


def pushed(folder: Any) -> dict[str, bytes]:
    process = folder.run()
    assert process.returncode == 0, process.stdout + process.stderr
    files: dict[str, bytes] = folder.files(1)
    for model in files.values():
        assert float_operators(model) == []
    return files


def test_a_teacher_that_learns_with_mobilenets_of_three_widths(
    teacher: Path, tmp_path: Path, run_folder: Callable[[Path], Any]
) -> None:
    training = {
        "architecture": "mobilenet",
        "sharing": "width",
        "stages": STAGES,
        "epochs": 4,
        "learning_rate": 0.01,
        "weight_average_decay": 0.9,
        "gradient_clip_norm": 10.0,
        "precision": "bfloat16",
        "augment": {"shift_ratio": 0.1, "mixup_alpha": 0.2},
        "distillation": {"largest_weight": 1.0, "hint_weight": 0.1},
    }
    students = [
        {"name": "large"},
        {"name": "half", "width": 0.5, "joins_after_ratio": 0.25},
        {"name": "double", "width": 2.0, "loss_weight": 2.0},
    ]
    folder = run_folder(tmp_path).write(
        teacher={"uri": str(teacher), "training": "joint"}, training=training, students=students, **SHORT
    )
    files = pushed(folder)
    macs = {name: model_cost(model).macs for name, model in files.items()}
    assert macs["half"] < macs["large"] < macs["double"]

    trained = folder.root / "artifacts" / "little" / "JointDistillTrainer"
    (teacher_folder,) = (trained / "trained_teacher").iterdir()
    before = keras.saving.load_model(teacher).get_weights()
    after = keras.saving.load_model(teacher_folder / "member-0.keras").get_weights()
    assert any(not np.array_equal(old, new) for old, new in zip(before, after, strict=True))
    (logs,) = (trained / "training_logs").iterdir()
    assert {path.parent.name for path in logs.glob("*/events.*")} == {"large", "half", "double", "teacher"}
    cost = json.loads((logs / "joint_cost.json").read_text())
    assert cost["student_macs"] == macs


def test_an_ensemble_teaches_branches_within_budgets_with_unlabelled_images_and_others_to_choose_by(
    teacher: Path, tmp_path: Path, run_folder: Callable[[Path], Any]
) -> None:
    # Two of three images of the training split come without their labels.
    for number, record in enumerate(read_digits()):
        name = str(record.label)
        target = tmp_path / "unlabelled"
        if number % 9 == 0:
            target = tmp_path / "validation" / name
        elif number % 3 == 0 or number % 7 == 0:
            target = tmp_path / "labelled" / name
        target.mkdir(parents=True, exist_ok=True)
        pixels = np.asarray(record.payload)
        Image.fromarray((pixels.reshape(8, 8) * 255.0 / pixels.max()).astype(np.uint8)).save(target / f"{number}.png")
    second = tmp_path / "second.keras"
    shutil.copyfile(teacher, second)
    training = {
        "sharing": "hybrid",
        "stages": STAGES,
        "epochs": 3,
        "learning_rate": 0.01,
        "augment": {"shift_ratio": 0.1},
        "distillation": {"loss": "decoupled"},
        "early_stopping_epochs": 2,
    }
    students = [
        {"name": "large", "budget": {"max_macs": 200000}},
        {"name": "small", "budget": {"max_model_bytes": 9000}},
    ]
    folder = run_folder(tmp_path).write(
        data={
            "format": "image_folder",
            "uri": "labelled",
            "validation_uri": "validation",
            "unlabelled_uri": "unlabelled",
        },
        teacher={"uri": str(teacher), "ensemble": [{"uri": str(second)}], "cached_views": 2},
        training=training,
        students=students,
        **SHORT,
    )
    files = pushed(folder)
    assert 150000 < model_cost(files["large"]).macs <= 200000
    assert 7000 < len(files["small"]) <= 9000
    report = read_json(FamilyReport, folder.versions / "1" / "family.json")
    assert report.teacher.accuracy.top_1 > 0.9
    assert report.data is not None
    assert report.data.num_validation == 200
