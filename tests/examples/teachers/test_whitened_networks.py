"""Tests of `examples/teachers/whitened_networks.py`."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import keras
import numpy as np
import pytest

from learn2compress.config import TaskConfig, TeacherConfig
from learn2compress.litert.interpreter import predict
from learn2compress.teachers.loading import load_teacher
from learn2compress.teachers.safety import TeacherFormat, check_teacher

NAMES = ("airbench94", "airbench95", "airbench96", "resnet18")


@pytest.fixture
def build(example: Callable[[str], ModuleType], digits: Any) -> Callable[[str], tuple[Any, keras.Model]]:
    """Builds a network of few channels for training, and returns its recipe with it."""

    def make(name: str) -> tuple[Any, keras.Model]:
        recipe = example("teachers.recipes").RECIPES[name]
        recipe = dataclasses.replace(recipe, widths=tuple(8 + 4 * place for place in range(len(recipe.widths))))
        images = digits.inputs[:200].astype(np.float32) / 255.0
        return recipe, example("teachers.whitened_networks").build_for_training(recipe, images, 10)

    return make


@pytest.mark.parametrize("name", NAMES)
def test_what_is_saved_computes_the_same_and_is_accepted_and_converts(
    name: str,
    build: Callable[[str], tuple[Any, keras.Model]],
    example: Callable[[str], ModuleType],
    digits: Any,
    tmp_path: Path,
) -> None:
    recipe, network = build(name)
    saved = example("teachers.whitened_networks").build_to_save(recipe, network, (16, 16, 3))
    path = tmp_path / "teacher.keras"
    saved.save(path)
    assert check_teacher(path) is TeacherFormat.KERAS
    teacher = load_teacher([path], TeacherConfig(str(path)), TaskConfig(input_shape=(16, 16, 3)), 10)
    wanted = network(digits.inputs[:5].astype(np.float32) / 255.0).numpy()
    assert wanted.std() > 1e-3
    np.testing.assert_allclose(teacher.logits(digits.inputs[:5]), wanted, atol=1e-4)
    model = teacher.to_litert()
    assert model is not None
    np.testing.assert_allclose(predict(model, digits.inputs[:5], input_scale=1.0), wanted, atol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_convolutions_begin_as_the_identity_and_the_first_whitens(
    name: str, build: Callable[[str], tuple[Any, keras.Model]], digits: Any
) -> None:
    _, network = build(name)
    images = digits.inputs[:200].astype(np.float32) / 255.0
    convolutions = [layer for layer in network.layers if isinstance(layer, keras.layers.Conv2D)]
    whitened = convolutions[0](images).numpy().reshape(-1, 24)[:, :12]
    covariance = np.cov(whitened.T)
    assert np.abs(covariance - np.diag(np.diag(covariance))).max() < 1e-2
    assert covariance.diagonal().max() == pytest.approx(1.0, abs=0.01)
    assert len(convolutions) > 6
    for convolution in convolutions[1:]:
        features = np.random.default_rng(4).random((2, 6, 6, convolution.input.shape[-1])).astype(np.float32)
        num_passed = min(features.shape[-1], convolution.filters)
        stride = convolution.strides[0]
        passed = convolution(features).numpy()[..., :num_passed]
        # With strides, "same" padding has its extra row at the end alone.
        kept = features[:, stride - 1 :: stride, stride - 1 :: stride, :num_passed]
        np.testing.assert_allclose(passed, kept, atol=1e-6)


def test_images_of_any_size_are_taken_in_training(build: Callable[[str], tuple[Any, keras.Model]]) -> None:
    for name in NAMES:
        _, network = build(name)
        for side in (12, 16, 19):
            assert network(np.zeros((2, side, side, 3), np.float32)).shape == (2, 10)


@pytest.mark.parametrize("name", NAMES)
def test_the_smallest_image_is_the_smallest(
    name: str, build: Callable[[str], tuple[Any, keras.Model]], example: Callable[[str], ModuleType]
) -> None:
    recipe, network = build(name)
    networks = example("teachers.whitened_networks")
    side = networks.smallest_side(recipe)
    assert networks.build_to_save(recipe, network, (side, side, 3)).output.shape == (None, 10)
    with pytest.raises(ValueError, match=r"[Oo]utput|shape|size"):
        networks.build_to_save(recipe, network, (side - 1, side - 1, 3))


def test_sizes_are_those_that_the_recipes_are_for(example: Callable[[str], ModuleType]) -> None:
    images = np.random.default_rng(1).random((4, 32, 32, 3)).astype(np.float32)
    networks = example("teachers.whitened_networks")
    parameters, macs = {}, {}
    for name in NAMES:
        recipe = example("teachers.recipes").RECIPES[name]
        saved = networks.build_to_save(recipe, networks.build_for_training(recipe, images, 10), (32, 32, 3))
        parameters[name] = saved.count_params()
        layers = [layer for layer in saved.layers if isinstance(layer, keras.layers.Conv2D)]
        macs[name] = sum(math.prod(layer.kernel.shape) * math.prod(layer.output.shape[1:3]) for layer in layers)
    assert parameters["airbench94"] == pytest.approx(2.0e6, rel=0.05)
    assert parameters["resnet18"] == pytest.approx(11.2e6, rel=0.05)
    assert macs["resnet18"] == pytest.approx(556e6, rel=0.1)
    assert 4 * min(parameters["airbench96"], parameters["resnet18"]) > 30_000_000, "bytes of the large ones"
