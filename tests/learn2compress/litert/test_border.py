"""A file with a border takes bytes and computes what it computed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from learn2compress.litert.border import add_byte_border, use_float_scores
from learn2compress.litert.flatbuffer import ModelFileError, read_graphs
from learn2compress.litert.interpreter import predict
from learn2compress.litert.operators import model_cost
from learn2compress.litert.rewrite import UnpackedModel


def interface(model_bytes: bytes) -> list[tuple[str, str]]:
    graph = read_graphs(model_bytes)[0]
    return [(graph.tensors[index].name, graph.tensors[index].dtype) for index in (*graph.inputs, *graph.outputs)]


def bordered(model_bytes: bytes) -> bytes:
    model = UnpackedModel(model_bytes)
    add_byte_border(model)
    return model.pack()


@pytest.mark.parametrize("kind", ["float32", "float16"])
def test_a_float_file_takes_bytes_and_returns_the_same_scores(models: Any, kind: str) -> None:
    before = getattr(models, kind)
    after = bordered(before)
    (source, _), (target, _) = interface(before)
    assert interface(after) == [(source, "uint8"), (target, "float32")]
    np.testing.assert_allclose(predict(after, models.x), predict(before, models.x), atol=1e-6)
    added = sum(model_cost(after).operators.values()) - sum(model_cost(before).operators.values())
    assert added == 1


def test_a_file_with_a_border_stays_as_it_is(models: Any) -> None:
    once = bordered(models.float32)
    assert bordered(once) == once
    assert interface(bordered(models.int8)) == interface(models.int8)


def test_any_other_border_is_refused(models: Any) -> None:
    model = UnpackedModel(models.float32)
    graph = model.tree.subgraphs[0]
    graph.tensors[graph.inputs[0]].type = 7  # int16
    with pytest.raises(ModelFileError, match="input: found element type 7, accepted are float32, int8 and uint8"):
        add_byte_border(model)


def test_float_scores_are_the_softmax_of_the_same_logits(models: Any) -> None:
    model = UnpackedModel(models.int8)
    assert use_float_scores(model)
    after = model.pack()
    assert interface(after) == [interface(models.int8)[0], (interface(models.int8)[1][0], "float32")]
    assert model_cost(after).operators == {**model_cost(models.int8).operators, "DEQUANTIZE": 1, "QUANTIZE": 1}
    scores = predict(after, models.x)
    np.testing.assert_allclose(scores.sum(axis=1), 1.0, atol=1e-6)
    np.testing.assert_allclose(scores, predict(models.int8, models.x), atol=1 / 256)
    assert len(np.unique(scores)) > len(np.unique(predict(models.int8, models.x)))


def test_a_file_without_uint8_scores_has_none_to_replace(models: Any) -> None:
    for before in (models.float32, bordered(models.float16)):
        model = UnpackedModel(before)
        assert not use_float_scores(model)
        assert model.pack() == UnpackedModel(before).pack()
