"""What a run with the teacher's network as a student is told before anything is trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import pytest

from learn2compress.config import (
    CompressionConfig,
    PruneConfig,
    PruneMethod,
    QuantizationRecipe,
    QuantizeConfig,
    StudentConfig,
    StudentNetwork,
    TaskConfig,
    TeacherConfig,
    TeacherMemberConfig,
)
from learn2compress.config.parsing import ConfigError
from learn2compress.steps.own_student_checks import check_own_students, check_recurrent
from learn2compress.teachers.loading import load_member
from learn2compress.teachers.network import Member

layers = keras.layers


def member_of(folder: Path, *hidden: keras.layers.Layer) -> Member:
    model = keras.Sequential([keras.Input((8, 8, 1)), *hidden, layers.Dense(10, name="head")])
    path = folder / "teacher.keras"
    model.save(path)
    return load_member(path, TeacherMemberConfig(str(path)), TaskConfig(), 10)


def told(member: Member, **changes: Any) -> tuple[str, ...]:
    own = StudentConfig("own", network=StudentNetwork.TEACHER)
    return check_own_students(CompressionConfig("digits", TeacherConfig("t.keras"), (own,), **changes), member)


def test_nothing_is_said_of_a_network_that_everything_is_known_of(tmp_path: Path) -> None:
    convolution = (layers.Conv2D(16, 3, activation="relu"), layers.Flatten())
    assert told(member_of(tmp_path, *convolution), prune=PruneConfig(sparsity_ratio=0.5)) == ()


def test_the_layer_that_8_bit_training_does_not_know_is_named_with_what_works(tmp_path: Path) -> None:
    member = member_of(tmp_path, layers.Flatten(), layers.LayerNormalization(name="norm"))
    (sentence,) = told(member, prune=PruneConfig(sparsity_ratio=0.5))
    assert sentence.startswith("student own can't be trained in 8 bits: layer 'norm': found LayerNormalization")
    assert sentence.endswith("ships int8 by calibration instead, as 'int8_ptq' does; 'float16' takes every layer")
    assert told(member, quantize=QuantizeConfig(QuantizationRecipe.FLOAT16)) == ()


def test_a_network_without_channels_to_remove_is_told(tmp_path: Path) -> None:
    prune = PruneConfig(method=PruneMethod.CHANNELS, sparsity_ratio=0.5)
    (sentence,) = told(member_of(tmp_path, layers.Flatten()), prune=prune)
    assert sentence.startswith("student own will not be pruned: it has no channels that can be removed")


@pytest.mark.parametrize("recipe", [QuantizationRecipe.INT8_QAT, QuantizationRecipe.INT8_PTQ, QuantizationRecipe.MIXED])
def test_recipes_that_are_calibrated_are_refused_for_recurrent_layers(
    recipe: QuantizationRecipe, tmp_path: Path
) -> None:
    member = member_of(tmp_path, layers.Reshape((8, 8)), layers.LSTM(4, name="memory"))
    line = rf"students.own.quantize.recipe: found {recipe.value} for a network with LSTM layer 'memory', accepted are "
    with pytest.raises(ConfigError, match=line + "float32, float16, dynamic_int8: "):
        told(member, quantize=QuantizeConfig(recipe))
    float16 = QuantizeConfig(QuantizationRecipe.FLOAT16)
    assert told(member, quantize=float16, prune=PruneConfig(sparsity_ratio=0.0)) == ()


def test_networks_without_recurrent_layers_take_every_recipe(tmp_path: Path) -> None:
    model = member_of(tmp_path, layers.Flatten()).network.model
    check_recurrent(model, "own", list(QuantizationRecipe))
