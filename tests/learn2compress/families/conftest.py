"""A small family on the digits."""

from __future__ import annotations

import pytest

from learn2compress.config import FamilyConfig, StageConfig, TaskConfig, TrainingConfig
from learn2compress.families.network import FamilyNetwork, build_family

TRAINING = TrainingConfig(
    architecture="resnet", stages=(StageConfig(8), StageConfig(12, 2)), epochs=4, learning_rate=0.01, batch_size=64
)
FAMILY = FamilyConfig(widths=(0.5, 1.0), input_sizes=(6, 8), joins_after_ratio=0.25)


@pytest.fixture(scope="session")
def training() -> TrainingConfig:
    return TRAINING


@pytest.fixture(scope="session")
def family() -> FamilyConfig:
    return FAMILY


@pytest.fixture
def network() -> FamilyNetwork:
    return build_family(TaskConfig(), 10, TRAINING, FAMILY)
