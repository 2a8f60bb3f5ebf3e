"""Private parts of Keras: what each function relies on, so that a new Keras that changes it is noticed here."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from learn2compress.keras_internals import (
    all_inputs,
    functional_class,
    leaf_layers,
    num_applications,
    operation_classes,
    producer,
    producer_inputs,
    trainable_kernel,
    walk_graph,
)
from learn2compress.quantization.qat_layers import QuantizedDense


@pytest.fixture
def network() -> keras.Model:
    """A dense layer, and a nested model of another one, whose outputs are added."""
    inputs = keras.Input((4,), name="inputs")
    nested_inputs = keras.Input((3,))
    nested = keras.Model(nested_inputs, keras.layers.Dense(3, name="inner")(nested_inputs), name="nested")
    features = keras.layers.Dense(3, name="outer")(inputs)
    return keras.Model(inputs, keras.layers.Add(name="sum")([features, nested(features)]))


def test_the_producer_of_a_tensor_is_the_layer_that_made_it(network: keras.Model) -> None:
    assert producer(network.output) is network.get_layer("sum")
    assert producer(network.get_layer("outer").output) is network.get_layer("outer")


def test_the_inputs_of_a_producer_are_those_of_that_application() -> None:
    first, second = keras.Input((4,)), keras.Input((4,))
    layer = keras.layers.Dense(2)
    outputs = layer(first), layer(second)
    assert [producer_inputs(tensor)[0] is given for tensor, given in zip(outputs, (first, second), strict=True)] == [
        True,
        True,
    ]
    assert producer_inputs(first) == []
    assert num_applications(layer) == 2
    assert [tensor is given for tensor, given in zip(all_inputs(layer), (first, second), strict=True)] == [True, True]


def test_all_inputs_are_those_of_a_layer_of_several(network: keras.Model) -> None:
    assert [producer(tensor).name for tensor in all_inputs(network.get_layer("sum"))] == ["outer", "nested"]
    assert num_applications(network.get_layer("sum")) == 1


def test_leaf_layers_are_those_of_nested_networks_too(network: keras.Model) -> None:
    names = [layer.name for layer in leaf_layers(network)]
    assert {"inputs", "outer", "inner", "sum"} <= set(names)
    assert "nested" not in names


def test_a_walk_passes_on_what_the_visitor_returns(network: keras.Model) -> None:
    visited: list[str] = []

    def visit(operation: keras.Operation, *args: Any, **kwargs: Any) -> int:
        visited.append(operation.name)
        given = args[0] if isinstance(args[0], list) else [args[0]]
        return sum(given) + 1

    # outer: 2; nested: 3; their sum and one more: 6.
    assert walk_graph(network, [1], visit) == 6
    assert visited == ["outer", "nested", "sum"]


def test_the_trainable_kernel_is_what_the_optimizer_moves() -> None:
    layers = [keras.layers.Dense(2), QuantizedDense(2)]
    for layer in layers:
        layer.build((None, 3))
        kernel = trainable_kernel(layer)
        assert any(kernel is variable for variable in layer.trainable_variables)
        kernel.assign(np.full((3, 2), 0.5, np.float32))
        assert layer.get_weights()[0].tolist() == [[0.5, 0.5]] * 3


def test_functional_models_and_operations_are_named_as_saved_models_name_them() -> None:
    inputs = keras.Input((2,))
    model = keras.Model(inputs, keras.ops.relu(keras.ops.add(inputs, 1.0)))
    assert type(model) is functional_class()
    saved = {(layer["module"], layer["class_name"]) for layer in model.get_config()["layers"]}
    assert operation_classes("numpy")["Add"].__name__ == "Add"
    assert operation_classes("nn")["Relu"].__module__ in {module for module, _ in saved}
    assert all(issubclass(item, keras.Operation) for item in operation_classes("numpy").values())
