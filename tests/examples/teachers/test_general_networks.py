"""What the example for training teachers builds is a teacher that the pipeline accepts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np

from learn2compress.config import TaskConfig, TaskKind, TeacherConfig, TextFeatures
from learn2compress.litert.operators import model_cost
from learn2compress.teachers.loading import load_teacher


def test_a_network_of_keras_applications_is_accepted_and_converts(
    example: Callable[[str], ModuleType], tmp_path: Path
) -> None:
    networks = example("teachers.general_networks")
    task = TaskConfig(input_shape=(8, 8, 3))
    path = tmp_path / "teacher.keras"
    networks.build_application("MobileNet", task.input_shape, 5, image_size=32, flip=True).save(path)
    teacher = load_teacher([path], TeacherConfig(str(path)), task, 5)
    x = np.random.default_rng(0).integers(0, 256, (2, *task.input_shape), dtype=np.uint8)
    assert teacher.logits(x).shape == (2, 5)
    model = teacher.to_litert()
    assert model is not None
    cost = model_cost(model)
    assert cost.input_dtype == "float32"
    assert cost.num_parameters > 3_000_000


def test_a_network_of_words_is_accepted_and_converts(example: Callable[[str], ModuleType], tmp_path: Path) -> None:
    networks = example("teachers.general_networks")
    task = TaskConfig(kind=TaskKind.TEXT, input_shape=(16,), text_features=TextFeatures.HASHED_WORDS)
    path = tmp_path / "teacher.keras"
    networks.build_of_words(task.input_shape, 4, width=8).save(path)
    teacher = load_teacher([path], TeacherConfig(str(path)), task, 4)
    x = np.random.default_rng(0).integers(0, 256, (2, 16), dtype=np.uint8)
    assert teacher.logits(x).shape == (2, 4)
    assert teacher.to_litert() is not None
