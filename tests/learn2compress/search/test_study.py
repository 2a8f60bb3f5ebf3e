"""A search is a function of its results: what it tries next, and what it lets go on."""

from __future__ import annotations

import dataclasses

import pytest

from learn2compress.config import PruneMethod, QuantizationRecipe, SearchConfig
from learn2compress.config.parsing import ConfigError, parse
from learn2compress.search.choice import chosen
from learn2compress.search.study import CompressionSettings, TrialResult, backed_off, hopeless, next_variant

CONFIG = SearchConfig(trials=12, variants=3, method=(PruneMethod.MAGNITUDE, PruneMethod.CHANNELS))


def size_of(variant: CompressionSettings) -> int:
    saved = 0.9 if variant.method is PruneMethod.CHANNELS else 0.6
    return round(10_000 * (1 - saved * variant.sparsity_ratio))


def top_1_of(variant: CompressionSettings) -> float:
    """Channels hurt, weights hardly do until many are gone."""
    power = 2 if variant.method is PruneMethod.CHANNELS else 6
    return 0.9 - 0.3 * variant.sparsity_ratio**power


def run(config: SearchConfig, seed: int, trials: int) -> list[TrialResult]:
    results: list[TrialResult] = []
    for number in range(trials):
        variant = next_variant(config, seed, results)
        results.append(TrialResult(number, variant, top_1_of(variant), size_of(variant)))
    return results


def result(number: int, top_1: float, size: int, sparsity_ratio: float = 0.5) -> TrialResult:
    variant = CompressionSettings(PruneMethod.MAGNITUDE, sparsity_ratio, QuantizationRecipe.INT8_QAT)
    return TrialResult(number, variant, top_1, size)


def test_it_begins_with_the_weakest_and_the_strongest_compression() -> None:
    first, second = run(CONFIG, 3, 2)
    assert (first.variant.sparsity_ratio, second.variant.sparsity_ratio) == CONFIG.sparsity_ratio


def test_the_same_seed_tries_the_same_and_another_seed_something_else() -> None:
    assert run(CONFIG, 3, 12) == run(CONFIG, 3, 12)
    assert run(CONFIG, 3, 12) != run(CONFIG, 4, 12)


def test_a_search_that_was_interrupted_goes_on_as_if_it_had_not_been() -> None:
    results = run(CONFIG, 3, 12)
    assert next_variant(CONFIG, 3, results[:7]) == results[7].variant


def test_nothing_is_tried_twice_until_all_is_tried() -> None:
    config = dataclasses.replace(CONFIG, sparsity_ratio=(0.1, 0.3), trials=10)
    assert config.num_points == 10
    assert len({result.variant for result in run(config, 1, 10)}) == 10


def test_it_finds_more_of_the_front_than_as_many_random_tries_at_worst() -> None:
    results = run(CONFIG, 5, 12)
    for found in chosen(CONFIG, results, 0.9):
        assert not any(other.top_1 > found.top_1 and other.size < found.size for other in results)


def test_without_a_target_the_front_is_spread() -> None:
    results = [result(0, 0.90, 100), result(1, 0.899, 99), result(2, 0.7, 10), result(3, 0.85, 50), result(4, 0.6, 90)]
    assert [found.number for found in chosen(CONFIG, results, 0.9)] == [0, 3, 2]


def test_a_small_front_is_filled_from_the_front_behind_it() -> None:
    results = [result(0, 0.9, 10), result(1, 0.8, 20), result(2, 0.85, 15)]
    assert [found.number for found in chosen(CONFIG, results, 0.9)] == [0, 2, 1]


def test_with_a_target_the_smallest_that_hold_it_come_before_the_nearest_miss() -> None:
    config = dataclasses.replace(CONFIG, max_accuracy_drop=0.02, variants=2)
    results = [result(0, 0.90, 100), result(1, 0.885, 60), result(2, 0.879, 40), result(3, 0.5, 5)]
    assert [found.number for found in chosen(config, results, 0.9)] == [0, 1]
    assert [found.number for found in chosen(config, results[2:], 0.9)] == [2, 3]


def test_what_is_stopped_or_equal_is_not_chosen() -> None:
    stopped = TrialResult(1, result(1, 0.0, 0).variant, 0.95, stopped="why")
    results = [result(0, 0.9, 100), stopped, result(2, 0.9, 100), result(3, 0.5, 5)]
    config = dataclasses.replace(CONFIG, variants=2)
    assert [found.number for found in chosen(config, results, 0.9)] == [0, 3]


