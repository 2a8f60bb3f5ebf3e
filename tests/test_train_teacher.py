"""What the example for training teachers builds is a teacher that the pipeline accepts."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from learn2compress.config import TaskConfig, TeacherConfig
from learn2compress.litert.operators import model_cost
from learn2compress.teachers.loading import load_teacher

EXAMPLE = Path(__file__).parents[1] / "examples" / "train_teacher.py"


@pytest.fixture(scope="module")
def example() -> ModuleType:
    spec = importlib.util.spec_from_file_location("train_teacher", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_network_of_keras_applications_is_accepted_and_converts(example: ModuleType, tmp_path: Path) -> None:
    task = TaskConfig(input_shape=(8, 8, 3))
    path = tmp_path / "teacher.keras"
    example.build_application("MobileNet", task.input_shape, 5, image_size=32, flip=True).save(path)
    teacher = load_teacher([path], TeacherConfig(str(path)), task, 5)
    x = np.random.default_rng(0).integers(0, 256, (2, *task.input_shape), dtype=np.uint8)
    assert teacher.logits(x).shape == (2, 5)
    model = teacher.to_litert()
    assert model is not None
    cost = model_cost(model)
    assert cost.input_dtype == "float32"
    assert cost.num_parameters > 3_000_000
