"""The trials that become variants are a function of the results."""

from __future__ import annotations

import dataclasses

from learn2compress.config import PruneMethod, QuantizationRecipe, SearchConfig
from learn2compress.search.choice import choose_trials, note_on_choice
from learn2compress.search.study import CompressionSettings, TrialResult

CONFIG = SearchConfig(trials=12, variants=3, method=(PruneMethod.MAGNITUDE, PruneMethod.CHANNELS))


def result(number: int, top_1: float, size: int, sparsity_ratio: float = 0.5) -> TrialResult:
    settings = CompressionSettings(PruneMethod.MAGNITUDE, sparsity_ratio, QuantizationRecipe.INT8_QAT)
    return TrialResult(number, settings, top_1, size)


def test_without_a_target_the_front_is_spread() -> None:
    results = [result(0, 0.90, 100), result(1, 0.899, 99), result(2, 0.7, 10), result(3, 0.85, 50), result(4, 0.6, 90)]
    assert [found.number for found in choose_trials(CONFIG, results, 0.9)] == [0, 3, 2]


def test_a_small_front_is_filled_from_the_front_behind_it() -> None:
    results = [result(0, 0.9, 10), result(1, 0.8, 20), result(2, 0.85, 15)]
    assert [found.number for found in choose_trials(CONFIG, results, 0.9)] == [0, 2, 1]


def test_with_a_target_the_smallest_that_hold_it_come_before_the_nearest_miss() -> None:
    config = dataclasses.replace(CONFIG, max_accuracy_drop=0.02, variants=2)
    results = [result(0, 0.90, 100), result(1, 0.885, 60), result(2, 0.879, 40), result(3, 0.5, 5)]
    assert [found.number for found in choose_trials(config, results, 0.9)] == [0, 1]
    assert [found.number for found in choose_trials(config, results[2:], 0.9)] == [2, 3]


def test_what_is_stopped_or_equal_is_not_chosen() -> None:
    stopped = TrialResult(1, result(1, 0.0, 0).settings, 0.95, stopped="why")
    results = [result(0, 0.9, 100), stopped, result(2, 0.9, 100), result(3, 0.5, 5)]
    config = dataclasses.replace(CONFIG, variants=2)
    assert [found.number for found in choose_trials(config, results, 0.9)] == [0, 3]


def test_where_fewer_are_finished_than_asked_for_all_are_chosen() -> None:
    stopped = TrialResult(1, result(1, 0.0, 0).settings, 0.95, stopped="why")
    assert [found.number for found in choose_trials(CONFIG, [result(0, 0.9, 100), stopped], 0.9)] == [0]
    assert choose_trials(CONFIG, [stopped], 0.9) == ()


def test_a_choice_by_examples_that_were_trained_on_says_so() -> None:
    assert note_on_choice(60, 60) is None
    note = note_on_choice(100, 49)
    assert note is not None
    assert "by 100 training examples of which 49 were kept back" in note
