"""What a file computes in other numbers than its recipe says is found in the file itself."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

from learn2compress.config import MixedBase, QuantizationRecipe
from learn2compress.litert.border import add_byte_border, use_float_scores
from learn2compress.litert.rewrite import UnpackedModel
from learn2compress.litert.tensors import activation_ranges, layer_of
from learn2compress.quantization.convert import FloatWeights, to_calibrated_int8_litert, to_float_litert
from learn2compress.quantization.post_training import layers_of, to_int8_activations, to_int16_activations
from learn2compress.quantization.recipe_check import unexpected_operators

RECIPES = QuantizationRecipe
IMAGES = np.random.default_rng(1).integers(0, 256, (16, 8, 8, 3), np.uint8)


@pytest.fixture(scope="module")
def student() -> keras.Model:
    keras.utils.set_random_seed(3)
    inputs = keras.Input((8, 8, 3))
    features = layers.ReLU(name="first")(layers.Conv2D(16, 3)(inputs))
    features = layers.GlobalAveragePooling2D(name="pool")(layers.ReLU(name="second")(layers.Conv2D(32, 3)(features)))
    return keras.Model(inputs, layers.Dense(5, name="logits")(features))


@pytest.fixture(scope="module")
def files(student: keras.Model) -> dict[QuantizationRecipe, bytes]:
    """One file of each recipe, as it ships but for its metadata; of the mixed one the first layer is in float."""
    exact = to_float_litert(student).pack()
    ranges = activation_ranges(exact, IMAGES)
    first = next(layer for layer in layers_of(exact) if layer_of(layer) == "first")
    models = {
        RECIPES.FLOAT32: to_float_litert(student),
        RECIPES.FLOAT16: to_float_litert(student, FloatWeights.FLOAT16),
        RECIPES.DYNAMIC_INT8: to_float_litert(student, FloatWeights.INT8),
        RECIPES.INT8_PTQ: to_calibrated_int8_litert(student, IMAGES),
        RECIPES.INT16_ACTIVATIONS: to_int16_activations(exact, ranges),
        RECIPES.INT4_WEIGHTS: to_int8_activations(exact, ranges, MixedBase.INT4),
        RECIPES.MIXED: to_int8_activations(exact, ranges, MixedBase.INT8, [first]),
    }
    for model in models.values():
        add_byte_border(model)
    return {recipe: model.pack() for recipe, model in models.items()}


def test_a_file_of_its_recipe_has_no_other_operators(files: dict[QuantizationRecipe, bytes]) -> None:
    for recipe, model in files.items():
        better = ("first",) if recipe is RECIPES.MIXED else ()
        assert unexpected_operators(model, recipe, better) == (), recipe


def test_float_scores_of_an_int8_file_are_expected(files: dict[QuantizationRecipe, bytes]) -> None:
    model = UnpackedModel(files[RECIPES.INT8_PTQ])
    assert use_float_scores(model)
    assert unexpected_operators(model.pack(), RECIPES.INT8_PTQ) == ()


@pytest.mark.parametrize("recipe", [RECIPES.INT8_QAT, RECIPES.INT8_PTQ, RECIPES.INT4_WEIGHTS])
def test_a_layer_in_float_is_named(files: dict[QuantizationRecipe, bytes], recipe: QuantizationRecipe) -> None:
    found = unexpected_operators(files[RECIPES.MIXED], recipe)
    assert "CONV_2D (first)" in found
    assert any(name.startswith("DEQUANTIZE (") for name in found)
    assert unexpected_operators(files[RECIPES.MIXED], RECIPES.MIXED) == ("CONV_2D (first)",)


@pytest.mark.parametrize(
    ("of", "recipe", "expected"),
    [
        (RECIPES.FLOAT32, RECIPES.FLOAT16, {"CONV_2D (first)", "CONV_2D (second)", "FULLY_CONNECTED (logits)"}),
        # Kernels of less than 1,024 numbers are left in float32 by the converter, as documented.
        (RECIPES.FLOAT32, RECIPES.DYNAMIC_INT8, {"CONV_2D (second)"}),
        (RECIPES.FLOAT32, RECIPES.INT16_ACTIVATIONS, {"CONV_2D (first)", "CONV_2D (second)", "MEAN (pool)"}),
    ],
)
def test_weights_and_activations_in_other_numbers_are_named(
    files: dict[QuantizationRecipe, bytes], of: QuantizationRecipe, recipe: QuantizationRecipe, expected: set[str]
) -> None:
    assert expected <= set(unexpected_operators(files[of], recipe))


def test_sparse_weights_are_no_larger_ones(student: keras.Model) -> None:
    pruned = keras.models.clone_model(student)
    pruned.set_weights(
        [weights * (np.abs(weights) > np.quantile(np.abs(weights), 0.9)) for weights in student.get_weights()]
    )
    for weights, recipe in ((FloatWeights.FLOAT32, RECIPES.FLOAT32), (FloatWeights.FLOAT16, RECIPES.FLOAT16)):
        model = to_float_litert(pruned, weights, sparse_tensors=True)
        add_byte_border(model)
        assert unexpected_operators(model.pack(), recipe) == ()
