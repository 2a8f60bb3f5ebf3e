"""A file with a border takes bytes and computes what it computed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from learn2compress.litert.border import with_byte_border
from learn2compress.litert.flatbuffer import ModelFileError, read_graphs
from learn2compress.litert.interpreter import predict
from learn2compress.litert.operators import model_cost
from learn2compress.litert.rewrite import packed, unpacked


def interface(model_bytes: bytes) -> list[tuple[str, str]]:
    graph = read_graphs(model_bytes)[0]
    return [(graph.tensors[index].name, graph.tensors[index].dtype) for index in (*graph.inputs, *graph.outputs)]


@pytest.mark.parametrize("kind", ["float32", "float16"])
def test_a_float_file_takes_bytes_and_gives_the_same_scores(models: Any, kind: str) -> None:
    before = getattr(models, kind)
    after = with_byte_border(before)
    (source, _), (target, _) = interface(before)
    assert interface(after) == [(source, "uint8"), (target, "float32")]
    np.testing.assert_allclose(predict(after, models.x), predict(before, models.x), atol=1e-6)
    added = sum(model_cost(after).operators.values()) - sum(model_cost(before).operators.values())
    assert added == 1


def test_a_file_with_a_border_stays_as_it_is(models: Any) -> None:
    once = with_byte_border(models.float32)
    assert with_byte_border(once) == once
    assert interface(with_byte_border(models.int8)) == interface(models.int8)


def test_any_other_border_is_refused(models: Any) -> None:
    model = unpacked(models.float32)
    graph = model.subgraphs[0]
    graph.tensors[graph.inputs[0]].type = 7  # int16
    with pytest.raises(ModelFileError, match="input: found element type 7, accepted are float32, int8 and uint8"):
        with_byte_border(packed(model))
    with pytest.raises(ModelFileError):
        with_byte_border(models.float32[:100])
