"""What runs through a file is read tensor by tensor, in real numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from learn2compress.litert.flatbuffer import read_graphs
from learn2compress.litert.interpreter import predict
from learn2compress.litert.tensors import TensorReader, activation_ranges, layer_of


@pytest.mark.parametrize("kind", ["float32", "int8"])
def test_the_last_tensor_is_what_the_file_predicts_and_the_first_what_it_receives(models: Any, kind: str) -> None:
    model = getattr(models, kind)
    reader, graph = TensorReader(model), read_graphs(model)[0]
    values = dict(reader.run(models.x[0]))
    scores = values[graph.tensors[graph.outputs[0]].name]
    np.testing.assert_allclose(scores, predict(model, models.x[:1]), atol=1e-6)
    inputs = values[graph.tensors[graph.inputs[0]].name]
    np.testing.assert_allclose(inputs[0], models.x[0] / 255.0, atol=1e-6)
    assert len(values) == len(graph.operators) + 1


def test_ranges_are_those_of_the_examples_with_zero_in_them(models: Any) -> None:
    graph = read_graphs(models.float32)[0]
    source, target = graph.tensors[graph.inputs[0]].name, graph.tensors[graph.outputs[0]].name
    ranges = activation_ranges(models.float32, models.x[:40] // 2)
    assert (ranges[source]["min"].tolist(), ranges[source]["max"].tolist()) == ([0.0], [1.0])
    exact = predict(models.float32, models.x[:40] // 2)
    assert ranges[target]["max"][0] == pytest.approx(exact.max(), rel=1e-4)
    assert all(bounds["min"] <= 0.0 <= bounds["max"] for bounds in ranges.values())


def test_tensors_of_one_layer_are_numbered() -> None:
    assert [layer_of(name) for name in ("conv", "conv:2", "a:b", "conv:inner")] == ["conv", "conv", "a:b", "conv:inner"]
