"""A student is picked by its budget, with weights of its own and a record that says what it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from learn2compress.config import BudgetConfig, FamilyConfig, StageConfig, StudentConfig, TaskConfig, TrainingConfig
from learn2compress.config.parsing import ConfigError
from learn2compress.families.network import build_family
from learn2compress.results.sub_networks import FamilyFront, SubNetworkResult
from learn2compress.steps.family import TrainedFamily, write_family_folder
from learn2compress.steps.pick import pick_student
from learn2compress.steps.training_inputs import TrainingInputs

LABELS = tuple("0123456789")
TRAINING = TrainingConfig(architecture="resnet", stages=(StageConfig(8), StageConfig(12)), validation_ratio=0.2)
FAMILY = FamilyConfig(widths=(0.5, 1.0), input_sizes=(6, 8))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A family that nobody trained, and figures that nobody measured: the later sub-networks the better and larger."""
    network = build_family(TaskConfig(), 10, TRAINING, FAMILY)
    names = sorted((one for one, _, _ in network.sub_networks()), key=lambda one: (one.width, one.stage))
    results = [SubNetworkResult(one, n / 10, n * 100, n * 1000, n * 100) for n, one in enumerate(names, start=1)]
    write_family_folder(tmp_path / "family", TrainedFamily(network, {}, FamilyFront(102, tuple(results[::-1]))))
    return tmp_path / "family"


def test_it_is_the_most_accurate_within_the_budget(opened: Callable[..., TrainingInputs], folder: Path) -> None:
    inputs = opened("small", TRAINING)
    small = StudentConfig("small", budget=BudgetConfig(max_model_bytes=250))
    student, (record,) = pick_student(inputs, LABELS, folder, FAMILY, small)
    assert (record.phase, record.epoch, record.loss, record.returned) == ("pick", 1, None, True)
    assert "picked from a family: width 0.5, stage 1 block 1 at 6 pixels" in record.note
    assert "with an accuracy of 0.2000 on 102 examples kept back" in record.note
    assert record.validation_top_1 is not None
    assert student.name == "small"
    assert student(np.zeros((2, 8, 8, 1), np.float32)).shape == (2, 10)
    # No latency is measured twice alike: a resumed step has what was picked first.
    other = StudentConfig("small", budget=BudgetConfig(max_model_bytes=800))
    assert pick_student(inputs, LABELS, folder, FAMILY, other)[1] == (record,)


def test_a_latency_is_measured_on_this_machine(opened: Callable[..., TrainingInputs], folder: Path) -> None:
    slow = StudentConfig("slow", budget=BudgetConfig(max_latency_ms=10_000.0))
    _, (record,) = pick_student(opened("slow", TRAINING), LABELS, folder, FAMILY, slow)
    assert "width 1, stage 2 block 1" in record.note


def test_a_budget_that_nothing_is_within_is_refused(opened: Callable[..., TrainingInputs], folder: Path) -> None:
    none = StudentConfig("none", budget=BudgetConfig(max_macs=10))
    with pytest.raises(ConfigError, match=r"students\.none\.budget: found max_macs 10, .* the closest, width 0.5"):
        pick_student(opened("none", TRAINING), LABELS, folder, FAMILY, none)
