"""Discs of three colours, a teacher that knows them, and one family that was compressed of it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

NAMES = ("blue", "green", "red")
SETTINGS: dict[str, Any] = {
    "training": {"epochs": 2},
    "prune": {"epochs": 1},
    "quantize": {"epochs": 1},
    "evaluate": {"latency_rounds": 3, "threads": []},
}
STUDENTS = {"large": "40 kB", "small": 20_000}


@dataclass(frozen=True)
class Discs:
    """Images uint8 `[n, 16, 16, 3]`, and the index of each one's colour in `NAMES`."""

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]


def _draw(count: int, seed: int) -> Discs:
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[:16, :16]
    images = random.integers(0, 60, (count, 16, 16, 3))
    labels = random.integers(0, 3, count)
    for image, label in zip(images, labels, strict=True):
        middle = random.uniform(5, 11, 2)
        inside = (rows - middle[0]) ** 2 + (columns - middle[1]) ** 2 < random.uniform(9, 20)
        image[inside, 2 - label] += random.integers(120, 190)
    return Discs(images.astype(np.uint8), labels)


@pytest.fixture(scope="session")
def discs() -> Discs:
    return _draw(400, 1)


@pytest.fixture(scope="session")
def others() -> Discs:
    """Further discs, to measure with."""
    return _draw(120, 2)


@pytest.fixture(scope="session")
def chosen_by() -> Discs:
    """Still others, to choose by."""
    return _draw(90, 3)


@pytest.fixture(scope="session")
def teacher(discs: Discs) -> Any:
    """A network that takes pixels of 0..1."""
    import keras

    keras.utils.set_random_seed(3)
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((16, 16, 3)),
            layers.Conv2D(8, 3, strides=2, activation="relu"),
            layers.GlobalMaxPooling2D(),
            layers.Dense(3),
        ]
    )
    model.compile(keras.optimizers.Adam(0.02), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(discs.images / 255, discs.labels, epochs=8, verbose=0)
    return model


@pytest.fixture(scope="session")
def compressed(teacher: Any, discs: Discs, others: Discs) -> Callable[..., Any]:
    """Compresses the teacher."""
    import learn2compress as l2c

    def compress(checkpoint: Path | None = None, **changes: Any) -> Any:
        return l2c.compress(
            teacher,
            (discs.images / 255, discs.labels),
            (others.images / 255, others.labels),
            students=STUDENTS,
            checkpoint=checkpoint,
            class_names=NAMES,
            **(SETTINGS | changes),
        )

    return compress


@pytest.fixture(scope="session")
def finished(
    compressed: Callable[..., Any], shared_folder: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Any]:
    """A folder of this process with what one call left, and what it returned: one call for all processes."""
    returned: list[Any] = []
    left = shared_folder("compressed", lambda folder: returned.append(compressed(folder)))
    # One process at a time may use a checkpoint's folder.
    own = tmp_path_factory.mktemp("compressed") / "checkpoint"
    shutil.copytree(left, own)
    return own, returned[0] if returned else compressed(own)


@pytest.fixture(scope="session")
def checkpoint(finished: tuple[Path, Any]) -> Path:
    """The folder that has the results of `family`."""
    return finished[0]


@pytest.fixture(scope="session")
def family(finished: tuple[Path, Any]) -> Any:
    return finished[1]


@pytest.fixture
def heard() -> Any:
    """What was reported while the test ran."""
    from learn2compress import progress

    found: list[progress.Progress] = []
    with progress.listening(found.append):
        yield found
