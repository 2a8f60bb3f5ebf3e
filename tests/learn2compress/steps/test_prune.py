from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from learn2compress.config import PruneConfig
from learn2compress.pruning import sparsity_of
from learn2compress.results.reports import EpochRecord
from learn2compress.steps.prune import prune_and_analyse
from learn2compress.steps.training_inputs import TrainingInputs

HISTORY = (EpochRecord("train", 1, 0.5, 0.9),)


def test_a_student_is_pruned_and_its_history_goes_on(opened: Callable[..., TrainingInputs], student: Any) -> None:
    prune = PruneConfig(sparsity_ratio=0.5, min_layer_weights=100, epochs=1)
    pruned = prune_and_analyse(opened(), student, "small", HISTORY, prune)
    assert sparsity_of(pruned.student.layers, 100) == pytest.approx(0.5, abs=0.02)
    assert [record.phase for record in pruned.history] == ["train", "prune"]
    assert pruned.sensitivity is None


def test_sensitivity_is_measured_on_request(opened: Callable[..., TrainingInputs], student: Any) -> None:
    prune = PruneConfig(sparsity_ratio=0.5, min_layer_weights=100, epochs=1, sensitivity=True)
    pruned = prune_and_analyse(opened(), student, "small", HISTORY, prune)
    assert pruned.sensitivity is not None
    assert pruned.sensitivity.student == "small"
