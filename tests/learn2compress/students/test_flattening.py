"""A nested model becomes one flat graph that computes the same, and scalings in a row become one."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from learn2compress.config.parsing import ConfigError
from learn2compress.students.flattening import FlatCopy, rescaled
from learn2compress.students.layers import BATCH_NORM_MOMENTUM


def nested() -> keras.Model:
    keras.utils.set_random_seed(1)
    inner_inputs = keras.Input((6, 6, 4))
    x = keras.layers.Conv2D(5, 3, name="conv")(inner_inputs)
    x = keras.layers.BatchNormalization(momentum=0.999, name="norm")(x)
    inner = keras.Model(inner_inputs, x, name="inner")
    inner.trainable = False
    inputs = keras.Input((8, 8, 3))
    x = inner(keras.layers.Conv2D(4, 3, name="first")(inputs), training=False)
    return keras.Model(inputs, keras.layers.ReLU(name="last")(x))


def test_a_flat_copy_computes_the_same_and_can_be_trained() -> None:
    model, copy = nested(), FlatCopy()
    inputs = keras.Input((8, 8, 3))
    flat = keras.Model(inputs, copy.apply(model, inputs))
    copy.set_weights(flat)
    assert [layer.name for layer in flat.layers[1:]] == ["first", "conv", "norm", "last"]
    assert set(copy.outputs) == {"first", "conv", "norm", "last"}
    assert all(layer.trainable for layer in flat.layers)
    assert flat.get_layer("norm").momentum == BATCH_NORM_MOMENTUM
    images = np.random.default_rng(2).random((3, 8, 8, 3), np.float32)
    np.testing.assert_allclose(flat(images, training=False), model(images, training=False), atol=1e-6)


def test_a_layer_that_is_applied_twice_is_refused() -> None:
    inputs = keras.Input((4,))
    layer = keras.layers.Dense(4, name="again")
    with pytest.raises(ConfigError, match="found layer 'again' twice, accepted are models that apply each layer once"):
        FlatCopy().apply(keras.Model(inputs, layer(layer(inputs))), keras.Input((4,)))


@pytest.mark.parametrize("axis", [1, (1, 2, 3), (-3, -1)])
def test_a_normalization_over_other_axes_keeps_its_statistics(axis: int | tuple[int, ...]) -> None:
    images = np.random.default_rng(3).normal(2.0, 3.0, (5, 4, 6, 3)).astype(np.float32)
    inputs, again = keras.Input((4, 6, 3)), keras.Input((4, 6, 3))
    layer = keras.layers.Normalization(axis=axis)
    layer.adapt(images)
    model, copy = keras.Model(inputs, layer(inputs)), FlatCopy()
    flat = keras.Model(again, copy.apply(model, again))
    copy.set_weights(flat)
    cloned = keras.models.clone_model(flat)  # as later steps copy it
    cloned.set_weights(flat.get_weights())
    np.testing.assert_allclose(cloned(images), model(images), rtol=1e-5, atol=1e-5)


def test_scalings_in_a_row_become_one_and_one_that_does_nothing_none() -> None:
    inputs = keras.Input((4,))
    assert rescaled(inputs, 1, 0, "none") is inputs
    twice = rescaled(rescaled(inputs, 255.0, -1.0, "first"), 0.5, 3.0, "second")
    model = keras.Model(inputs, twice)
    assert [layer.name for layer in model.layers[1:]] == ["second"]
    values = np.array([[0.0, 0.1, 0.5, 1.0]], np.float32)
    np.testing.assert_allclose(model(values), (values * 255.0 - 1.0) * 0.5 + 3.0, rtol=1e-6)
    back = rescaled(rescaled(inputs, 2.0, 0.0, "first"), 0.5, 0.0, "second")
    assert back is inputs
