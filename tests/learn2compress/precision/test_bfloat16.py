"""Tests of `learn2compress.precision.bfloat16`."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from learn2compress.precision.bfloat16 import InBfloat16, runs_in_bfloat16


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (keras.layers.Conv2D(16, 3), True),
        (keras.layers.ReLU(), True),
        (keras.layers.MaxPooling2D(2), True),
        (keras.layers.Conv2D(16, 3, dtype="float16"), False),
        (keras.layers.DepthwiseConv2D(3), False),
        (keras.layers.GlobalAveragePooling2D(), False),
        (keras.layers.Dropout(0.5), False),
    ],
)
def test_convolutions_and_what_is_between_them_run_in_it(layer: keras.Layer, expected: bool) -> None:
    layer(keras.Input((8, 8, 16)))
    assert runs_in_bfloat16(layer) is expected


def test_a_subclass_and_a_vector_stay_in_float32() -> None:
    class Other(keras.layers.Conv2D):
        pass

    other, relu = Other(16, 3), keras.layers.ReLU()
    other(keras.Input((8, 8, 16)))
    relu(keras.Input((16,)))
    assert not runs_in_bfloat16(other)
    assert not runs_in_bfloat16(relu)


def test_it_computes_with_the_layers_weights_and_their_gradients_are_float32() -> None:
    keras.utils.set_random_seed(1)
    layer = keras.layers.Conv2D(16, 3)
    layer.build((None, 8, 8, 16))
    inputs = tf.random.normal([4, 8, 8, 16])
    with tf.GradientTape() as tape:
        outputs = InBfloat16(layer)(inputs)
        loss = tf.reduce_sum(tf.cast(outputs, tf.float32))
    gradient = tape.gradient(loss, layer.kernel.value)
    assert (outputs.dtype, gradient.dtype) == (tf.bfloat16, tf.float32)
    assert layer.kernel.dtype == "float32"
    np.testing.assert_allclose(tf.cast(outputs, tf.float32), layer(inputs), atol=0.05)
    assert not np.array_equal(tf.cast(outputs, tf.float32), layer(inputs))
