"""Tests of `examples/teachers/training.py`: what is killed and resumed ends as what was left alone."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from learn2compress.config import InputScaling, Precision
from learn2compress.training.checkpoint import Checkpoint
from learn2compress.training.loop import make_deterministic

EPOCHS = 4


class Killed(Exception):
    """Stands for the end of the process."""


class KillingCheckpoint(Checkpoint):
    """Ends the training when two epochs are saved."""

    def save(self, variables: Any, history: Any) -> None:
        super().save(variables, history)
        if len(history["teacher"]) == 2:
            raise Killed


@pytest.fixture
def part(example: Callable[[str], ModuleType], digits: Any) -> Any:
    return example("teachers.learners").Examples(digits.inputs[:400], digits.labels[:400])


@pytest.fixture
def learners(example: Callable[[str], ModuleType], part: Any) -> dict[str, Callable[[], tuple[Any, Any]]]:
    """Makes a learner, and its length, as a new process does."""
    module = example("teachers.learners")

    def whitened() -> tuple[Any, Any]:
        make_deterministic(3)
        recipe = dataclasses.replace(
            example("teachers.recipes").RECIPES["airbench96"],
            widths=(8, 8, 8),
            epochs=EPOCHS,
            batch_size=100,
            shift_pixels=2,
            cutout_pixels=5,
            flip=True,
            sizes=(12,),
        )
        length = module.Length.of(len(part), EPOCHS, recipe.batch_size)
        images = part.inputs.astype(np.float32) / 255.0
        network = example("teachers.whitened_networks").build_for_training(recipe, images, 10)
        return module.WhitenedLearner(network, InputScaling(), Precision.BFLOAT16, length, recipe, 3), length

    def general() -> tuple[Any, Any]:
        make_deterministic(3)
        length = module.Length.of(len(part), EPOCHS, 100)
        network = example("teachers.general_networks").build_residual((16, 16, 3), 10, width=4, flip=True)
        return module.AdamWLearner(network, InputScaling(), Precision.FLOAT32, length, 0.01), length

    return {"whitened": whitened, "general": general}


@pytest.mark.parametrize("kind", ["whitened", "general"])
def test_a_killed_training_is_resumed_to_the_same_weights(
    kind: str,
    learners: dict[str, Callable[[], tuple[Any, Any]]],
    part: Any,
    example: Callable[[str], ModuleType],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    train = example("teachers.training").train
    undisturbed, length = learners[kind]()
    history = train(undisturbed, part, part, length, 3, Checkpoint(tmp_path / "undisturbed"))
    assert len(history) == EPOCHS
    killed, _ = learners[kind]()
    with pytest.raises(Killed):
        train(killed, part, part, length, 3, KillingCheckpoint(tmp_path / "killed"))
    resumed, _ = learners[kind]()
    capsys.readouterr()
    assert train(resumed, part, part, length, 3, Checkpoint(tmp_path / "killed")) == history
    assert "resumed after epoch 2 of 4" in capsys.readouterr().out
    changed = [not np.array_equal(a, b) for a, b in zip(killed.variables, resumed.variables, strict=True)]
    assert any(changed), "two epochs changed nothing"
    for found, wanted in zip(resumed.variables, undisturbed.variables, strict=True):
        np.testing.assert_array_equal(found, wanted)


def test_a_training_is_named_by_settings_and_examples(example: Callable[[str], ModuleType], part: Any) -> None:
    name = example("teachers.training").training_name
    recipe = example("teachers.recipes").RECIPES["airbench94"]
    other = dataclasses.replace(part, labels=part.labels[::-1])
    names = {
        name({"recipe": recipe, "seed": 1}, part),
        name({"recipe": recipe, "seed": 2}, part),
        name({"recipe": dataclasses.replace(recipe, epochs=3), "seed": 1}, part),
        name({"recipe": recipe, "seed": 1}, other),
    }
    assert len(names) == 4
    assert name({"recipe": recipe, "seed": 1}, part) in names
