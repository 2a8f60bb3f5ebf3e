"""Of each format a network of one input and one output is opened, and what is none is explained in one line."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from learn2compress.config.parsing import ConfigError
from learn2compress.teachers.opening import open_network


def refused(path: Path, what: str) -> None:
    with pytest.raises(ConfigError, match=what) as caught:
        open_network(path)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(f"{path}: ")


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("kind", ["keras", "h5", "saved_model"])
def test_weights_that_are_not_finite_are_refused(tmp_path: Path, kind: str, bad: float) -> None:
    model = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Flatten(), keras.layers.Dense(3, name="scores")])
    kernel, bias = model.layers[1].get_weights()
    kernel[2, 1] = bad
    model.layers[1].set_weights([kernel, bias])
    path = tmp_path / f"teacher.{kind}"
    if kind == "saved_model":
        model.export(path, verbose=False)
    else:
        saved = tmp_path / f"teacher.{kind}"
        model.save(saved)
    refused(path, "weight .*kernel.* has NaN or infinity")


def test_signatures_that_do_not_fit_are_refused(save_function: Callable[..., Path], tmp_path: Path) -> None:
    image = tf.TensorSpec([None, 4, 4, 1], tf.float32, name="image")
    other = tf.TensorSpec([None], tf.float32, name="other")
    two_outputs = save_function(lambda x: {"boxes": x[:, 0, :3, 0], "scores": x[:, 1, :3, 0]}, tmp_path / "a", image)
    refused(two_outputs, r"2 outputs of serving_default \(boxes, scores\)")
    two_inputs = save_function(lambda x, y: x[:, 0, :3, 0] + y[:, None], tmp_path / "b", image, other)
    refused(two_inputs, "2 inputs of serving_default")
    fixed = save_function(lambda x: x[:, 0, :3, 0], tmp_path / "c", tf.TensorSpec([8, 4, 4, 1], tf.float32))
    refused(fixed, "batch dimension of 8")
    module = tf.Module()
    module.weight = tf.Variable(1.0)
    tf.saved_model.save(module, str(tmp_path / "e"))
    refused(tmp_path / "e", "signatures none")


def test_weights_that_do_not_fit_their_configuration_are_refused(tmp_path: Path) -> None:
    for name, units in (("a", 3), ("b", 4)):
        keras.Sequential([keras.Input((16,)), keras.layers.Dense(units)]).save(tmp_path / f"{name}.keras")
    with (
        zipfile.ZipFile(tmp_path / "a.keras") as a,
        zipfile.ZipFile(tmp_path / "b.keras") as b,
        zipfile.ZipFile(tmp_path / "c.keras", "w") as mixed,
    ):
        for source, name in ((a, "config.json"), (a, "metadata.json"), (b, "model.weights.h5")):
            mixed.writestr(name, source.read(name))
    refused(tmp_path / "c.keras", "neither Keras 3 nor TensorFlow 2 can load it")
