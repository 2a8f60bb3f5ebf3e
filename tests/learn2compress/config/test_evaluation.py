"""What is measured, and what the measurements must satisfy."""

from __future__ import annotations

from typing import Any

import pytest

from learn2compress.config import ConstraintsConfig, Corruption, EvaluateConfig, Objective, PushPolicy
from learn2compress.config.parsing import ConfigError, parse


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"threads": [1, 1]}, "threads: accepts each once, found ['1', '1']"),
        ({"threads": [0]}, "threads.0: found 0, accepted: greater than or equal to 1"),
        ({"corruptions": ["contrast", "contrast"]}, "corruptions: accepts each once, found ['contrast', 'contrast']"),
        ({"corruptions": ["fog"]}, "corruptions.0: found \"fog\", accepted: 'gaussian_noise', "),
        ({"slice_by": "cat/*.png"}, "slice_by: found 'cat/*.png', accepted is a pattern with {slice} once"),
        ({"slice_by": "{slice}/{slice}"}, "slice_by: found '{slice}/{slice}', accepted is a pattern with {slice} once"),
        (
            {"slice_by": "{slice}*****"},
            "slice_by: found '{slice}*****', accepted is a pattern with {slice} once and at",
        ),
        ({"device": {"adb_serial": "-e", "benchmark_model": "b"}}, 'device.adb_serial: found "-e"'),
        ({"device": {"adb_serial": "a b", "benchmark_model": "b"}}, 'device.adb_serial: found "a b"'),
        ({"latency_rounds": 2}, "latency_rounds: found 2, accepted: greater than or equal to 3"),
    ],
)
def test_what_can_not_be_measured_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(EvaluateConfig, settings)
    assert str(caught.value).startswith(message)


def test_what_can_be_measured_is_accepted() -> None:
    config = parse(EvaluateConfig, {"slice_by": "*/{slice}_*", "corruptions": [kind.value for kind in Corruption]})
    assert config.corruptions == tuple(Corruption)


def test_without_a_limit_everything_passes_by_accuracy() -> None:
    config = parse(ConstraintsConfig, {})
    limits = {name: value for name, value in vars(config).items() if name.startswith(("max_", "min_"))}
    # A file that computes something else than its network is no choice of anybody's.
    assert limits.pop("min_agreement") == 0.9
    # Few examples say nothing.
    assert limits.pop("min_held_out_examples") == 50
    assert set(limits.values()) == {None}
    assert parse(ConstraintsConfig, {"min_agreement": None}).min_agreement is None
    assert (config.maximize, config.select) == (Objective.ACCURACY, PushPolicy.ALL)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"max_model_bytes": 0}, "max_model_bytes: found 0"),
        ({"max_latency_ms": 0.0}, "max_latency_ms: found 0.0"),
        ({"max_accuracy_drop": 5.0}, "max_accuracy_drop: found 5.0"),
        ({"min_accuracy": 90}, "min_accuracy: found 90"),
        ({"min_agreement": 95}, "min_agreement: found 95"),
        ({"maximize": "speed"}, "maximize: found \"speed\", accepted: 'accuracy', 'smallest' or 'fastest'"),
    ],
)
def test_a_limit_out_of_its_range_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(ConstraintsConfig, settings)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("settings", "hint"),
    [
        ({"max_accuracy_drop": 1}, "write 0.01 for 1%"),
        ({"max_accuracy_drop": 0.8}, "write 0.008 for 0.8%"),
        ({"min_accuracy": 90}, "write 0.9 for 90%"),
        ({"max_calibration_error": 5}, "write 0.05 for 5%"),
        ({"max_latency_ratio": 50}, "write 0.5 for 50%"),
        ({"max_accuracy_drop": "2%"}, "write 0.02 for 2%"),
    ],
)
def test_percent_is_told_from_a_ratio(settings: dict[str, Any], hint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(ConstraintsConfig, settings)
    assert str(caught.value).endswith(hint)
