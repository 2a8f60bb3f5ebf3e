from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import pytest

from learn2compress.config import QuantizationRecipe, QuantizeConfig
from learn2compress.config.parsing import ConfigError
from learn2compress.litert.interpreter import predict
from learn2compress.quantization.quantize import QuantizedStudent
from learn2compress.results.reports import EpochRecord
from learn2compress.steps.quantize import make_student_file
from learn2compress.steps.training_inputs import TrainingInputs


def made(
    inputs: TrainingInputs, student: keras.Model, recipe: QuantizationRecipe
) -> tuple[QuantizedStudent, tuple[EpochRecord, ...]]:
    return make_student_file(
        inputs,
        student,
        "small",
        QuantizeConfig(recipe, epochs=1),
        min_layer_weights=100,
        family_name="digits",
        contact="",
        license="",
        labels=tuple("0123456789"),
        sample=inputs.sample(16),
        checkpoint=inputs.checkpoint,
    )


@pytest.mark.parametrize(("recipe", "num_epochs"), [(QuantizationRecipe.INT8_QAT, 1), (QuantizationRecipe.FLOAT16, 0)])
def test_a_file_is_trained_where_its_recipe_says_so(
    recipe: QuantizationRecipe, num_epochs: int, opened: Callable[..., TrainingInputs], student: Any
) -> None:
    inputs = opened()
    file, records = made(inputs, student, recipe)
    assert [record.phase for record in records] == ["quantize"] * num_epochs
    assert file.report.recipe == recipe
    assert predict(file.model_bytes, inputs.sample(16).inputs[:3]).shape == (3, 10)


def test_a_recurrent_network_becomes_a_file_without_calibration_alone(opened: Callable[..., TrainingInputs]) -> None:
    inputs, layers = opened(), keras.layers
    source = keras.Input((8, 8, 1), name="input")
    memory = layers.GRU(8, name="memory")(layers.Reshape((8, 8))(source))
    student = keras.Model(source, layers.Dense(10)(memory), name="small")
    file, _ = made(inputs, student, QuantizationRecipe.FLOAT16)
    assert predict(file.model_bytes, inputs.sample(16).inputs[:3]).shape == (3, 10)
    assert file.report.agreement > 0.9
    with pytest.raises(ConfigError, match=r"found int8_ptq for a network with GRU layer 'memory'"):
        made(inputs, student, QuantizationRecipe.INT8_PTQ)
