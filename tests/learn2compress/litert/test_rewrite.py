"""A file that takes fewer bytes computes what it computed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from learn2compress.litert.flatbuffer import ModelFileError, read_graphs
from learn2compress.litert.interpreter import predict
from learn2compress.litert.operators import model_cost
from learn2compress.litert.rewrite import TensorType, UnpackedModel


def names(model_bytes: bytes) -> list[str]:
    return [tensor.name for tensor in read_graphs(model_bytes)[0].tensors]


def path_parts(model_bytes: bytes) -> set[str]:
    return {part for name in names(model_bytes) for part in name.replace(";", "/").split("/")}


def shortened(model_bytes: bytes, layer_names: Any) -> bytes:
    model = UnpackedModel(model_bytes)
    model.shorten_tensor_names(layer_names)
    return model.pack()


@pytest.mark.parametrize("kind", ["float32", "float16", "int8"])
def test_a_shortened_model_computes_the_same(models: Any, kind: str) -> None:
    before = getattr(models, kind)
    after = shortened(before, path_parts(before))
    np.testing.assert_array_equal(predict(after, models.x), predict(before, models.x))
    assert model_cost(after).num_nonzero_parameters == model_cost(before).num_nonzero_parameters


def test_an_int8_model_is_a_fifth_smaller(models: Any) -> None:
    assert len(shortened(models.int8, path_parts(models.int8))) < 0.8 * len(models.int8)


def test_a_second_time_changes_nothing(models: Any) -> None:
    once = shortened(models.int8, ["conv2d"])
    assert shortened(once, ["conv2d"]) == once


def test_packing_leaves_the_model_to_be_changed_and_packed_again(models: Any) -> None:
    model = UnpackedModel(models.int8)
    first = model.pack()
    assert model.pack() == first
    model.set_named_buffer("notes", b"x")
    assert UnpackedModel(first).pack() == first != model.pack()


def test_tensors_bear_the_names_of_layers_once_each(models: Any) -> None:
    layer = next(part for part in sorted(path_parts(models.int8)) if part.startswith("conv2d"))
    found = names(shortened(models.int8, [layer]))
    assert layer in found
    assert f"{layer}:2" in found
    assert len(set(found)) == len(found)
    assert not any("/" in name for name in found if name.startswith(layer))


def test_inputs_and_outputs_keep_their_names(models: Any) -> None:
    graph = read_graphs(models.int8)[0]
    interface = [graph.tensors[index].name for index in (*graph.inputs, *graph.outputs)]
    found = read_graphs(shortened(models.int8, path_parts(models.int8)))[0]
    assert [found.tensors[index].name for index in (*found.inputs, *found.outputs)] == interface


def test_a_buffer_that_is_added_later_undoes_nothing(models: Any) -> None:
    small = shortened(models.int8, [])
    model = UnpackedModel(small)
    model.set_named_buffer("notes", b"x" * 16)
    assert len(model.pack()) < len(small) + 100


def test_a_buffer_of_the_same_name_replaces_the_first_packed_in_between_or_not(models: Any) -> None:
    model = UnpackedModel(models.int8)
    model.set_named_buffer("notes", b"first" * 100)
    once = model.pack()
    model.set_named_buffer("notes", b"other" * 100)
    again = UnpackedModel(once)
    again.set_named_buffer("notes", b"other" * 100)
    assert len(model.pack()) == len(once)
    assert model.pack() == again.pack() != once


def test_input_and_output_are_told_by_type_and_shape(models: Any) -> None:
    model = UnpackedModel(models.int8)
    assert (model.input_type(), model.output_type()) == (TensorType("uint8", (1, 8, 8, 3)), TensorType("uint8", (1, 4)))
    graph = model.tree.subgraphs[0]
    graph.outputs = np.array([*graph.outputs, *graph.outputs], np.int32)
    with pytest.raises(ModelFileError, match="found 1 inputs and 2 outputs, accepted is one of each"):
        model.output_type()


def test_what_is_no_model_is_refused(models: Any, edited: Callable[..., bytes]) -> None:
    with pytest.raises(ModelFileError, match=r"accepted is a .tflite file"):
        UnpackedModel(b"not a model at all")
    with pytest.raises(ModelFileError, match="found a buffer up to byte"):
        UnpackedModel(edited(models.int8, lambda tree: setattr(tree.buffers[2], "offset", 2**40)))
    with pytest.raises(ModelFileError, match="not a well-formed"):
        UnpackedModel(edited(models.int8, lambda tree: setattr(tree, "subgraphs", []))).input_type()
