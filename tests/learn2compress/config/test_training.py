"""Settings of the joint training."""

from __future__ import annotations

from typing import Any

import pytest

from learn2compress.config import AugmentConfig, Optimizer, PretrainedConfig, TrainingConfig
from learn2compress.config.parsing import ConfigError, parse, to_dict
from learn2compress.config.training import MAX_VALIDATION_EXAMPLES, OWN_ARCHITECTURES


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"stages": []}, "stages: accepts 1 to 32 stages, found 0"),
        (
            {"architecture": "transformer"},
            "architecture: found 'transformer', accepted are the installed architectures",
        ),
        ({"sharing": "hybrid", "shared_stages": 3}, "shared_stages: found 3, accepted is 1 to 2: a branch needs a"),
        (
            {"sharing": "width", "pretrained": {"uri": "m.h5", "exits": ["a"]}},
            "sharing: found 'width' with a pretrained trunk, accepted is 'prefix'",
        ),
        (
            {"augment": {"mixup_alpha": 1.0, "cutmix_alpha": 1.0}},
            "augment: found mixup_alpha and cutmix_alpha, accepted is one of them",
        ),
        ({"optimizer": "adam"}, "optimizer: found \"adam\", accepted: 'adamw' or 'sgd'"),
        ({"momentum": 1.0}, "momentum: found 1.0, accepted: less than 1"),
        ({"batch_norm_bias_rate": 0.0}, "batch_norm_bias_rate: found 0.0, accepted: greater than 0"),
        ({"lookahead_steps": 0}, "lookahead_steps: found 0, accepted: greater than or equal to 1"),
        ({"lookahead_decay": 1.0}, "lookahead_decay: found 1.0, accepted: less than 1"),
        ({"batch_size": 8}, "batch_size: found 8, accepted: greater than or equal to 16"),
        ({"distillation": {"temperature": 0.0}}, "distillation.temperature: found 0.0"),
        (
            {"distillation": {"exits_weight": 0.5, "weight": 0.0}},
            "distillation: exits_weight: found 0.5 with a weight of 0, accepted is 0, or a weight above 0",
        ),
        (
            {"unshared_ratio": 0.1, "epochs": 9},
            "unshared_ratio: found 0.1 of 9 epochs, which is less than one, accepted is 0, or 0.112 or more",
        ),
        ({"unshared_ratio": 1.0}, "unshared_ratio: found 1.0"),
        ({"distillation": {"exits_weight": 1.5}}, "distillation.exits_weight: found 1.5"),
    ],
)
def test_what_can_not_be_trained_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(TrainingConfig, settings)
    assert str(caught.value).startswith(message)
    assert "more:" not in str(caught.value)


def test_the_learning_rate_left_out_is_that_of_the_optimizer() -> None:
    assert parse(TrainingConfig, {}).learning_rate == 0.003
    assert parse(TrainingConfig, {"optimizer": "sgd"}).learning_rate == 0.2
    assert parse(TrainingConfig, {"learning_rate": 0.25, "optimizer": "sgd"}).learning_rate == 0.25
    # What is recorded says what was used.
    assert to_dict(TrainingConfig(optimizer=Optimizer.SGD))["learning_rate"] == 0.2


@pytest.mark.parametrize("name", [name for names in OWN_ARCHITECTURES.values() for name in names])
def test_our_own_architectures_are_installed(name: str) -> None:
    assert parse(TrainingConfig, {"architecture": name}).architecture == name


def test_the_deepest_student_has_all_stages_or_all_exits() -> None:
    assert TrainingConfig().num_stages == 3
    assert TrainingConfig(pretrained=PretrainedConfig("m.keras", ("a", "b"))).num_stages == 2


@pytest.mark.parametrize(
    ("num_train", "num_validation"),
    # A share of the examples, but not so few that they say nothing, and not more than say enough.
    [(0, 0), (980, 0), (1000, 50), (10_000, 500), (20_000, MAX_VALIDATION_EXAMPLES), (10**6, MAX_VALIDATION_EXAMPLES)],
)
def test_some_examples_are_kept_from_training(num_train: int, num_validation: int) -> None:
    assert TrainingConfig().num_validation(num_train) == num_validation


@pytest.mark.parametrize(
    ("batch_size", "num_train", "expected", "is_said"),
    # What is configured holds, however few there are.
    [(None, 4999, 32, True), (None, 5000, 64, False), (64, 100, 64, False), (16, 10**6, 16, False)],
)
def test_few_examples_make_smaller_steps_unless_configured(
    batch_size: int | None, num_train: int, expected: int, is_said: bool
) -> None:
    training = TrainingConfig(batch_size=batch_size)
    assert training.batch_size_for(num_train) == expected
    sentence = training.why_fewer_a_step(num_train)
    assert (sentence is not None) == is_said
    assert sentence is None or sentence.startswith("4,999 training examples are fewer than 5,000: 32 a step instead")


@pytest.mark.parametrize(
    ("num_labelled", "ratio", "num_validation"),
    # 50 labelled ones at least, found among as many unlabelled ones as there are for each.
    [(400, 0.05, 0), (400, 0.25, 5000), (4000, 0.05, 1000), (20_000, 0.05, MAX_VALIDATION_EXAMPLES)],
)
def test_among_few_labels_more_examples_are_kept_back(num_labelled: int, ratio: float, num_validation: int) -> None:
    found = TrainingConfig(validation_ratio=ratio).num_validation(20_000, 20_000 - num_labelled)
    assert found == num_validation


def test_augmentation_knows_whether_it_changes_and_whether_it_mixes() -> None:
    found = {
        name: (augment.is_active, augment.mixes)
        for name, augment in {
            "none": AugmentConfig(),
            "flip": AugmentConfig(flip=True),
            "mixup": AugmentConfig(mixup_alpha=0.2),
            "cutmix": AugmentConfig(cutmix_alpha=1.0),
        }.items()
    }
    assert found == {"none": (False, False), "flip": (True, False), "mixup": (True, True), "cutmix": (True, True)}


def test_early_stopping_without_examples_to_decide_by_is_refused() -> None:
    with pytest.raises(ConfigError, match="early_stopping_epochs: found 3 with a validation_ratio of 0"):
        parse(TrainingConfig, {"early_stopping_epochs": 3, "validation_ratio": 0.0})
    assert parse(TrainingConfig, {"early_stopping_epochs": 3}).early_stopping_epochs == 3
    assert parse(TrainingConfig, {"validation_ratio": 0.0}).validation_ratio == 0.0


@pytest.mark.parametrize(("ratio", "epoch"), [(0.0, None), (0.1, 27), (0.05, 29), (0.99, 1)])
def test_sharing_ends_with_the_last_share_of_the_epochs(ratio: float, epoch: int | None) -> None:
    assert TrainingConfig(epochs=30, unshared_ratio=ratio).unshared_from_epoch == epoch


def test_the_least_ratio_that_is_named_is_accepted() -> None:
    for epochs in (3, 7, 9, 30, 300):
        with pytest.raises(ConfigError) as caught:
            parse(TrainingConfig, {"epochs": epochs, "unshared_ratio": 0.5 / epochs})
        named = float(str(caught.value).split(" or more")[0].split()[-1])
        assert TrainingConfig(epochs=epochs, unshared_ratio=named).unshared_from_epoch == epochs - 1
    with pytest.raises(ConfigError, match="accepted is 0, or 1 epoch in at least 2"):
        parse(TrainingConfig, {"epochs": 1, "unshared_ratio": 0.5})
