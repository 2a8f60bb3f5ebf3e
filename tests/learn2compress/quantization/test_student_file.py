"""The file that ships says whose it is, and computes what it computed."""

from __future__ import annotations

import dataclasses

import keras
import numpy as np
import pytest

from learn2compress import __version__
from learn2compress.config import QuantizationRecipe, TaskConfig
from learn2compress.config.parsing import ConfigError
from learn2compress.litert.interpreter import predict
from learn2compress.litert.metadata import read_metadata
from learn2compress.litert.rewrite import UnpackedModel
from learn2compress.quantization.convert import to_float_litert
from learn2compress.quantization.student_file import StudentDescription, pack_student_file

DESCRIPTION = StudentDescription("birds", "small", ("owl", "wren"), TaskConfig(input_shape=(4, 4, 1)))


@pytest.fixture
def model() -> UnpackedModel:
    inputs = keras.Input((4, 4, 1))
    return to_float_litert(keras.Model(inputs, keras.layers.Dense(2)(keras.layers.Flatten()(inputs))))


def test_a_file_names_family_student_format_and_classes(model: UnpackedModel) -> None:
    metadata = read_metadata(pack_student_file(model, QuantizationRecipe.FLOAT16, DESCRIPTION))
    assert (metadata.name, metadata.version, metadata.labels) == ("birds small", __version__, ("owl", "wren"))
    assert metadata.description == "Student 'small' of the family 'birds', compressed to float16 weights."


def test_a_file_says_whom_to_ask_and_its_licence(model: UnpackedModel) -> None:
    owned = dataclasses.replace(DESCRIPTION, contact="vision@example.org", license="Apache-2.0")
    metadata = read_metadata(pack_student_file(model, QuantizationRecipe.FLOAT32, owned))
    assert (metadata.author, metadata.license) == ("vision@example.org", "Apache-2.0")
    unowned = read_metadata(pack_student_file(model, QuantizationRecipe.FLOAT32, DESCRIPTION))
    assert (unowned.author, unowned.license) == ("", "")


@pytest.mark.parametrize("recipe", QuantizationRecipe)
def test_every_recipe_has_words(model: UnpackedModel, recipe: QuantizationRecipe) -> None:
    assert read_metadata(pack_student_file(model, recipe, DESCRIPTION)).description.endswith(".")


def test_metadata_change_no_score(model: UnpackedModel) -> None:
    images = np.random.default_rng(0).integers(0, 256, (20, 4, 4, 1), np.uint8)
    before = predict(model.pack(), images)
    np.testing.assert_array_equal(
        predict(pack_student_file(model, QuantizationRecipe.FLOAT32, DESCRIPTION), images), before
    )


def test_a_model_that_is_packed_twice_has_its_metadata_once(model: UnpackedModel) -> None:
    once, again = (pack_student_file(model, QuantizationRecipe.FLOAT32, DESCRIPTION) for _ in range(2))
    assert once == again


def test_a_description_of_another_model_is_refused(model: UnpackedModel) -> None:
    other = StudentDescription("birds", "small", ("owl", "wren", "crow"), DESCRIPTION.task)
    with pytest.raises(ConfigError, match="labels: found 3, accepted are 2"):
        pack_student_file(model, QuantizationRecipe.FLOAT32, other)
