"""What to try next: pure functions of the results so far; `learn2compress.search.choice` says which go on.

Tries are suggested by the tree-structured Parzen estimator for several objectives
(MOTPE; Ozaki et al., GECCO 2020) of Optuna. It is given all results anew for each
suggestion, with a seed of its own: a search that was killed suggests after its
last result what it would have suggested then.
"""

from __future__ import annotations

import dataclasses
import math
import warnings
from collections.abc import Callable, Iterator, Sequence

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from learn2compress.config import PruneMethod, QuantizationRecipe, SearchConfig
from learn2compress.config.pruning import METHODS_BY_LAYER
from learn2compress.config.search import SPARSITY_STEP

optuna.logging.set_verbosity(optuna.logging.WARNING)
# Suggestions of the same point again before the search takes any other.
_MAX_REPEATS = 20


@dataclasses.dataclass(frozen=True)
class CompressionSettings:
    """One compression to try.

    Attributes:
      layer_sparsity_ratios: Layers that were given back some of their weights, in that order, and their own ratios.
    """

    method: PruneMethod
    sparsity_ratio: float
    recipe: QuantizationRecipe
    layer_sparsity_ratios: tuple[tuple[str, float], ...] = ()


@dataclasses.dataclass(frozen=True)
class TrialResult:
    """What came of one.

    Attributes:
      number: From 0.
      variant: What was tried.
      top_1: Accuracy on the training examples that choices may look at; of the
        pruned float student where it was stopped.
      size: What `search.minimize` names; `None` where it was stopped.
      stopped: Why it was stopped early, in a sentence with numbers.
    """

    number: int
    variant: CompressionSettings
    top_1: float
    size: int | None = None
    stopped: str | None = None

    @property
    def is_finished(self) -> bool:
        """Whether there is a file."""
        return self.size is not None


def backed_off(
    config: SearchConfig,
    results: Sequence[TrialResult],
    reference_top_1: float,
    layers_of: Callable[[CompressionSettings], Sequence[str]],
) -> CompressionSettings | None:
    """What to try after these results where it is time to give weights back layer by layer.

    The starting point is, of those smaller than any that holds the target, the
    most accurate, which may itself be one that was backed off: layers are given
    back half of what they lose one after the other.

    Args:
      config: `max_accuracy_drop`, and `back_off_trials` of its `trials`.
      results: Tries so far.
      reference_top_1: Accuracy of the student that was not compressed, on the same examples.
      layers_of: Names of layers, those first that bear a variant's sparsity least.

    Returns:
      What to try; `None` before the last `back_off_trials`, and where nothing can be backed off.
    """
    if config.max_accuracy_drop is None or len(results) < config.trials - config.back_off_trials:
        return None
    lowest = reference_top_1 - config.max_accuracy_drop
    finished = [result for result in results if result.size is not None]
    smallest_held = min((result.size or 0 for result in finished if result.top_1 >= lowest), default=math.inf)
    tried = {result.variant for result in results}
    too_small = [result for result in finished if result.top_1 < lowest and (result.size or 0) < smallest_held]
    for result in sorted(too_small, key=lambda r: (-r.top_1, r.size, r.number)):
        variant = result.variant
        if variant.method not in METHODS_BY_LAYER or variant.sparsity_ratio == 0.0:
            continue
        spared = dict(variant.layer_sparsity_ratios)
        for layer in layers_of(variant):
            ratios = (*variant.layer_sparsity_ratios, (layer, variant.sparsity_ratio / 2))
            candidate = dataclasses.replace(variant, layer_sparsity_ratios=ratios)
            if layer not in spared and candidate not in tried:
                return candidate
    return None


def next_variant(config: SearchConfig, seed: int, results: Sequence[TrialResult]) -> CompressionSettings:
    """What to try after these results from the ranges; never what was tried before.

    The first try is the weakest compression, the second the strongest: between
    them lies the front.
    """
    tried = {result.variant for result in results}
    corners = [_corner(config, ratio) for ratio in (config.sparsity_ratios[0], config.sparsity_ratios[-1])]
    if len(results) < len(corners) and corners[len(results)] not in tried:
        return corners[len(results)]
    for repeat in range(_MAX_REPEATS):
        variant = _suggested(config, seed * 100_003 + len(results) * _MAX_REPEATS + repeat, results)
        if variant not in tried:
            return variant
    return next(variant for variant in _all_variants(config) if variant not in tried)


def hopeless(
    config: SearchConfig, top_1: float, results: Sequence[TrialResult], variant: CompressionSettings
) -> str | None:
    """Why a pruned student need not be quantized; `None` where it may still be worth it, or is needed.

    A finished try of the same method and recipe with at least its sparsity is at
    least as small; where that is more accurate by more than what the float
    student has before quantization, nothing is left to win.

    Args:
      config: `stop_early`; there must be files for as many variants as it wants.
      top_1: Of the pruned float student, on the examples of all tries.
      results: Tries so far.
      variant: The one in question.
    """
    num_finished = sum(result.is_finished for result in results)
    num_to_come = config.trials - len(results) - 1
    if not config.stop_early or num_finished + num_to_come < config.variants:
        return None
    for result in results:
        other = result.variant
        same_kind = (other.method, other.recipe, other.layer_sparsity_ratios) == (variant.method, variant.recipe, ())
        if result.is_finished and same_kind and other.sparsity_ratio >= variant.sparsity_ratio and result.top_1 > top_1:
            return (
                f"pruned it has {top_1:.4f}, and trial {result.number} has {result.top_1:.4f} at a sparsity of "
                f"{other.sparsity_ratio:.2f}"
            )
    return None


def _corner(config: SearchConfig, sparsity_ratio: float) -> CompressionSettings:
    return CompressionSettings(config.method[0], sparsity_ratio, config.recipe[0])


def _all_variants(config: SearchConfig) -> Iterator[CompressionSettings]:
    for ratio in config.sparsity_ratios:
        for method in config.method:
            yield from (CompressionSettings(method, ratio, recipe) for recipe in config.recipe)


def _distributions(config: SearchConfig) -> dict[str, BaseDistribution]:
    ratios = config.sparsity_ratios
    return {
        "sparsity_ratio": FloatDistribution(ratios[0], ratios[-1], step=SPARSITY_STEP),
        "method": CategoricalDistribution([method.value for method in config.method]),
        "recipe": CategoricalDistribution([recipe.value for recipe in config.recipe]),
    }


def _suggested(config: SearchConfig, seed: int, results: Sequence[TrialResult]) -> CompressionSettings:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        sampler = optuna.samplers.TPESampler(seed=seed % 2**32, n_startup_trials=4, multivariate=True)
    study = optuna.create_study(directions=["maximize", "minimize"], sampler=sampler)
    distributions = _distributions(config)
    in_ranges = [result for result in results if not result.variant.layer_sparsity_ratios]
    study.add_trials([_frozen(result, distributions) for result in in_ranges])
    parameters = study.ask(distributions).params
    return CompressionSettings(
        PruneMethod(parameters["method"]),
        round(parameters["sparsity_ratio"], 6),
        QuantizationRecipe(parameters["recipe"]),
    )


def _frozen(result: TrialResult, distributions: dict[str, BaseDistribution]) -> FrozenTrial:
    variant = result.variant
    return create_trial(
        state=TrialState.COMPLETE if result.is_finished else TrialState.PRUNED,
        values=[result.top_1, result.size] if result.size is not None else None,
        params={
            "sparsity_ratio": variant.sparsity_ratio,
            "method": variant.method.value,
            "recipe": variant.recipe.value,
        },
        distributions=distributions,
    )
