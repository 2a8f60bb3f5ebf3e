"""Operations counted from layers are those counted from the file."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import pytest

from learn2compress.config import Sharing
from learn2compress.litert.operators import float_operators, model_cost
from learn2compress.quantization.convert import to_int8_litert
from learn2compress.quantization.qat_network import quantization_aware
from learn2compress.students.cost import count_macs
from learn2compress.students.joint import standalone_student


@pytest.mark.parametrize("family", ["residual", "resnet", "mobilenet", "nasnet", "projection"])
def test_layers_and_int8_file_give_the_same_count(joint_network: Callable[..., keras.Model], family: str) -> None:
    student = standalone_student(joint_network(family, Sharing.PREFIX), "large")
    network = quantization_aware(student)
    network(np.random.default_rng(0).random((16, *student.input_shape[1:]), np.float32), training=True)
    model = to_int8_litert(network).pack()
    assert model_cost(model).macs == count_macs(student)
    assert float_operators(model) == []


def test_separable_and_one_dimensional_convolutions_count() -> None:
    inputs = keras.Input((10, 10, 4))
    separable = keras.Model(inputs, keras.layers.SeparableConv2D(6, 3, strides=2, padding="same")(inputs))
    assert count_macs(separable) == 25 * (9 * 4 + 4 * 6)
    inputs = keras.Input((10, 4))
    assert count_macs(keras.Model(inputs, keras.layers.Conv1D(6, 3, padding="same")(inputs))) == 10 * 3 * 4 * 6
    assert count_macs(keras.Model(inputs, keras.layers.Dense(6)(inputs))) == 10 * 4 * 6
