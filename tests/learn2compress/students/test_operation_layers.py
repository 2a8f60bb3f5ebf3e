"""Operations become layers that compute the same; what has no layer is left."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

from learn2compress.students.flattening import FlatCopy
from learn2compress.students.operation_layers import rescaled, with_turned_colours

SHAPE = (6, 6, 3)
X = np.random.default_rng(0).uniform(-4.0, 4.0, (3, *SHAPE)).astype(np.float32)
Body = Callable[[Any], Any]

BODIES: dict[str, tuple[Body, list[str]]] = {
    "addition of a number": (lambda x: x + 3.0, ["Rescaling"]),
    "subtraction": (lambda x: x - 3.0, ["Rescaling"]),
    "subtraction from a number": (lambda x: 3.0 - x, ["Rescaling"]),
    "product": (lambda x: x * 0.5, ["Rescaling"]),
    "quotient": (lambda x: x / 127.5 - 1.0, ["Rescaling"]),
    "by channel": (lambda x: (x - np.array([1.0, 2.0, 3.0], np.float32)) / np.array([4.0, 5.0, 6.0], np.float32),
                   ["Rescaling"]),
    "two tensors": (lambda x: x + ops.relu(x), ["Activation", "Add"]),
    "hard swish": (lambda x: x * (ops.relu6(x + 3.0) * (1.0 / 6.0)),
                   ["Rescaling", "Activation", "Rescaling", "Multiply"]),
    "gate": (lambda x: x * ops.mean(ops.sigmoid(x), axis=[1, 2], keepdims=True),
             ["Activation", "GlobalAveragePooling2D", "Multiply"]),
    "colours": (lambda x: x[..., ::-1] + np.array([1.0, 2.0, 3.0], np.float32), ["Conv2D", "Rescaling"]),
    "flipped colours": (lambda x: ops.flip(x, axis=-1), ["Conv2D"]),
    "fixed statistics": (keras.layers.Normalization(mean=[1.0, 2.0, 3.0], variance=[4.0, 5.0, 6.0]), ["Rescaling"]),
    "inverted": (keras.layers.Normalization(mean=1.0, variance=4.0, invert=True), ["Rescaling"]),
}  # fmt: skip


@pytest.mark.parametrize("case", BODIES)
def test_layers_compute_what_operations_computed(case: str) -> None:
    body, kinds = BODIES[case]
    inputs, again = keras.Input(SHAPE), keras.Input(SHAPE)
    model = keras.Model(inputs, body(inputs))
    copy = FlatCopy()
    flat = keras.Model(again, copy.apply(model, again))
    copy.set_weights(flat)
    assert [type(operation).__name__ for operation in flat.operations[1:]] == kinds
    assert all(isinstance(operation, keras.Layer) for operation in flat.operations)
    np.testing.assert_allclose(flat(X), model(X), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    "body",
    [
        lambda x: x[:, ::-1],
        lambda x: x + np.ones((6, 3), np.float32),
        # One for each column, of which there are as many as channels.
        lambda x: x[:, :, :3] * np.arange(3, dtype=np.float32).reshape(3, 1),
        lambda x: ops.power(x, 2.0),
        lambda x: ops.mean(x, axis=-1),
    ],
)
def test_other_operations_are_left(body: Body) -> None:
    inputs, again = keras.Input(SHAPE), keras.Input(SHAPE)
    model = keras.Model(inputs, body(inputs))
    flat = keras.Model(again, FlatCopy().apply(model, again))
    assert not all(isinstance(operation, keras.Layer) for operation in flat.operations)
    np.testing.assert_allclose(flat(X), model(X), rtol=1e-5)


def test_a_normalization_that_was_fitted_is_a_rescaling() -> None:
    inputs, again = keras.Input(SHAPE), keras.Input(SHAPE)
    layer = keras.layers.Normalization()
    layer.adapt(X * 3.0 + 1.0)
    model = keras.Model(inputs, keras.layers.Conv2D(2, 3)(layer(inputs)))
    copy = FlatCopy()
    flat = keras.Model(again, copy.apply(model, again))
    copy.set_weights(flat)
    assert [type(layer).__name__ for layer in flat.layers[1:]] == ["Rescaling", "Conv2D"]
    np.testing.assert_allclose(flat(X), model(X), rtol=1e-5, atol=1e-5)


def test_scalings_by_channel_in_a_row_become_one() -> None:
    inputs = keras.Input(SHAPE)
    twice = rescaled(rescaled(inputs, [1.0, 2.0, 3.0], 1.0, "first"), 0.5, [4.0, 5.0, 6.0], "second")
    model = keras.Model(inputs, twice)
    assert [layer.name for layer in model.layers[1:]] == ["second"]
    np.testing.assert_allclose(model(X), (X * [1, 2, 3] + 1) * 0.5 + [4, 5, 6], rtol=1e-5)
    assert rescaled(rescaled(inputs, [2.0, 4.0, 8.0], 0.0, "up"), [0.5, 0.25, 0.125], 0.0, "down") is inputs


def test_colours_are_turned_round() -> None:
    inputs = keras.Input(SHAPE)
    np.testing.assert_array_equal(keras.Model(inputs, with_turned_colours(inputs, "bgr"))(X), X[..., ::-1])
