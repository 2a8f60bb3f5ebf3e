"""A search is a function of its results: what it tries next, and what it stops."""

from __future__ import annotations

import dataclasses

from learn2compress.config import PruneMethod, QuantizationRecipe, SearchConfig
from learn2compress.search.choice import choose_trials
from learn2compress.search.study import CompressionSettings, TrialResult, next_back_off, next_settings, why_stop

CONFIG = SearchConfig(trials=12, variants=3, method=(PruneMethod.MAGNITUDE, PruneMethod.CHANNELS))


def size_of(settings: CompressionSettings) -> int:
    saved = 0.9 if settings.method is PruneMethod.CHANNELS else 0.6
    return round(10_000 * (1 - saved * settings.sparsity_ratio))


def top_1_of(settings: CompressionSettings) -> float:
    """Channels hurt, weights hardly do until many are gone."""
    power = 2 if settings.method is PruneMethod.CHANNELS else 6
    return 0.9 - 0.3 * settings.sparsity_ratio**power


def run(config: SearchConfig, seed: int, trials: int) -> list[TrialResult]:
    results: list[TrialResult] = []
    for number in range(trials):
        settings = next_settings(config, seed, results)
        results.append(TrialResult(number, settings, top_1_of(settings), size_of(settings)))
    return results


def result(number: int, top_1: float, size: int, sparsity_ratio: float = 0.5) -> TrialResult:
    settings = CompressionSettings(PruneMethod.MAGNITUDE, sparsity_ratio, QuantizationRecipe.INT8_QAT)
    return TrialResult(number, settings, top_1, size)


def test_it_begins_with_the_weakest_and_the_strongest_compression() -> None:
    first, second = run(CONFIG, 3, 2)
    assert (first.settings.sparsity_ratio, second.settings.sparsity_ratio) == CONFIG.sparsity_ratio


def test_the_same_seed_tries_the_same_and_another_seed_something_else() -> None:
    assert run(CONFIG, 3, 12) == run(CONFIG, 3, 12)
    assert run(CONFIG, 3, 12) != run(CONFIG, 4, 12)


def test_a_search_that_was_interrupted_resumes_as_if_it_had_not_been() -> None:
    results = run(CONFIG, 3, 12)
    assert next_settings(CONFIG, 3, results[:7]) == results[7].settings


def test_nothing_is_tried_twice_until_all_is_tried() -> None:
    config = dataclasses.replace(CONFIG, sparsity_ratio=(0.1, 0.3), trials=10)
    assert config.num_points == 10
    assert len({result.settings for result in run(config, 1, 10)}) == 10


def test_it_finds_more_of_the_front_than_as_many_random_tries_at_worst() -> None:
    results = run(CONFIG, 5, 12)
    for found in choose_trials(CONFIG, results, 0.9):
        assert not any(other.top_1 > found.top_1 and other.size < found.size for other in results)


def test_a_pruned_student_is_stopped_where_a_sparser_one_is_better() -> None:
    finished = [result(0, 0.8, 50, sparsity_ratio=0.6)]
    weaker = result(1, 0.0, 0, sparsity_ratio=0.5).settings
    assert why_stop(CONFIG, 0.79, finished, weaker) == (
        "pruned it has 0.7900, and trial 0 has 0.8000 at a sparsity of 0.60"
    )
    assert why_stop(CONFIG, 0.81, finished, weaker) is None
    assert why_stop(CONFIG, 0.79, finished, dataclasses.replace(weaker, sparsity_ratio=0.7)) is None
    assert why_stop(CONFIG, 0.79, finished, dataclasses.replace(weaker, method=PruneMethod.CHANNELS)) is None
    assert why_stop(dataclasses.replace(CONFIG, stop_early=False), 0.79, finished, weaker) is None


def test_nothing_is_stopped_that_a_variant_must_be_made_of() -> None:
    config = dataclasses.replace(CONFIG, trials=4, variants=3)
    results = [result(0, 0.8, 50, sparsity_ratio=0.6), result(1, 0.9, 90, sparsity_ratio=0.0)]
    weaker = result(2, 0.0, 0, sparsity_ratio=0.5).settings
    assert why_stop(config, 0.7, results, weaker) is not None
    stopped = TrialResult(2, weaker, 0.7, stopped="why")
    assert why_stop(config, 0.7, [*results, stopped], dataclasses.replace(weaker, sparsity_ratio=0.4)) is None


TARGET = dataclasses.replace(CONFIG, max_accuracy_drop=0.03, trials=8, back_off_trials=6)


def test_the_most_sensitive_layers_are_pruned_less_until_the_target_holds() -> None:
    """A student whose layers cost 0.03, 0.02 and 0.01 of accuracy, in proportion to their zeros."""
    cost = {"first": 0.03, "second": 0.02, "third": 0.01}

    def measured(number: int, settings: CompressionSettings) -> TrialResult:
        ratios = dict.fromkeys(cost, settings.sparsity_ratio) | dict(settings.layer_sparsity_ratios)
        top_1 = 0.9 - sum(cost[layer] * ratio for layer, ratio in ratios.items())
        return TrialResult(number, settings, top_1, round(3000 - 1000 * sum(ratios.values())))

    results = [measured(number, result(0, 0, 0, sparsity).settings) for number, sparsity in enumerate((0.0, 0.8))]
    assert next_back_off(TARGET, results[:1], 0.9, lambda settings: list(cost)) is None
    while results[-1].top_1 < 0.87:
        settings = next_back_off(TARGET, results, 0.9, lambda settings: list(cost))
        assert settings is not None
        results.append(measured(len(results), settings))
    own = [dict(found.settings.layer_sparsity_ratios) for found in results[2:]]
    assert own == [{"first": 0.4}, {"first": 0.4, "second": 0.4}]
    assert choose_trials(dataclasses.replace(TARGET, variants=1), results, 0.9) == (results[-1],)
    further = next_back_off(TARGET, results, 0.9, lambda settings: list(cost))
    assert further is not None
    assert dict(further.layer_sparsity_ratios) == {"first": 0.4, "third": 0.4}


def test_what_can_not_be_backed_off_is_left_to_the_ranges() -> None:
    channels = dataclasses.replace(result(0, 0, 0).settings, method=PruneMethod.CHANNELS)
    results = [result(0, 0.9, 100, 0.0), TrialResult(1, channels, 0.7, 40), result(2, 0.5, 120)]
    assert next_back_off(TARGET, results, 0.9, lambda settings: ["first"]) is None
    tried = dataclasses.replace(result(0, 0, 0).settings, layer_sparsity_ratios=(("first", 0.25),))
    both = [*results, result(3, 0.8, 50), TrialResult(4, tried, 0.79, 60)]
    assert next_back_off(TARGET, both, 0.9, lambda settings: ["first"]) is None
    assert next_settings(TARGET, 3, both).layer_sparsity_ratios == ()
