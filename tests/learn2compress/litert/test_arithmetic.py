from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from learn2compress.litert.arithmetic import operator_uses, operator_work
from learn2compress.litert.operators import model_cost
from learn2compress.results.measurements import Arithmetic, OperatorUse


def uses(model: bytes) -> dict[tuple[str, str], tuple[int, int]]:
    return {(use.name, use.arithmetic.value): (use.count, use.macs) for use in operator_uses(operator_work(model))}


def test_a_full_int8_file_runs_on_the_int8_path(models: Any) -> None:
    found = uses(models.int8)

    assert {arithmetic for _, arithmetic in found} == {"int8"}
    assert sum(macs for _, macs in found.values()) == model_cost(models.int8).macs
    assert found["CONV_2D", "int8"] == (1, 13824)


def test_a_float_file_does_not(models: Any) -> None:
    assert {arithmetic for _, arithmetic in uses(models.float32)} == {"float"}
    assert {arithmetic for _, arithmetic in uses(models.float16)} == {"float"}


def test_float_activations_with_int8_weights_are_hybrid(convert_function: Callable[..., bytes]) -> None:
    import tensorflow as tf

    kernel = tf.constant(np.random.default_rng(0).normal(size=(64, 64)).astype(np.float32))
    traced = tf.function(lambda x: tf.matmul(x, kernel)).get_concrete_function(tf.TensorSpec((1, 64), tf.float32))
    converter = tf.lite.TFLiteConverter.from_concrete_functions([traced])
    converter.optimizations = [tf.lite.Optimize.DEFAULT]

    assert uses(converter.convert())["FULLY_CONNECTED", "hybrid"] == (1, 4096)


def test_the_heaviest_operators_come_first(models: Any) -> None:
    macs = [use.macs for use in operator_uses(operator_work(models.int8))]
    assert macs == sorted(macs, reverse=True)
    assert operator_uses([]) == ()


def test_moved_bytes_are_those_of_the_activations(convert_function: Callable[..., bytes]) -> None:
    import tensorflow as tf

    kernel = np.ones((16, 8), np.float32)
    (work,) = operator_work(convert_function(lambda x: tf.matmul(x, kernel), (1, 16), tf.float32))

    assert (work.name, work.arithmetic, work.macs) == ("FULLY_CONNECTED", Arithmetic.FLOAT, 128)
    assert work.activation_bytes == (16 + 8) * 4


def test_uses_of_equal_weight_are_in_order_of_name() -> None:
    from learn2compress.litert.arithmetic import OperatorWork

    work = [OperatorWork(name, Arithmetic.INT8, 0, 1) for name in ("B", "A", "C", "C")]
    expected = tuple(OperatorUse(name, Arithmetic.INT8, count, 0) for name, count in (("C", 2), ("A", 1), ("B", 1)))
    assert operator_uses(work) == expected
