"""Layers that hurt have the higher precision, until the accuracy budget or the size is used up."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import pytest

from learn2compress.config import MixedBase, QuantizationRecipe, QuantizeConfig
from learn2compress.litert.interpreter import predict
from learn2compress.litert.rewrite import UnpackedModel
from learn2compress.litert.tensors import activation_ranges
from learn2compress.quantization.choice_sample import TrainingSample
from learn2compress.quantization.convert import to_float_litert
from learn2compress.quantization.mixed_precision import MixedPrecisionFile, mixed_precision
from learn2compress.students.layer_decomposition import decompose_layers

BUDGETS = {MixedBase.INT8: 0.1, MixedBase.INT4: 0.3}


@pytest.fixture(scope="module")
def float_model(digits_student: keras.Model) -> bytes:
    return to_float_litert(decompose_layers(digits_student)).pack()


@pytest.fixture(scope="module")
def make(float_model: bytes, digits_sample: TrainingSample) -> Callable[..., MixedPrecisionFile]:
    ranges = activation_ranges(float_model, digits_sample.inputs[:64])

    def made(accuracy_budget: float, max_bytes: int | None = None) -> MixedPrecisionFile:
        config = QuantizeConfig(
            recipe=QuantizationRecipe.MIXED,
            mixed_base=MixedBase.INT4,
            accuracy_budget=accuracy_budget,
            max_bytes=max_bytes,
        )
        return mixed_precision(float_model, ranges, digits_sample, config, UnpackedModel.pack)

    return made


@pytest.fixture(scope="module")
def generous(make: Callable[..., MixedPrecisionFile]) -> MixedPrecisionFile:
    """All layers with int4 weights."""
    return make(0.5)


@pytest.fixture(scope="module")
def strict(make: Callable[..., MixedPrecisionFile]) -> MixedPrecisionFile:
    """As accurate as the float file."""
    return make(0.0)


def test_the_most_sensitive_layers_are_better_until_the_budget_is_met(
    generous: MixedPrecisionFile, strict: MixedPrecisionFile, float_model: bytes, digits_sample: TrainingSample
) -> None:
    errors = [layer.error for layer in strict.sensitivities]
    assert errors == sorted(errors, reverse=True)
    better = [layer.is_better for layer in strict.sensitivities]
    assert any(better)
    assert better == sorted(better, reverse=True)
    found, wanted = (
        digits_sample.top_1(predict(model, digits_sample.inputs)) for model in (strict.model_bytes, float_model)
    )
    assert found >= wanted or all(better)
    assert not any(layer.is_better for layer in generous.sensitivities)
    assert len(strict.model_bytes) > len(generous.model_bytes)


def test_the_file_stays_below_its_size(
    generous: MixedPrecisionFile, strict: MixedPrecisionFile, make: Callable[..., MixedPrecisionFile]
) -> None:
    limit = len(generous.model_bytes) + 400
    bounded = make(0.0, limit)
    assert len(bounded.model_bytes) <= limit < len(strict.model_bytes)
    assert f"would have made the file larger than {limit} bytes" in bounded.reason


def test_the_bytes_are_those_of_the_model(strict: MixedPrecisionFile) -> None:
    assert strict.model.pack() == strict.model_bytes


@pytest.mark.parametrize("base", list(MixedBase))
def test_ties_of_uint8_scores_cost_no_layer(base: MixedBase) -> None:
    """A hundred classes whose scores a temperature makes so unsure that many tie in steps of 1/256."""
    inputs = np.random.default_rng(0).integers(0, 256, (400, 8, 8, 1), np.uint8)

    def made(temperature: float) -> MixedPrecisionFile:
        keras.utils.set_random_seed(4)
        source = keras.Input((8, 8, 1))
        hidden = keras.layers.ReLU()(keras.layers.Dense(64)(keras.layers.Flatten()(source)))
        student = keras.Model(source, keras.layers.Dense(100, name="logits")(hidden))
        dense = student.get_layer("logits")
        dense.set_weights([weights * 8.0 / temperature for weights in dense.get_weights()])
        labels = student.predict(inputs / 255.0, verbose=0).argmax(axis=1)
        float_model = to_float_litert(decompose_layers(student)).pack()
        config = QuantizeConfig(recipe=QuantizationRecipe.MIXED, mixed_base=base, accuracy_budget=BUDGETS[base])
        ranges = activation_ranges(float_model, inputs[:64])
        return mixed_precision(float_model, ranges, TrainingSample(inputs, labels), config, UnpackedModel.pack)

    sure, unsure = made(1.0), made(8.0)
    assert {layer.layer for layer in unsure.sensitivities if layer.is_better} == {
        layer.layer for layer in sure.sensitivities if layer.is_better
    }
    assert len(unsure.model_bytes) == len(sure.model_bytes)
    assert unsure.reason == sure.reason
