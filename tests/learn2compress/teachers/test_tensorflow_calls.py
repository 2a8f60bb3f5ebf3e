"""Calls of TensorFlow in a model of Keras 2 become operations that compute the same; others are refused by name."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from learn2compress.config.parsing import ConfigError
from learn2compress.teachers.opening import open_network
from learn2compress.teachers.safety import check_teacher
from learn2compress.teachers.tensorflow_calls import with_operations

X = np.random.default_rng(0).uniform(0.0, 255.0, (3, 6, 6, 3)).astype(np.float32)
Body = Callable[[Any], Any]

BODIES: dict[str, Body] = {
    "preprocess_input": lambda x: tf_keras.applications.mobilenet_v2.preprocess_input(x),
    "caffe": lambda x: tf.nn.bias_add(x[:, :, :, ::-1], tf.constant([-103.9, -116.8, -123.7])),
    "arithmetic": lambda x: 2.0 - x * 0.5 + x / 3.0 - tf.maximum(x, 7.0) + tf.minimum(tf.abs(-x), 3.0),
    "of two tensors": lambda x: (x + tf.square(x)) * tf.sqrt(x) - x,
    "hard swish": lambda x: x * tf.nn.relu6(x / 100.0 + 1.0) * (1.0 / 6.0),
    "activations": lambda x: tf.nn.relu(x - 90.0) + tf.nn.silu(x * 0.01) + tf.sigmoid(x * 0.01) + tf.tanh(x * 0.01),
    "softmax": lambda x: tf.nn.softmax(x * 0.1) + tf.nn.leaky_relu(x - 9.0, alpha=0.1) + tf.nn.gelu(x * 0.01),
    "reductions": lambda x: (
        x - tf.reduce_mean(x, axis=[1, 2], keepdims=True) + tf.reduce_max(x, axis=-1, keepdims=True)
    ),
    "shapes": lambda x: tf.transpose(tf.reshape(tf.concat([x, x], axis=-1), [-1, 36, 6]), [0, 2, 1]),
    "more shapes": lambda x: tf.squeeze(tf.expand_dims(x, 1), 1),
    "clip and cast": lambda x: tf.clip_by_value(tf.cast(x, tf.float32), 9.0, 99.0),
}


def model_of(body: Body) -> tf_keras.Model:
    tf_keras.utils.set_random_seed(7)
    inputs = tf_keras.Input((6, 6, 3))
    features = tf_keras.layers.Flatten()(body(inputs))
    return tf_keras.Model(inputs, tf_keras.layers.Dense(3)(features))


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.parametrize("case", BODIES)
def test_a_model_with_calls_computes_what_keras_2_computed(case: str, suffix: str, tmp_path: Path) -> None:
    model = model_of(BODIES[case])
    model.save(tmp_path / f"t{suffix}")
    wanted = model(X).numpy()
    found = open_network(tmp_path / f"t{suffix}").forward(X, False).numpy()
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-4 * np.abs(wanted).max())


def test_the_ellipsis_of_a_file_of_keras_2_is_read(tmp_path: Path) -> None:
    model = model_of(lambda x: x[..., ::-1])  # Keras 2 can write it into HDF5 alone.
    model.save(tmp_path / "t.h5")
    np.testing.assert_allclose(open_network(tmp_path / "t.h5").forward(X, False), model(X), rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize(
    ("body", "called"),
    [
        (lambda x: tf.image.resize(x, (3, 3)), "tf.image.resize"),
        (lambda x: tf.reshape(x, [tf.shape(x)[0], 108]), "tf."),
    ],
)
def test_a_call_that_is_not_known_is_named_with_the_way_out(body: Body, called: str, tmp_path: Path) -> None:
    model_of(body).save(tmp_path / "t.h5")
    with pytest.raises(
        ConfigError, match=rf"layer 'tf.* calls TensorFlow .*\({called}.*export the model as a SavedModel"
    ):
        check_teacher(tmp_path / "t.h5")


@pytest.mark.parametrize(
    "change",
    [
        {"config": {"function": "io.read_file"}},
        {"config": {"function": "__operators__.add"}, "inbound_nodes": [["x", 0, 0, {"y": "/etc/passwd"}]]},
        {"config": {"function": "cast"}, "inbound_nodes": [["x", 0, 0, {"dtype": "resource"}]]},
        {"config": {"function": ["nn.relu"]}},
        {"config": None},
        {"inbound_nodes": []},
        {"inbound_nodes": [["x", 0]]},
        {"inbound_nodes": [["x", "0", 0, {}]]},
    ],
)
def test_a_forged_call_is_refused(change: dict[str, Any]) -> None:
    layer = {
        "class_name": "TFOpLambda",
        "config": {"name": "forged", "function": "nn.relu"},
        "name": "forged",
        "inbound_nodes": [["x", 0, 0, {}]],
    }
    assert with_operations(layer, "t.h5")["class_name"] == "Relu"
    with pytest.raises(ConfigError, match=r"^t.h5: layer 'forged' calls TensorFlow inside a model of Keras 2"):
        with_operations(layer | change, "t.h5")


def test_no_function_is_looked_up_by_the_name_that_a_file_says(tmp_path: Path) -> None:
    model_of(lambda x: tf.nn.relu(x)).save(tmp_path / "t.h5")
    with h5py.File(tmp_path / "t.h5", "r+") as file:
        text = file.attrs["model_config"]
        file.attrs["model_config"] = text.replace('"nn.relu"', '"io.gfile.remove"')
    assert "io.gfile.remove" in json.dumps(h5py.File(tmp_path / "t.h5").attrs["model_config"])
    with pytest.raises(ConfigError, match=r"io.gfile.remove"):
        check_teacher(tmp_path / "t.h5")
