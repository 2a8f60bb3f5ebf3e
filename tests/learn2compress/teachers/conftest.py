"""Small real teachers of 4x4 grey images and three classes, in every format."""

from __future__ import annotations

from pathlib import Path

import keras
import pytest

SHAPE = (4, 4, 1)
NUM_CLASSES = 3


def build(activation: str | None = None, num_classes: int = NUM_CLASSES, shape: tuple[int, ...] = SHAPE) -> keras.Model:
    keras.utils.set_random_seed(7)
    inputs = keras.Input(shape)
    x = keras.layers.Conv2D(4, 3, activation="relu")(inputs)
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.Dropout(0.2)(keras.layers.Flatten()(x))
    return keras.Model(inputs, keras.layers.Dense(num_classes, activation=activation)(x))


def save_all(model: keras.Model, folder: Path) -> dict[str, Path]:
    """The model as a .keras file, a .h5 file and a SavedModel folder."""
    paths = {"keras": folder / "teacher.keras", "h5": folder / "teacher.h5", "saved_model": folder / "exported"}
    model.save(paths["keras"])
    model.save(paths["h5"])
    model.export(paths["saved_model"], verbose=False)
    return paths


@pytest.fixture(scope="session")
def logits_teachers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return save_all(build(), tmp_path_factory.mktemp("logits"))


@pytest.fixture(scope="session")
def softmax_teachers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return save_all(build("softmax"), tmp_path_factory.mktemp("softmax"))
