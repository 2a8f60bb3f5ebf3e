"""Tests of `examples/teachers/recipes.py`."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from types import ModuleType

import pytest


def test_statistics_forget_as_fast_per_example_whatever_the_batch(example: Callable[[str], ModuleType]) -> None:
    recipe = example("teachers.recipes").RECIPES["airbench94"]
    kept = {
        size: dataclasses.replace(recipe, batch_size=size).batch_normalization_momentum ** (1024 // size)
        for size in (1024, 512, 128)
    }
    assert list(kept.values()) == pytest.approx([0.6, 0.6, 0.6])