def test_a_pruned_student_is_hopeless_where_a_sparser_one_is_better() -> None:
    finished = [result(0, 0.8, 50, sparsity_ratio=0.6)]
    weaker = result(1, 0.0, 0, sparsity_ratio=0.5).variant
    assert hopeless(CONFIG, 0.79, finished, weaker) == (
        "pruned it has 0.7900, and trial 0 has 0.8000 at a sparsity of 0.60"
    )
    assert hopeless(CONFIG, 0.81, finished, weaker) is None
    assert hopeless(CONFIG, 0.79, finished, dataclasses.replace(weaker, sparsity_ratio=0.7)) is None
    assert hopeless(CONFIG, 0.79, finished, dataclasses.replace(weaker, method=PruneMethod.CHANNELS)) is None
    assert hopeless(dataclasses.replace(CONFIG, stop_early=False), 0.79, finished, weaker) is None


def test_nothing_is_stopped_that_a_variant_must_be_made_of() -> None:
    config = dataclasses.replace(CONFIG, trials=4, variants=3)
    results = [result(0, 0.8, 50, sparsity_ratio=0.6), result(1, 0.9, 90, sparsity_ratio=0.0)]
    weaker = result(2, 0.0, 0, sparsity_ratio=0.5).variant
    assert hopeless(config, 0.7, results, weaker) is not None
    stopped = TrialResult(2, weaker, 0.7, stopped="why")
    assert hopeless(config, 0.7, [*results, stopped], dataclasses.replace(weaker, sparsity_ratio=0.4)) is None


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"sparsity_ratio": [0.8, 0.2]}, "sparsity_ratio: found [0.8, 0.2], accepted is a lowest"),
        ({"recipe": []}, "recipe: found [], accepted is each once"),
        ({"method": ["n_of_m"]}, "method: found 'n_of_m', accepted are"),
        ({"sparsity_ratio": [0.5, 0.5]}, "trials: found 12, accepted are 2 to 1"),
        ({"trials": 4, "variants": 5}, "variants: found 5, accepted are 1 to 4"),
    ],
)
def test_what_can_not_be_searched_is_refused(fields: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError) as error:
        parse(SearchConfig, fields, "search")
    assert message in str(error.value)


TARGET = dataclasses.replace(CONFIG, max_accuracy_drop=0.03, trials=8, back_off_trials=6)


def test_weights_are_given_back_from_the_layer_that_misses_them_most_until_the_target_holds() -> None:
    """A student whose layers cost 0.03, 0.02 and 0.01 of accuracy, in proportion to their zeros."""
    cost = {"first": 0.03, "second": 0.02, "third": 0.01}

    def measured(number: int, variant: CompressionSettings) -> TrialResult:
        ratios = dict.fromkeys(cost, variant.sparsity_ratio) | dict(variant.layer_sparsity_ratios)
        top_1 = 0.9 - sum(cost[layer] * ratio for layer, ratio in ratios.items())
        return TrialResult(number, variant, top_1, round(3000 - 1000 * sum(ratios.values())))

    results = [measured(number, result(0, 0, 0, sparsity).variant) for number, sparsity in enumerate((0.0, 0.8))]
    assert backed_off(TARGET, results[:1], 0.9, lambda variant: list(cost)) is None
    while results[-1].top_1 < 0.87:
        variant = backed_off(TARGET, results, 0.9, lambda variant: list(cost))
        assert variant is not None
        results.append(measured(len(results), variant))
    own = [dict(found.variant.layer_sparsity_ratios) for found in results[2:]]
    assert own == [{"first": 0.4}, {"first": 0.4, "second": 0.4}]
    assert chosen(dataclasses.replace(TARGET, variants=1), results, 0.9) == (results[-1],)
    further = backed_off(TARGET, results, 0.9, lambda variant: list(cost))
    assert further is not None
    assert dict(further.layer_sparsity_ratios) == {"first": 0.4, "third": 0.4}


def test_what_can_not_be_backed_off_is_left_to_the_ranges() -> None:
    channels = dataclasses.replace(result(0, 0, 0).variant, method=PruneMethod.CHANNELS)
    results = [result(0, 0.9, 100, 0.0), TrialResult(1, channels, 0.7, 40), result(2, 0.5, 120)]
    assert backed_off(TARGET, results, 0.9, lambda variant: ["first"]) is None
    tried = dataclasses.replace(result(0, 0, 0).variant, layer_sparsity_ratios=(("first", 0.25),))
    both = [*results, result(3, 0.8, 50), TrialResult(4, tried, 0.79, 60)]
    assert backed_off(TARGET, both, 0.9, lambda variant: ["first"]) is None
    assert next_variant(TARGET, 3, both).layer_sparsity_ratios == ()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"max_accuracy_drop": None}, "back_off_trials: found it without max_accuracy_drop"),
        ({"method": ["channels"]}, "back_off_trials: found it with channels alone"),
        ({"back_off_trials": 7}, "back_off_trials: found 7, accepted are 0 to 6"),
    ],
)
def test_a_back_off_that_can_not_be_is_refused(change: dict[str, object], message: str) -> None:
    given = {"trials": 8, "max_accuracy_drop": 0.02, "back_off_trials": 3} | change
    with pytest.raises(ConfigError, match=message):
        parse(SearchConfig, given, "search")
