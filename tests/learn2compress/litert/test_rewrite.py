"""A file that takes fewer bytes computes what it computed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from learn2compress.litert.flatbuffer import ModelFileError, read_graphs
from learn2compress.litert.interpreter import predict
from learn2compress.litert.operators import model_cost
from learn2compress.litert.rewrite import compacted, with_named_buffer


def names(model_bytes: bytes) -> list[str]:
    return [tensor.name for tensor in read_graphs(model_bytes)[0].tensors]


def path_parts(model_bytes: bytes) -> set[str]:
    return {part for name in names(model_bytes) for part in name.replace(";", "/").split("/")}


@pytest.mark.parametrize("kind", ["float32", "float16", "int8"])
def test_a_compacted_model_computes_the_same(models: Any, kind: str) -> None:
    before = getattr(models, kind)
    after = compacted(before, path_parts(before))
    np.testing.assert_array_equal(predict(after, models.x), predict(before, models.x))
    assert model_cost(after).num_nonzero_parameters == model_cost(before).num_nonzero_parameters


def test_an_int8_model_is_a_fifth_smaller(models: Any) -> None:
    assert len(compacted(models.int8, path_parts(models.int8))) < 0.8 * len(models.int8)


def test_a_second_time_changes_nothing(models: Any) -> None:
    once = compacted(models.int8, ["conv2d"])
    assert compacted(once, ["conv2d"]) == once


def test_tensors_bear_the_names_of_layers_once_each(models: Any) -> None:
    layer = next(part for part in sorted(path_parts(models.int8)) if part.startswith("conv2d"))
    found = names(compacted(models.int8, [layer]))
    assert layer in found
    assert f"{layer}:2" in found
    assert len(set(found)) == len(found)
    assert not any("/" in name for name in found if name.startswith(layer))


def test_inputs_and_outputs_keep_their_names(models: Any) -> None:
    graph = read_graphs(models.int8)[0]
    interface = [graph.tensors[index].name for index in (*graph.inputs, *graph.outputs)]
    found = read_graphs(compacted(models.int8, path_parts(models.int8)))[0]
    assert [found.tensors[index].name for index in (*found.inputs, *found.outputs)] == interface


def test_a_buffer_that_is_added_later_undoes_nothing(models: Any) -> None:
    small = compacted(models.int8, [])
    assert len(with_named_buffer(small, "notes", b"x" * 16)) < len(small) + 100


def test_what_is_no_model_is_refused() -> None:
    with pytest.raises(ModelFileError, match=r"accepted is a .tflite file"):
        compacted(b"not a model at all", [])
