"""Small real teachers of 4x4 grey images and three classes, in every format."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter
from tensorflow.core.protobuf import saved_model_pb2

from learn2compress.teachers.safety import UnsafeTeacherError, check_teacher

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


@pytest.fixture(scope="session")
def build_teacher() -> Callable[..., keras.Model]:
    return build


@pytest.fixture(scope="session")
def save_teacher() -> Callable[[keras.Model, Path], dict[str, Path]]:
    return save_all


@pytest.fixture(scope="session")
def refused() -> Callable[[Path, str], None]:
    """Asserts that a teacher is found unsafe, and that one line says where and why."""

    def check(path: Path, what: str) -> None:
        with pytest.raises(UnsafeTeacherError, match=what) as caught:
            check_teacher(path)
        assert "\n" not in str(caught.value)
        assert str(path) in str(caught.value)

    return check


@pytest.fixture(scope="session")
def repack() -> Callable[..., Path]:
    """Copies a .keras file, with members replaced, added or (None) left out."""

    def copy(source: Path, target: Path, **members: bytes | None) -> Path:
        with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
            for name in old.namelist():
                if name not in members:
                    new.writestr(name, old.read(name))
            for name, content in members.items():
                if content is not None:
                    new.writestr(name, content)
        return target

    return copy


@pytest.fixture(scope="session")
def with_config(repack: Callable[..., Path]) -> Callable[..., Path]:
    """Copies a .keras or .h5 file with its configuration changed."""

    def copy(source: Path, target: Path, change: Callable[[dict[str, Any]], None]) -> Path:
        if source.suffix == ".keras":
            with zipfile.ZipFile(source) as archive:
                config = json.loads(archive.read("config.json"))
            change(config)
            return repack(source, target, **{"config.json": json.dumps(config).encode()})
        shutil.copy(source, target)
        with h5py.File(target, "r+") as file:
            config = json.loads(file.attrs["model_config"])
            change(config)
            file.attrs["model_config"] = json.dumps(config)
        return target

    return copy


@pytest.fixture(scope="session")
def save_function() -> Callable[..., Path]:
    """Saves a function of TensorFlow as a SavedModel that serves it, with what it holds beside it."""

    def save(body: Callable[..., Any], folder: Path, *specs: tf.TensorSpec, **held: Any) -> Path:
        module = tf.Module()
        for name, value in held.items():
            setattr(module, name, value)
        function = tf.function(body, input_signature=list(specs or [tf.TensorSpec([None, *SHAPE], tf.float32)]))
        module.serve = function
        tf.saved_model.save(module, str(folder), signatures=function)
        return folder

    return save


@pytest.fixture(scope="session")
def edit_saved_model() -> Callable[[Path, Path, Callable[[Any], None]], Path]:
    """Copies a SavedModel with its protocol buffer changed."""

    def edit(source: Path, target: Path, change: Callable[[Any], None]) -> Path:
        shutil.copytree(source, target)
        proto = saved_model_pb2.SavedModel()
        proto.ParseFromString((target / "saved_model.pb").read_bytes())
        change(proto)
        (target / "saved_model.pb").write_bytes(proto.SerializeToString())
        return target

    return edit


@pytest.fixture(scope="session")
def run_litert() -> Callable[[bytes | None, np.ndarray], np.ndarray]:
    """Runs a float LiteRT file on raw examples, one by one."""

    def run(content: bytes | None, x: np.ndarray) -> np.ndarray:
        interpreter = Interpreter(model_content=content)
        interpreter.allocate_tensors()
        (inputs,), (outputs,) = interpreter.get_input_details(), interpreter.get_output_details()
        assert inputs["dtype"] == outputs["dtype"] == np.float32
        assert list(inputs["shape"]) == [1, *x.shape[1:]]
        rows = []
        for example in x:
            interpreter.set_tensor(inputs["index"], example[np.newaxis].astype(np.float32))
            interpreter.invoke()
            rows.append(interpreter.get_tensor(outputs["index"])[0])
        return np.stack(rows)

    return run
