"""A file is compared with what it was made from, in its tensors and in its decisions."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from learn2compress.config import QuantizationRecipe, QuantizeConfig
from learn2compress.litert.rewrite import UnpackedModel
from learn2compress.quantization.candidates import CandidateFile, PreparedStudent, make_candidates, prepare_student
from learn2compress.quantization.choice_sample import TrainingSample
from learn2compress.quantization.cross_check import Origin
from learn2compress.quantization.qat_network import quantization_aware
from learn2compress.quantization.score_precision import ScoredFile
from learn2compress.quantization.student_file import StudentDescription

RECIPES = QuantizationRecipe
CONFIG = QuantizeConfig(temperature_scaling=False)


@pytest.fixture(scope="module")
def prepared(
    digits_student: keras.Model, digits_sample: TrainingSample, description: StudentDescription
) -> PreparedStudent:
    network = quantization_aware(digits_student)
    network(digits_sample.inputs[:256].astype(np.float32) / 255, training=True)
    return prepare_student(digits_student, digits_sample, CONFIG, description, network)


@pytest.fixture(scope="module")
def candidates(
    prepared: PreparedStudent, digits_sample: TrainingSample, description: StudentDescription
) -> dict[QuantizationRecipe, CandidateFile]:
    return make_candidates(prepared, digits_sample, CONFIG, description)


def test_a_good_file_agrees_with_what_it_was_made_from(
    prepared: PreparedStudent,
    candidates: dict[QuantizationRecipe, CandidateFile],
    digits_sample: TrainingSample,
) -> None:
    origin = Origin(prepared.float_scored, prepared.network)
    for recipe, compared_with in ((RECIPES.INT8_QAT, "the trained network"), (RECIPES.INT8_PTQ, "the float32 file")):
        check = origin.check(candidates[recipe].scored, recipe, digits_sample)
        assert check.compared_with == compared_with
        assert check.agreement > 0.98
        assert check.num_examples == len(digits_sample.labels)
        assert check.unexpected_operators == ()
        assert not check.is_doubtful
        assert check.findings().startswith(f"agrees with {compared_with} on ")


def test_a_float_file_agrees_with_itself_in_everything(
    prepared: PreparedStudent, digits_sample: TrainingSample
) -> None:
    check = Origin(prepared.float_scored).check(prepared.float_scored, RECIPES.FLOAT32, digits_sample)
    assert check.agreement == 1.0
    assert check.findings() == "agrees with the float32 file on 100.00% of 512 examples"


def test_a_file_with_other_weights_is_doubtful_and_its_layer_is_named(
    prepared: PreparedStudent,
    candidates: dict[QuantizationRecipe, CandidateFile],
    digits_sample: TrainingSample,
) -> None:
    broken = with_other_weights(candidates[RECIPES.INT8_PTQ].scored.model_bytes, digits_sample)
    check = Origin(prepared.float_scored).check(broken, RECIPES.INT8_PTQ, digits_sample)
    assert check.is_doubtful
    is_equal = prepared.float_scored.scores.argmax(axis=1) == broken.scores.argmax(axis=1)
    assert check.agreement == pytest.approx(is_equal.mean())
    assert "steps in " in check.findings()


def test_decisions_are_compared_on_what_was_kept_back(
    prepared: PreparedStudent,
    candidates: dict[QuantizationRecipe, CandidateFile],
    digits_sample: TrainingSample,
) -> None:
    sample = TrainingSample(digits_sample.inputs, digits_sample.labels, 64)
    check = Origin(prepared.float_scored).check(candidates[RECIPES.INT8_PTQ].scored, RECIPES.INT8_PTQ, sample)
    assert check.num_examples == 64


def with_other_weights(model_bytes: bytes, sample: TrainingSample) -> ScoredFile:
    """The file with the weights of its second kernel in another order, scored."""
    model = UnpackedModel(model_bytes)
    kernels = [tensor for tensor in model.tree.subgraphs[0].tensors if len(tensor.shape) == 4]
    buffers = [
        model.tree.buffers[tensor.buffer] for tensor in kernels if model.tree.buffers[tensor.buffer].data is not None
    ]
    buffers[1].data = np.roll(buffers[1].data, len(buffers[1].data) // 3)
    broken = model.pack()
    return ScoredFile(broken, sample.scores(broken))
