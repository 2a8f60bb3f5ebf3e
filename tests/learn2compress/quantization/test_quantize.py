"""From a student to the file that ships: what is made, chosen, checked, compared and reported."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest

from learn2compress.config import DistillationConfig, MixedBase, QuantizationRecipe, QuantizeConfig
from learn2compress.data.batches import TrainingData
from learn2compress.litert.interpreter import predict
from learn2compress.litert.metadata import read_metadata
from learn2compress.quantization.choice_sample import TrainingSample
from learn2compress.quantization.convert import to_calibrated_int8_litert, to_int8_litert
from learn2compress.quantization.qat import train_quantized
from learn2compress.quantization.qat_network import why_not_trainable
from learn2compress.quantization.quantize import quantize_student
from learn2compress.quantization.student_file import StudentDescription
from learn2compress.results.reports import json_bytes
from learn2compress.students.layer_decomposition import decompose_layers
from learn2compress.training.plan import TrainingPlan

RECIPES = QuantizationRecipe
MIN_LAYER_WEIGHTS = 100


def train(student: keras.Model, data: TrainingData, learning_rate: float) -> keras.Model:
    """Two epochs in simulated 8 bits."""
    plan = TrainingPlan("quantize", 2, learning_rate, DistillationConfig(), seed=3)
    return train_quantized(student, "only", data, MIN_LAYER_WEIGHTS, plan)[0]


@pytest.fixture(scope="module")
def fresh_sample(digits_folder: Path) -> TrainingSample:
    """Examples of the held-out split, of which nobody has seen the first 128."""
    return TrainingSample.read(digits_folder / "examples" / "held_out", (8, 8, 1), 256, num_validation=128)


@pytest.mark.parametrize(
    "config",
    [
        QuantizeConfig(recipe=RECIPES.FLOAT32),
        QuantizeConfig(recipe=RECIPES.INT8_PTQ),
        QuantizeConfig(recipe=RECIPES.INT16_ACTIVATIONS),
        QuantizeConfig(recipe=RECIPES.MIXED, mixed_base=MixedBase.INT4),
    ],
    ids=lambda config: config.recipe.value,
)
def test_the_file_ships_with_what_was_measured(
    digits_student: keras.Model, digits_sample: TrainingSample, description: StudentDescription, config: QuantizeConfig
) -> None:
    made = quantize_student(digits_student, digits_sample, config, description)
    report, recipe = made.report, config.recipe
    assert read_metadata(made.model_bytes).labels == description.labels
    assert (report.recipe, report.shipped, report.num_examples) == (recipe.value, recipe.value, 512)
    assert [candidate.recipe for candidate in report.candidates] == ["float32", recipe.value]
    assert report.candidates[1].model_bytes == len(made.model_bytes)
    top_1 = np.mean(predict(made.model_bytes, digits_sample.inputs).argmax(axis=1) == digits_sample.labels)
    assert report.candidates[1].top_1 == top_1
    assert report.candidates[1].kept_back_top_1 is None
    assert {"stage1_relu1", "only_relu", "only_logits"} <= {found.tensor for found in report.deviations}
    # Nothing is rounded in the float32 file, so nothing differs there but the order of additions.
    assert (report.largest_deviation.absolute < 1e-4) == (recipe is RECIPES.FLOAT32)
    assert (report.changed_by_rounding_ratio is None) == (recipe in (RECIPES.FLOAT32, RECIPES.INT16_ACTIVATIONS))
    assert bool(report.sensitivities) == (recipe is RECIPES.MIXED)
    assert json_bytes(report).startswith(b"{")


def test_the_same_student_has_the_same_bytes(
    digits_student: keras.Model, digits_sample: TrainingSample, description: StudentDescription
) -> None:
    config = QuantizeConfig(recipe=RECIPES.INT4_WEIGHTS)
    once, again = (quantize_student(digits_student, digits_sample, config, description) for _ in range(2))
    assert once == again


def test_the_trained_file_and_its_control_are_compared_on_examples_that_neither_saw(
    digits_student: keras.Model,
    fresh_sample: TrainingSample,
    description: StudentDescription,
    digits_data: Callable[..., TrainingData],
) -> None:
    network = train(digits_student, digits_data(), 0.01)
    inputs = fresh_sample.inputs
    calibration = TrainingSample(inputs, fresh_sample.labels, 64).calibration_inputs(256)
    control = to_calibrated_int8_litert(decompose_layers(digits_student), calibration).pack()
    # The trained file is right about all that it was trained on, the control about all that was kept back.
    labels = predict(to_int8_litert(network).pack(), inputs).argmax(axis=1)
    labels[:64] = predict(control, inputs[:64]).argmax(axis=1)
    sample, config = TrainingSample(inputs, labels, 64), QuantizeConfig(temperature_scaling=False)

    report = quantize_student(digits_student, sample, config, description, network).report

    _, of_trained, of_control = report.candidates
    assert of_trained.top_1 > of_control.top_1
    assert of_trained.kept_back_top_1 < of_control.kept_back_top_1 == 1.0
    assert (report.shipped, report.compared_with) == ("int8_ptq", "the float32 file")
    assert (report.num_kept_back, report.num_choice_examples) == (64, 64)
    assert report.reason.startswith("100.00% right of 64 examples that neither was trained on, better than int8_qat")


def test_without_examples_that_were_kept_back_the_report_says_so(
    digits_student: keras.Model,
    digits_sample: TrainingSample,
    description: StudentDescription,
    digits_data: Callable[..., TrainingData],
) -> None:
    network = train(digits_student, digits_data(), 0.0003)
    report = quantize_student(digits_student, digits_sample, QuantizeConfig(), description, network).report
    assert [candidate.recipe for candidate in report.candidates] == ["float32", "int8_qat", "int8_ptq"]
    by_recipe = {candidate.recipe: candidate.top_1 for candidate in report.candidates}
    assert by_recipe[report.shipped] == max(by_recipe["int8_qat"], by_recipe["int8_ptq"])
    assert report.compared_with == ("the trained network" if report.shipped == "int8_qat" else "the float32 file")
    assert (report.num_kept_back, report.num_choice_examples) == (0, 512)
    assert "0 were kept back from training, too few to compare on" in report.reason


def test_a_student_that_cannot_be_trained_in_8_bits_ships_by_calibration_and_says_why(
    digits_sample: TrainingSample, description: StudentDescription
) -> None:
    inputs = keras.Input((8, 8, 1))
    x = keras.layers.Conv2D(8, 3, activation="tanh", name="odd")(inputs)
    x = keras.layers.GlobalAveragePooling2D()(x)
    student = keras.Model(inputs, keras.layers.Dense(10, name="only_logits")(x))
    reason = why_not_trainable(student)
    report = quantize_student(student, digits_sample, QuantizeConfig(), description, why_not_trained=reason).report
    assert (report.recipe, report.shipped) == ("int8_qat", "int8_ptq")
    assert report.reason.startswith("it can't be trained in 8 bits (layer 'odd': found activation 'tanh'")


def test_scores_are_fitted_to_examples_that_were_kept_back_and_decisions_stay(
    digits_student: keras.Model, fresh_sample: TrainingSample, description: StudentDescription
) -> None:
    trained = [np.array(weight) for weight in digits_student.weights]
    made = {
        scaled: quantize_student(
            digits_student,
            fresh_sample,
            QuantizeConfig(recipe=RECIPES.FLOAT32, temperature_scaling=scaled),
            description,
        )
        for scaled in (False, True)
    }
    report = made[True].report
    assert made[False].report.temperature is None
    assert report.temperature is not None
    assert report.num_kept_back == 128
    scores = {scaled: predict(file.model_bytes, fresh_sample.inputs) for scaled, file in made.items()}
    np.testing.assert_array_equal(scores[True].argmax(axis=1), scores[False].argmax(axis=1))
    loss = {
        scaled: -np.log(found[np.arange(128), fresh_sample.labels[:128]]).mean()
        for scaled, found in ((scaled, found[:128]) for scaled, found in scores.items())
    }
    assert loss[True] < loss[False]
    # The student itself is an artifact of another step.
    for weight, before in zip(digits_student.weights, trained, strict=True):
        np.testing.assert_array_equal(weight, before)


def test_a_network_in_8_bits_has_a_temperature_of_its_own(
    digits_student: keras.Model,
    fresh_sample: TrainingSample,
    description: StudentDescription,
    digits_data: Callable[..., TrainingData],
) -> None:
    network = train(digits_student, digits_data(), 0.01)
    before = network.get_layer(index=-1).layers[-1].high.numpy()
    report = quantize_student(digits_student, fresh_sample, QuantizeConfig(), description, network).report
    divided_by = before / network.get_layer(index=-1).layers[-1].high.numpy()
    assert (report.temperature == pytest.approx(divided_by)) == (report.shipped == "int8_qat")
    # What was compared is the file with what it was made from, both with the temperature.
    assert report.largest_deviation.steps < 20
