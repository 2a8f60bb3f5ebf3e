"""A graph is told to compute in 16 bits by its products alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import tensorflow as tf

from learn2compress.teachers.half_precision import half_precision_of


def graph_of(function: Callable[[Any], Any]) -> Any:
    return tf.function(function, input_signature=[tf.TensorSpec([None, 4])]).get_concrete_function().graph


@pytest.mark.parametrize("name", ["float16", "bfloat16"])
def test_products_of_16_bits_are_found_in_inner_functions_too(name: str) -> None:
    kernel = tf.ones((4, 2), name)

    @tf.function
    def inner(x: Any) -> Any:
        return tf.matmul(tf.cast(x, name), kernel)

    assert half_precision_of(graph_of(lambda x: tf.cast(inner(x), tf.float32))) == name


def test_weights_that_are_stored_in_16_bits_are_none() -> None:
    kernel = tf.ones((4, 2), tf.float16)
    assert half_precision_of(graph_of(lambda x: tf.matmul(x, tf.cast(kernel, tf.float32)))) is None
