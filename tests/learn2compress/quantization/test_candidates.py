"""The files that could ship, and the float32 file that they are compared with."""

from __future__ import annotations

import keras
import numpy as np

from learn2compress.config import QuantizationRecipe, QuantizeConfig
from learn2compress.litert.interpreter import predict
from learn2compress.quantization.candidates import make_candidates, prepare_student
from learn2compress.quantization.choice_sample import TrainingSample
from learn2compress.quantization.qat_network import quantization_aware
from learn2compress.quantization.student_file import StudentDescription

RECIPES = QuantizationRecipe


def test_a_trained_student_has_a_control_and_any_other_one_file(
    digits_student: keras.Model, digits_sample: TrainingSample, description: StudentDescription
) -> None:
    network = quantization_aware(digits_student)
    network(digits_sample.inputs[:256].astype(np.float32) / 255, training=True)
    config = QuantizeConfig(temperature_scaling=False)
    prepared = prepare_student(digits_student, digits_sample, config, description, network)
    candidates = make_candidates(prepared, digits_sample, config, description)
    assert list(candidates) == [RECIPES.INT8_QAT, RECIPES.INT8_PTQ]
    for candidate in candidates.values():
        scores = predict(candidate.scored.model_bytes, digits_sample.inputs)
        np.testing.assert_array_equal(candidate.scored.scores, scores)

    config = QuantizeConfig(recipe=RECIPES.FLOAT32, temperature_scaling=False)
    prepared = prepare_student(digits_student, digits_sample, config, description, None)
    candidates = make_candidates(prepared, digits_sample, config, description)
    assert list(candidates) == [RECIPES.FLOAT32]
    # It has been made and scored already.
    assert candidates[RECIPES.FLOAT32].scored is prepared.float_scored
