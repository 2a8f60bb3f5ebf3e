"""Every recipe's file takes bytes, returns scores, and has the numbers that the recipe says."""

from __future__ import annotations

import functools
from collections.abc import Callable

import keras
import numpy as np
import pytest

from learn2compress.config import QuantizationRecipe, QuantizeConfig
from learn2compress.config.parsing import ConfigError, parse
from learn2compress.litert.flatbuffer import ModelFileError, read_graphs
from learn2compress.litert.interpreter import predict
from learn2compress.litert.operators import float_operators, model_cost
from learn2compress.litert.rewrite import UnpackedModel
from learn2compress.quantization.choice_sample import TrainingSample
from learn2compress.quantization.recipes import FloatFile, make_file, make_float_file
from learn2compress.students.layer_decomposition import decompose_layers

RECIPES = QuantizationRecipe


@pytest.fixture(scope="module")
def student(digits_student: keras.Model) -> keras.Model:
    return decompose_layers(digits_student)


@pytest.fixture(scope="module")
def float_file(student: keras.Model) -> FloatFile:
    return make_float_file(student, UnpackedModel.pack)


@pytest.fixture(scope="module")
def make(student: keras.Model, float_file: FloatFile, digits_sample: TrainingSample) -> Callable[..., bytes]:
    @functools.cache
    def made(recipe: QuantizationRecipe, **settings: object) -> bytes:
        config = QuantizeConfig(recipe=recipe, **settings)
        return make_file(recipe, student, float_file, digits_sample, config, UnpackedModel.pack).model_bytes

    return made


@pytest.fixture(scope="module")
def exact(student: keras.Model, digits_sample: TrainingSample) -> np.ndarray:
    return np.array(keras.ops.softmax(student(digits_sample.inputs.astype(np.float32) / 255)))


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
def test_a_recipe_takes_bytes_and_returns_the_scores_of_the_student(
    recipe: QuantizationRecipe,
    make: Callable[..., bytes],
    float_file: FloatFile,
    digits_sample: TrainingSample,
    exact: np.ndarray,
) -> None:
    agreement, size_ratio, output_dtype = EXPECTED[recipe]
    model = make(recipe)
    cost = model_cost(model)
    assert (cost.input_dtype, cost.output_dtype) == ("uint8", output_dtype)
    scores = predict(model, digits_sample.inputs)
    assert np.mean(scores.argmax(axis=1) == exact.argmax(axis=1)) >= agreement
    assert len(model) <= size_ratio * len(float_file.shipped.model_bytes)


def test_the_float_file_has_two_forms_that_compute_the_same(
    float_file: FloatFile, digits_sample: TrainingSample
) -> None:
    assert model_cost(float_file.plain).input_dtype == "float32"
    assert model_cost(float_file.shipped.model_bytes).input_dtype == "uint8"
    expected = predict(float_file.plain, digits_sample.inputs)
    np.testing.assert_allclose(predict(float_file.shipped.model_bytes, digits_sample.inputs), expected, atol=1e-6)


@pytest.mark.parametrize("recipe", [RECIPES.INT8_PTQ, RECIPES.INT4_WEIGHTS])
def test_integer_recipes_have_no_float_operator(recipe: QuantizationRecipe, make: Callable[..., bytes]) -> None:
    assert float_operators(make(recipe)) == []


def test_weights_have_the_bits_that_the_recipe_says(make: Callable[..., bytes]) -> None:
    def kernels(recipe: QuantizationRecipe) -> set[str]:
        tensors = read_graphs(make(recipe))[0].tensors
        return {tensor.dtype for tensor in tensors if tensor.data.size and len(tensor.shape) == 4}

    assert kernels(RECIPES.INT4_WEIGHTS) == {"int4"}
    assert kernels(RECIPES.INT16_ACTIVATIONS) == {"int8"}
    assert kernels(RECIPES.FLOAT16) == {"float16"}


@pytest.mark.parametrize("recipe", [RECIPES.DYNAMIC_INT8, RECIPES.INT8_PTQ, RECIPES.INT4_WEIGHTS])
def test_pruned_weights_stay_zero(recipe: QuantizationRecipe, make: Callable[..., bytes]) -> None:
    before, after = (model_cost(make(kind)) for kind in (RECIPES.FLOAT32, recipe))
    assert after.num_nonzero_parameters <= before.num_nonzero_parameters < 0.4 * before.num_parameters


def test_a_byte_is_its_own_value_even_where_calibration_sees_dark_images_alone(
    student: keras.Model, float_file: FloatFile, digits_sample: TrainingSample
) -> None:
    dark, config = TrainingSample(digits_sample.inputs // 4, digits_sample.labels), QuantizeConfig()
    for recipe in (RECIPES.INT8_PTQ, RECIPES.INT4_WEIGHTS):
        model = make_file(recipe, student, float_file, dark, config, UnpackedModel.pack).model_bytes
        expected = predict(model, digits_sample.inputs)
        np.testing.assert_array_equal(expected, predict(model, digits_sample.inputs, input_scale=0.0))


def test_examples_that_were_kept_back_calibrate_nothing(
    student: keras.Model, float_file: FloatFile, digits_sample: TrainingSample
) -> None:
    bright = np.concatenate([np.full_like(digits_sample.inputs[:60], 255), digits_sample.inputs])
    labels = np.concatenate([digits_sample.labels[:60], digits_sample.labels])
    samples = (digits_sample, TrainingSample(bright, labels, num_kept_back=60), TrainingSample(bright, labels))
    config = QuantizeConfig(calibration_examples=100)
    without, kept_back, seen = (
        make_file(RECIPES.INT8_PTQ, student, float_file, sample, config, UnpackedModel.pack).model_bytes
        for sample in samples
    )
    assert kept_back == without != seen


@pytest.mark.parametrize("recipe", [RECIPES.FLOAT32, RECIPES.FLOAT16])
def test_sparse_tensors_make_a_file_smaller_and_compute_the_same(
    recipe: QuantizationRecipe, make: Callable[..., bytes], digits_sample: TrainingSample
) -> None:
    dense, sparse = make(recipe), make(recipe, sparse_tensors=True)
    assert "DENSIFY" in model_cost(sparse).operators
    assert len(sparse) < 0.8 * len(dense)
    expected = predict(dense, digits_sample.inputs)
    np.testing.assert_allclose(predict(sparse, digits_sample.inputs), expected, atol=1e-5)


@pytest.mark.parametrize("recipe", [recipe for recipe in RECIPES if not recipe.value.startswith("float")])
def test_sparse_tensors_are_refused_where_the_interpreter_has_none(recipe: QuantizationRecipe) -> None:
    with pytest.raises(ConfigError, match=f"sparse_tensors: found true with recipe '{recipe.value}', accepted are"):
        parse(QuantizeConfig, {"recipe": recipe.value, "sparse_tensors": True})


class Spectrum(keras.layers.Layer):
    """What no operator of LiteRT computes."""

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        return keras.ops.fft2((inputs, inputs))[0]


def test_an_operator_that_litert_does_not_have_is_named_in_one_line() -> None:
    inputs = keras.Input((8, 8, 1))
    features = keras.layers.Flatten()(Spectrum()(keras.layers.Reshape((8, 8))(inputs)))
    odd = keras.Model(inputs, keras.layers.Dense(10)(features))
    with pytest.raises(
        ModelFileError, match=r"^quantize.recipe: found 'float32' .*has no Complex, FFT2D.*accepted"
    ) as error:
        make_float_file(odd, UnpackedModel.pack)
    assert "\n" not in str(error.value)
