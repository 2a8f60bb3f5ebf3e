"""Settings of the joint training that contradict one another."""

from __future__ import annotations

import pytest

from learn2compress.config import TrainingConfig
from learn2compress.config.parsing import ConfigError, parse


def test_early_stopping_without_examples_to_decide_by_is_refused() -> None:
    with pytest.raises(ConfigError, match="early_stopping_epochs: found 3 with a validation_ratio of 0"):
        parse(TrainingConfig, {"early_stopping_epochs": 3, "validation_ratio": 0.0})
    assert parse(TrainingConfig, {"early_stopping_epochs": 3}).early_stopping_epochs == 3
    assert parse(TrainingConfig, {"validation_ratio": 0.0}).validation_ratio == 0.0
