"""A family as a step leaves it: trained, measured, and read back as it was written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from learn2compress.config import FamilyConfig, StageConfig, TrainingConfig
from learn2compress.config.parsing import ConfigError
from learn2compress.steps.family import make_family, read_family, write_family_folder
from learn2compress.steps.training_inputs import TrainingInputs

LABELS = tuple("0123456789")
TRAINING = TrainingConfig(
    architecture="resnet",
    stages=(StageConfig(8), StageConfig(12)),
    epochs=4,
    learning_rate=0.01,
    validation_ratio=0.2,
)
FAMILY = FamilyConfig(widths=(0.5, 1.0), input_sizes=(6, 8))


def test_it_is_read_as_it_was_written_and_by_nobody_else(opened: Callable[..., TrainingInputs], tmp_path: Path) -> None:
    inputs = opened("family", TRAINING)
    trained = make_family(inputs, LABELS, FAMILY)
    assert trained.front.num_examples == 102
    assert len(trained.front.results) == 8
    assert trained.front.front[0].top_1 > 0.5
    assert sorted(trained.history) == ["w0.5_i8_exit2_1", "w1_i8_exit2_1"]
    write_family_folder(tmp_path / "family", trained)
    network, front = read_family(tmp_path / "family", inputs, FAMILY)
    assert front == trained.front
    images = np.random.default_rng(0).random((2, 8, 8, 1), np.float32)
    for name, logits in trained.network.whole(images).items():
        np.testing.assert_array_equal(network.whole(images)[name], logits)
    with pytest.raises(ConfigError, match="found the weights of another family"):
        read_family(tmp_path / "family", inputs, FamilyConfig(widths=(0.5, 0.75, 1.0)))


def test_too_few_examples_to_compare_by_are_refused_before_anything_is_trained(
    opened: Callable[..., TrainingInputs],
) -> None:
    with pytest.raises(ConfigError, match=r"search\.family: found 0 labelled examples kept back"):
        make_family(opened(), LABELS, FAMILY)
