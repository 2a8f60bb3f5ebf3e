"""Every recipe's file takes bytes, gives scores, runs, and says how it came about."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest

from learn2compress.config import (
    DistillationConfig,
    MixedBase,
    PruneConfig,
    PruneScope,
    QuantizationRecipe,
    QuantizeConfig,
    StageConfig,
    StudentConfig,
    TaskConfig,
    TrainingConfig,
)
from learn2compress.config.parsing import ConfigError, parse
from learn2compress.data.batches import TrainingData
from learn2compress.litert.flatbuffer import ModelFileError, read_graphs
from learn2compress.litert.interpreter import predict
from learn2compress.litert.metadata import read_metadata
from learn2compress.litert.operators import float_operators, model_cost
from learn2compress.pruning import prune_student
from learn2compress.quantization.choice_sample import TrainingSample
from learn2compress.quantization.convert import finished_file
from learn2compress.quantization.qat import train_quantized
from learn2compress.quantization.quantize import QuantizedStudent, choose, quantize_student
from learn2compress.results.quantization import Candidate
from learn2compress.results.reports import json_bytes
from learn2compress.students.joint import build_joint_network, standalone_student
from learn2compress.training.loop import by_name, fit, make_deterministic
from learn2compress.training.plan import TrainingPlan

RECIPES = QuantizationRecipe
LABELS = [str(digit) for digit in range(10)]
MIN_LAYER_WEIGHTS = 100
finish = functools.partial(finished_file, family_name="digits", student_name="only", labels=LABELS, task=TaskConfig())


def plan(phase: str, epochs: int, learning_rate: float) -> TrainingPlan:
    return TrainingPlan(phase, epochs, learning_rate, DistillationConfig(), seed=3)


@pytest.fixture(scope="module")
def student(digits_data: Callable[..., TrainingData]) -> keras.Model:
    """A trained student, four fifths of its weights zero."""
    make_deterministic(5)
    training = TrainingConfig(stages=(StageConfig(16, 1), StageConfig(32, 1)))
    student = standalone_student(build_joint_network(TaskConfig(), 10, training, [StudentConfig("only", 2)]), "only")
    fit(by_name(student, "only"), digits_data(), plan("train", 6, 0.01))
    config = PruneConfig(sparsity_ratio=0.8, scope=PruneScope.LAYER, min_layer_weights=MIN_LAYER_WEIGHTS)
    prune_student(student, "only", digits_data(), config, plan("prune", 3, 0.002))
    return student


@pytest.fixture(scope="module")
def sample(digits_folder: Path) -> TrainingSample:
    return TrainingSample.read(digits_folder / "examples" / "train", (8, 8, 1), 256)


@pytest.fixture(scope="module")
def make(student: keras.Model, sample: TrainingSample) -> Callable[..., QuantizedStudent]:
    @functools.cache
    def made(recipe: QuantizationRecipe, **settings: object) -> QuantizedStudent:
        return quantize_student(student, sample, QuantizeConfig(recipe=recipe, **settings), finish)

    return made


@pytest.fixture(scope="module")
def exact(student: keras.Model, sample: TrainingSample) -> np.ndarray:
    return np.array(keras.ops.softmax(student(sample.inputs.astype(np.float32) / 255)))


# Smallest agreement with the Keras student, and what a weight takes of its four bytes at most.
EXPECTED = {
    RECIPES.FLOAT32: (1.0, 1.0, "float32"),
    RECIPES.FLOAT16: (0.998, 0.6, "float32"),
    RECIPES.DYNAMIC_INT8: (0.98, 0.45, "float32"),
    RECIPES.INT8_PTQ: (0.97, 0.45, "uint8"),
    RECIPES.INT16_ACTIVATIONS: (0.98, 0.45, "float32"),
    RECIPES.INT4_WEIGHTS: (0.8, 0.35, "uint8"),
    RECIPES.MIXED: (0.97, 0.6, "uint8"),
}


@pytest.mark.parametrize("recipe", EXPECTED)
def test_a_recipe_takes_bytes_and_gives_the_scores_of_the_student(
    recipe: QuantizationRecipe, make: Callable[..., QuantizedStudent], sample: TrainingSample, exact: np.ndarray
) -> None:
    agreement, size_ratio, output_dtype = EXPECTED[recipe]
    made = make(recipe)
    source = read_graphs(made.model_bytes)[0]
    assert source.tensors[source.inputs[0]].dtype == "uint8"
    assert model_cost(made.model_bytes).output_dtype == output_dtype
    scores = predict(made.model_bytes, sample.inputs)
    assert np.mean(scores.argmax(axis=1) == exact.argmax(axis=1)) >= agreement
    float32_bytes = made.report.candidates[0].model_bytes
    assert len(made.model_bytes) <= size_ratio * float32_bytes
    assert read_metadata(made.model_bytes).labels == tuple(LABELS)


@pytest.mark.parametrize("recipe", EXPECTED)
def test_a_recipe_reports_what_it_measured(recipe: QuantizationRecipe, make: Callable[..., QuantizedStudent]) -> None:
    made = make(recipe)
    report = made.report
    assert (report.recipe, report.shipped, report.num_examples) == (recipe.value, recipe.value, 512)
    assert [candidate.recipe for candidate in report.candidates] == ["float32", recipe.value]
    assert report.candidates[1].model_bytes == len(made.model_bytes)
    assert {"stage1_relu1", "only_relu", "only_logits"} <= {found.tensor for found in report.deviations}
    # Nothing is rounded in the float32 file, so nothing differs there but the order of additions.
    assert (report.largest_deviation.absolute < 1e-4) == (recipe is RECIPES.FLOAT32)
    assert json_bytes(report).startswith(b"{")


@pytest.mark.parametrize("recipe", [RECIPES.INT8_PTQ, RECIPES.INT4_WEIGHTS])
def test_integer_recipes_have_no_float_operator(
    recipe: QuantizationRecipe, make: Callable[..., QuantizedStudent]
) -> None:
    assert float_operators(make(recipe).model_bytes) == []


def test_weights_have_the_bits_that_the_recipe_says(make: Callable[..., QuantizedStudent]) -> None:
    def kernels(recipe: QuantizationRecipe) -> set[str]:
        tensors = read_graphs(make(recipe).model_bytes)[0].tensors
        return {tensor.dtype for tensor in tensors if tensor.data.size and len(tensor.shape) == 4}

    assert kernels(RECIPES.INT4_WEIGHTS) == {"int4"}
    assert kernels(RECIPES.INT16_ACTIVATIONS) == {"int8"}
    assert kernels(RECIPES.FLOAT16) == {"float16"}


@pytest.mark.parametrize("recipe", [RECIPES.DYNAMIC_INT8, RECIPES.INT8_PTQ, RECIPES.INT4_WEIGHTS])
def test_pruned_weights_stay_zero(recipe: QuantizationRecipe, make: Callable[..., QuantizedStudent]) -> None:
    before, after = (model_cost(make(kind).model_bytes) for kind in (RECIPES.FLOAT32, recipe))
    assert after.num_nonzero_parameters <= before.num_nonzero_parameters < 0.4 * before.num_parameters


def test_the_same_student_gives_the_same_bytes(
    student: keras.Model, sample: TrainingSample, make: Callable[..., QuantizedStudent]
) -> None:
    again = quantize_student(student, sample, QuantizeConfig(recipe=RECIPES.INT4_WEIGHTS), finish)
    assert again == make(RECIPES.INT4_WEIGHTS)


def test_a_byte_is_its_own_value_even_where_calibration_sees_dark_images_alone(
    student: keras.Model, sample: TrainingSample
) -> None:
    dark = TrainingSample(sample.inputs // 4, sample.labels)
    for recipe in (RECIPES.INT8_PTQ, RECIPES.INT4_WEIGHTS):
        model = quantize_student(student, dark, QuantizeConfig(recipe=recipe), finish).model_bytes
        np.testing.assert_array_equal(predict(model, sample.inputs), predict(model, sample.inputs, input_scale=0.0))


def test_training_in_8_bits_is_held_against_quantizing_without(
    student: keras.Model, sample: TrainingSample, digits_data: Callable[..., TrainingData]
) -> None:
    network, _ = train_quantized(student, "only", digits_data(), MIN_LAYER_WEIGHTS, plan("quantize", 2, 0.0003))
    made = quantize_student(student, sample, QuantizeConfig(), finish, network)
    report = made.report
    assert [candidate.recipe for candidate in report.candidates] == ["float32", "int8_qat", "int8_ptq"]
    by_recipe = {candidate.recipe: candidate.top_1 for candidate in report.candidates}
    assert by_recipe[report.shipped] == max(by_recipe["int8_qat"], by_recipe["int8_ptq"])
    assert report.compared_with == ("the trained network" if report.shipped == "int8_qat" else "the float32 file")
    assert by_recipe[report.shipped] == np.mean(
        predict(made.model_bytes, sample.inputs).argmax(axis=1) == sample.labels
    )


@pytest.fixture(scope="module")
def unseen_sample(digits_folder: Path) -> TrainingSample:
    """Examples of the held-out split, of which nobody has seen the first 128."""
    return TrainingSample.read(digits_folder / "examples" / "held_out", (8, 8, 1), 256, num_validation=128)


def test_scores_are_fitted_to_unseen_examples_and_decisions_stay(
    student: keras.Model, unseen_sample: TrainingSample
) -> None:
    trained = [np.array(weight) for weight in student.weights]
    made = {
        scaled: quantize_student(
            student, unseen_sample, QuantizeConfig(recipe=RECIPES.FLOAT32, temperature_scaling=scaled), finish
        )
        for scaled in (False, True)
    }
    report = made[True].report
    assert made[False].report.temperature is None
    assert report.temperature is not None
    assert report.num_temperature_examples == 128
    scores = {scaled: predict(file.model_bytes, unseen_sample.inputs) for scaled, file in made.items()}
    np.testing.assert_array_equal(scores[True].argmax(axis=1), scores[False].argmax(axis=1))
    loss = {
        scaled: -np.log(found[np.arange(128), unseen_sample.labels[:128]]).mean()
        for scaled, found in ((scaled, found[:128]) for scaled, found in scores.items())
    }
    assert loss[True] < loss[False]
    # The student itself is an artifact of another step.
    for weight, before in zip(student.weights, trained, strict=True):
        np.testing.assert_array_equal(weight, before)


def test_a_network_in_8_bits_has_a_temperature_of_its_own(
    student: keras.Model, unseen_sample: TrainingSample, digits_data: Callable[..., TrainingData]
) -> None:
    network, _ = train_quantized(student, "only", digits_data(), MIN_LAYER_WEIGHTS, plan("quantize", 2, 0.01))
    before = network.get_layer(index=-1).layers[-1].high.numpy()
    report = quantize_student(student, unseen_sample, QuantizeConfig(), finish, network).report
    divided_by = before / network.get_layer(index=-1).layers[-1].high.numpy()
    assert (report.temperature == pytest.approx(divided_by)) == (report.shipped == "int8_qat")
    # What was compared is the file with what it was made from, both with the temperature.
    assert report.largest_deviation.steps < 20


@pytest.mark.parametrize(
    ("top_1", "shipped", "reason"),
    [
        ((0.9, 0.8), "int8_qat", "90.00% of training examples right, better than int8_ptq (80.00%)"),
        ((0.9, 0.9), "int8_qat", "90.00% of training examples right, as good as int8_ptq (90.00%)"),
        ((0.8, 0.9), "int8_ptq", "90.00% of training examples right, better than int8_qat (80.00%)"),
    ],
)
def test_the_better_file_ships_and_equals_go_to_training(top_1: tuple[float, float], shipped: str, reason: str) -> None:
    found = choose([Candidate("int8_qat", top_1[0], 1), Candidate("int8_ptq", top_1[1], 1)])
    assert found == (QuantizationRecipe(shipped), reason)


def test_mixed_precision_helps_layers_that_hurt_until_the_budget_is_met(make: Callable[..., QuantizedStudent]) -> None:
    plain = make(RECIPES.INT4_WEIGHTS)
    mixed = make(RECIPES.MIXED, mixed_base=MixedBase.INT4, accuracy_budget=0.0)
    exact, found = mixed.report.candidates
    errors = [layer.error for layer in mixed.report.sensitivities]
    assert errors == sorted(errors, reverse=True)
    better = [layer.is_better for layer in mixed.report.sensitivities]
    assert any(better)
    assert found.top_1 >= exact.top_1 or all(better)
    assert len(mixed.model_bytes) > len(plain.model_bytes)


def test_mixed_precision_stays_below_its_size(make: Callable[..., QuantizedStudent]) -> None:
    limit = len(make(RECIPES.INT4_WEIGHTS).model_bytes) + 400
    settings = {"mixed_base": MixedBase.INT4, "accuracy_budget": 0.0}
    free, bounded = make(RECIPES.MIXED, **settings), make(RECIPES.MIXED, max_bytes=limit, **settings)
    assert len(bounded.model_bytes) <= limit < len(free.model_bytes)
    assert f"would have made the file larger than {limit} bytes" in bounded.report.reason


@pytest.mark.parametrize("recipe", [RECIPES.FLOAT32, RECIPES.FLOAT16])
def test_sparse_tensors_make_a_file_smaller_and_compute_the_same(
    recipe: QuantizationRecipe, make: Callable[..., QuantizedStudent], sample: TrainingSample
) -> None:
    dense, sparse = make(recipe), make(recipe, sparse_tensors=True)
    assert "DENSIFY" in model_cost(sparse.model_bytes).operators
    assert len(sparse.model_bytes) < 0.8 * len(dense.model_bytes)
    expected = predict(dense.model_bytes, sample.inputs)
    np.testing.assert_allclose(predict(sparse.model_bytes, sample.inputs), expected, atol=1e-5)


@pytest.mark.parametrize("recipe", [recipe for recipe in RECIPES if not recipe.value.startswith("float")])
def test_sparse_tensors_are_refused_where_the_interpreter_has_none(recipe: QuantizationRecipe) -> None:
    with pytest.raises(ConfigError, match=f"sparse_tensors: found true with recipe '{recipe.value}', accepted are"):
        parse(QuantizeConfig, {"recipe": recipe.value, "sparse_tensors": True})


class Spectrum(keras.layers.Layer):
    """What no operator of LiteRT computes."""

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        return keras.ops.fft2((inputs, inputs))[0]


def test_an_operator_that_litert_does_not_have_is_named_in_one_line(sample: TrainingSample) -> None:
    inputs = keras.Input((8, 8, 1))
    features = keras.layers.Flatten()(Spectrum()(keras.layers.Reshape((8, 8))(inputs)))
    odd = keras.Model(inputs, keras.layers.Dense(10)(features))
    with pytest.raises(
        ModelFileError, match=r"^quantize.recipe: found 'float32' .*has no Complex, FFT2D.*accepted"
    ) as error:
        quantize_student(odd, sample, QuantizeConfig(recipe=RECIPES.FLOAT16), finish)
    assert "\n" not in str(error.value)
