"""Every family with every way of sharing, small enough to build in a second."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import pytest

from learn2compress.config import (
    Sharing,
    StageConfig,
    StudentConfig,
    TaskConfig,
    TaskKind,
    TextFeatures,
    TrainingConfig,
)
from learn2compress.students.joint import build_joint_network

NUM_CLASSES = 5
STAGES = (StageConfig(8, 1), StageConfig(12, 2), StageConfig(16, 1))
DEPTHS = (StudentConfig("large", 3), StudentConfig("medium", 2), StudentConfig("small", 1))
WIDTHS = (StudentConfig("large", 2), StudentConfig("medium", 3, 0.75), StudentConfig("small", 2, 0.5))
STUDENTS = {Sharing.PREFIX: DEPTHS, Sharing.WIDTH: WIDTHS, Sharing.HYBRID: WIDTHS}
IMAGES = TaskConfig(input_shape=(8, 6, 3))
TEXTS = TaskConfig(TaskKind.TEXT, (64,))
WORDS = TaskConfig(TaskKind.TEXT, (12,), TextFeatures.HASHED_WORDS)
FAMILIES = {
    "residual": IMAGES,
    "resnet": IMAGES,
    "mobilenet": IMAGES,
    "nasnet": IMAGES,
    "projection": TEXTS,
    "embedding": WORDS,
}


@pytest.fixture(scope="session")
def joint_network() -> Callable[..., keras.Model]:
    """Makes a joint network whose weights and statistics are all different from their first values."""

    def make(family: str, sharing: Sharing) -> keras.Model:
        training = TrainingConfig(architecture=family, sharing=sharing, stages=STAGES)
        keras.utils.set_random_seed(1)
        network = build_joint_network(FAMILIES[family], NUM_CLASSES, training, STUDENTS[sharing])
        random = np.random.default_rng(2)
        for variable in network.variables:
            variable.assign(variable + random.uniform(0.0, 0.2, variable.shape).astype(np.float32))
        return network

    return make
