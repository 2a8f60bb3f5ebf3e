"""A file that computes something else than what it was made from gives way, or is said to."""

from __future__ import annotations

import dataclasses

import keras
import numpy as np
import pytest

from learn2compress.config import QuantizationRecipe, QuantizeConfig
from learn2compress.litert.interpreter import predict
from learn2compress.litert.rewrite import UnpackedModel
from learn2compress.quantization.candidates import CandidateFile, PreparedStudent, make_candidates, prepare_student
from learn2compress.quantization.checked_choice import choose_checked
from learn2compress.quantization.choice_sample import TrainingSample
from learn2compress.quantization.qat_network import quantization_aware
from learn2compress.quantization.score_precision import ScoredFile
from learn2compress.quantization.student_file import StudentDescription

RECIPES = QuantizationRecipe
Candidates = dict[QuantizationRecipe, CandidateFile]


def config_of(recipe: QuantizationRecipe) -> QuantizeConfig:
    return QuantizeConfig(recipe=recipe, temperature_scaling=False)


@pytest.fixture(scope="module")
def prepared(
    digits_student: keras.Model, digits_sample: TrainingSample, description: StudentDescription
) -> PreparedStudent:
    network = quantization_aware(digits_student)
    network(digits_sample.inputs[:256].astype(np.float32) / 255, training=True)
    return prepare_student(digits_student, digits_sample, config_of(RECIPES.INT8_QAT), description, network)


@pytest.fixture(scope="module")
def made(prepared: PreparedStudent, digits_sample: TrainingSample, description: StudentDescription) -> Candidates:
    return make_candidates(prepared, digits_sample, config_of(RECIPES.INT8_QAT), description)


def other_weights(file: CandidateFile, sample: TrainingSample) -> CandidateFile:
    """The file with the weights of its second convolution in another order."""
    model = UnpackedModel(file.scored.model_bytes)
    tensors = [tensor for tensor in model.tree.subgraphs[0].tensors if len(tensor.shape) == 4]
    buffers = [model.tree.buffers[tensor.buffer] for tensor in tensors]
    kernel = [buffer for buffer in buffers if buffer.data is not None][1]
    kernel.data = np.roll(kernel.data, len(kernel.data) // 3)
    broken = model.pack()
    return dataclasses.replace(file, scored=ScoredFile(broken, sample.scores(broken)))


def test_a_good_file_ships(
    prepared: PreparedStudent, made: Candidates, digits_sample: TrainingSample, description: StudentDescription
) -> None:
    choice = choose_checked(prepared, dict(made), digits_sample, config_of(RECIPES.INT8_QAT), description)
    assert choice.recipe in made
    assert not choice.fell_back
    assert choice.check.agreement > 0.98


def test_the_control_ships_in_place_of_a_trained_file_that_is_float(
    prepared: PreparedStudent, made: Candidates, digits_sample: TrainingSample, description: StudentDescription
) -> None:
    in_float = dataclasses.replace(made[RECIPES.INT8_QAT], scored=prepared.float_scored)
    candidates = {RECIPES.INT8_QAT: in_float, RECIPES.INT8_PTQ: made[RECIPES.INT8_PTQ]}
    decisions, others = (candidates[recipe].scored.scores.argmax(axis=1) for recipe in candidates)
    # Both are right about the same examples.
    labels = [
        one if one == other else next(label for label in range(3) if label not in (one, other))
        for one, other in zip(decisions, others, strict=True)
    ]
    sample = TrainingSample(digits_sample.inputs, np.array(labels))
    choice = choose_checked(prepared, candidates, sample, config_of(RECIPES.INT8_QAT), description)
    assert (choice.recipe, choice.fell_back) == (RECIPES.INT8_PTQ, True)
    assert choice.check.unexpected_operators == ()
    assert "CONV_2D (" in choice.reason


@pytest.mark.parametrize("recipe", [RECIPES.INT8_PTQ, RECIPES.INT4_WEIGHTS])
def test_layers_get_a_higher_precision_in_place_of_a_file_that_decides_otherwise(
    recipe: QuantizationRecipe,
    prepared: PreparedStudent,
    made: Candidates,
    digits_sample: TrainingSample,
    description: StudentDescription,
) -> None:
    candidates = {recipe: other_weights(made[RECIPES.INT8_PTQ], digits_sample)}
    choice = choose_checked(prepared, candidates, digits_sample, config_of(recipe), description)
    assert (choice.recipe, choice.fell_back) == (RECIPES.MIXED, True)
    assert choice.reason.startswith(f"{recipe.value} agrees with the float32 file on ")
    assert ("float arithmetic" if recipe is RECIPES.INT8_PTQ else "int8 weights") in choice.reason
    file = candidates[RECIPES.MIXED]
    is_equal = predict(file.scored.model_bytes, digits_sample.inputs).argmax(
        axis=1
    ) == prepared.float_scored.scores.argmax(axis=1)
    assert choice.check.agreement == pytest.approx(is_equal.mean())
    assert is_equal.mean() >= 0.9
    # What it has in float is no more than what it is said to have.
    assert choice.check.unexpected_operators == ()


def test_a_file_that_nothing_mends_stays_and_is_said_to_be_doubtful(
    prepared: PreparedStudent, made: Candidates, digits_sample: TrainingSample, description: StudentDescription
) -> None:
    recipe = RECIPES.INT16_ACTIVATIONS
    candidates = {recipe: other_weights(made[RECIPES.INT8_PTQ], digits_sample)}
    choice = choose_checked(prepared, candidates, digits_sample, config_of(recipe), description)
    assert (choice.recipe, choice.fell_back) == (recipe, False)
    assert choice.check.is_doubtful
