"""A file that the stock interpreter does not load or run is refused before it counts."""

from __future__ import annotations

from typing import Any

import pytest

from learn2compress.litert.flatbuffer import ModelFileError
from learn2compress.litert.load_check import check_runs
from learn2compress.litert.rewrite import UnpackedModel


def test_a_sound_file_passes(models: Any) -> None:
    check_runs(models.int8, "recipe 'int8'")


def test_a_file_that_does_not_load_is_refused_in_one_line_with_its_recipe_and_operator(models: Any) -> None:
    model = UnpackedModel(models.float32)
    operators = {
        model.tree.operatorCodes[operator.opcodeIndex].builtinCode: operator
        for operator in model.tree.subgraphs[0].operators
    }
    convolution = operators[3]  # CONV_2D
    convolution.inputs = convolution.inputs[:1]
    with pytest.raises(ModelFileError, match=r"^recipe 'int8' makes a file that does not run: .*CONV_2D") as error:
        check_runs(model.pack(), "recipe 'int8'")
    assert "\n" not in str(error.value)
