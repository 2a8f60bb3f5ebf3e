"""A file is read into plain dataclasses; a damaged or hostile one is refused in one line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from learn2compress.litert import flatbuffer
from learn2compress.litert.flatbuffer import ModelFileError, dtype_name, read_file, read_graphs


def test_a_graph_has_the_tensors_and_operators_of_the_network(models: Any) -> None:
    (graph,) = read_graphs(models.int8)
    source, target = graph.tensors[graph.inputs[0]], graph.tensors[graph.outputs[0]]
    assert (source.dtype, source.shape, source.num_bytes) == ("uint8", (1, 8, 8, 3), 192)
    assert (target.dtype, target.shape) == ("uint8", (1, 4))
    names = [operator.name for operator in graph.operators]
    assert names == ["QUANTIZE", "CONV_2D", "DEPTHWISE_CONV_2D", "MEAN", "FULLY_CONNECTED", "SOFTMAX", "QUANTIZE"]
    kernel = graph.tensors[graph.operators[1].inputs[1]]
    assert (kernel.dtype, kernel.shape, kernel.data.size, kernel.is_quantized) == ("int8", (8, 3, 3, 3), 216, True)
    assert kernel.zero_points.tolist() == [0] * 8
    assert not kernel.is_float


def test_element_types_have_names() -> None:
    assert [dtype_name(code) for code in (0, 3, 9, 120)] == ["float32", "uint8", "int8", None]


def test_a_file_is_read_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "model.tflite").write_bytes(b"content")
    assert read_file(tmp_path / "model.tflite") == b"content"


def test_garbage_is_one_clear_line(models: Any, tmp_path: Any) -> None:
    for garbage in (b"", b"not a model at all", b"\0\0\0\0TFL3" + b"\xff" * 64, models.int8[:200]):
        with pytest.raises(ModelFileError, match=r"^model: .*") as error:
            read_graphs(garbage)
        assert "\n" not in str(error.value)
    with pytest.raises(ModelFileError, match="No such file"):
        read_file(tmp_path / "missing.tflite")


def test_damaged_bytes_are_read_or_refused_and_nothing_else(models: Any) -> None:
    random = np.random.default_rng(0)
    num_read, messages = 0, []
    for _ in range(600):
        damaged = bytearray(models.int8)
        for position in random.integers(0, len(damaged), 3):
            damaged[position] = random.choice([0, 1, 127, 128, 255])
        try:
            read_graphs(bytes(damaged))
            num_read += 1
        except ModelFileError as error:
            messages.append(str(error))
    assert num_read > 0
    assert messages
    assert not any("\n" in message for message in messages)


def test_the_sum_over_subgraphs_is_bounded(
    models: Any, edited: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flatbuffer, "MAX_ITEMS", 20)  # a real file at the limit takes long to make
    tripled = edited(models.int8, lambda m: setattr(m, "subgraphs", m.subgraphs * 3))

    with pytest.raises(ModelFileError, match="tensors, accepted are 20 at most"):
        read_graphs(tripled)


def _graph(model: Any) -> Any:
    return model.subgraphs[0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: setattr(_graph(m).tensors[0], "buffer", 999), "found buffer 999"),
        (lambda m: setattr(_graph(m).tensors[0], "shape", [-5, 3]), "no size below 0"),
        (lambda m: setattr(_graph(m).tensors[0], "shape", [2**31 - 1] * 4), "accepted is up to"),
        (lambda m: setattr(_graph(m).operators[1], "inputs", [0, 77]), "found tensor 77"),
        (lambda m: setattr(_graph(m).operators[1], "opcodeIndex", 50), "operator: found code 50"),
        (lambda m: setattr(m, "subgraphs", []), "found no graph"),
        (lambda m: setattr(m.buffers[2], "data", np.zeros(3, np.uint8)), "found 3 bytes of content"),
        (lambda m: setattr(m.buffers[2], "offset", 2**40), "found a buffer up to byte"),
    ],
)
def test_what_does_not_fit_the_file_is_named(
    models: Any, edited: Callable[..., bytes], change: Callable[[Any], None], message: str
) -> None:
    with pytest.raises(ModelFileError, match=message):
        read_graphs(edited(models.int8, change))
