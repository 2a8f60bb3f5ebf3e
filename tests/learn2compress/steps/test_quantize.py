from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from learn2compress.config import QuantizationRecipe, QuantizeConfig
from learn2compress.litert.interpreter import predict
from learn2compress.steps.quantize import make_student_file
from learn2compress.steps.training_inputs import TrainingInputs


@pytest.mark.parametrize(("recipe", "num_epochs"), [(QuantizationRecipe.INT8_QAT, 1), (QuantizationRecipe.FLOAT16, 0)])
def test_a_file_is_trained_where_its_recipe_says_so(
    recipe: QuantizationRecipe, num_epochs: int, opened: Callable[..., TrainingInputs], student: Any
) -> None:
    inputs = opened()
    sample = inputs.sample(16)
    file, records = make_student_file(
        inputs,
        student,
        "small",
        QuantizeConfig(recipe, epochs=1),
        min_layer_weights=100,
        family_name="digits",
        contact="",
        license="",
        labels=tuple("0123456789"),
        sample=sample,
        checkpoint=inputs.checkpoint,
    )
    assert [record.phase for record in records] == ["quantize"] * num_epochs
    assert file.report.recipe == recipe
    assert predict(file.model_bytes, sample.inputs[:3]).shape == (3, 10)
