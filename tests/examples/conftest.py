"""The examples' modules, imported as their scripts import them, and small images to train on."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="session")
def example() -> Iterator[Callable[[str], ModuleType]]:
    """Imports a module from the folder of examples."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(EXAMPLES)
        yield importlib.import_module


@pytest.fixture(scope="session")
def digits(example: Callable[[str], ModuleType]) -> Any:
    """The bundled digits, enlarged to 16 x 16 pixels of three unlike channels."""
    found = load_digits()
    grey = np.kron(found.images, np.ones((1, 2, 2)))[..., None] * 15.9
    images = np.concatenate([grey, 255 - grey, grey / 2], -1).astype(np.uint8)
    return example("teachers.learners").Examples(images, found.target.astype(np.int64))
