from __future__ import annotations

from typing import Any

import keras
import pytest
from ai_edge_litert.interpreter import Interpreter

from learn2compress.litert.border_details import border_details
from learn2compress.litert.flatbuffer import ModelFileError
from learn2compress.quantization.convert import to_float_litert
from learn2compress.results.measurements import TensorDetails


@pytest.mark.parametrize("kind", ["float32", "int8"])
def test_the_details_are_those_of_the_interpreter(models: Any, kind: str) -> None:
    model_bytes = getattr(models, kind)
    interpreter = Interpreter(model_content=model_bytes)
    told = (interpreter.get_input_details()[0], interpreter.get_output_details()[0])
    for found, wanted in zip(border_details(model_bytes), told, strict=True):
        scale, zero_point = wanted["quantization"]
        assert found.dtype == wanted["dtype"].__name__
        assert found.shape == tuple(wanted["shape"])
        assert (found.scale or 0.0, found.zero_point) == (scale, zero_point)


def test_a_file_without_quantization_has_no_scale() -> None:
    network = keras.Sequential([keras.Input((2, 2, 1)), keras.layers.Flatten()])
    source, target = border_details(to_float_litert(network).pack())
    assert source.dtype in ("float32", "uint8")
    assert target == TensorDetails("float32", (1, 4))


def test_what_is_no_model_is_refused() -> None:
    with pytest.raises(ModelFileError, match=r"accepted is a \.tflite file"):
        border_details(b"something else, and long enough")
