"""Decides what to try next: pure functions of the results so far; `learn2compress.search.choice` chooses among them.

Settings are suggested by the tree-structured Parzen estimator for several
objectives (MOTPE; Ozaki et al., GECCO 2020) of Optuna. It receives all results
anew for each suggestion, with a seed of its own: a search that was killed
suggests after its last result what it would have suggested then.
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
# How often the same point may be suggested again before the search takes any other.
_MAX_REPEATS = 20


@dataclasses.dataclass(frozen=True)
class CompressionSettings:
    """One compression to try.

    Attributes:
      method: What is pruned together.
      sparsity_ratio: As `prune.sparsity_ratio`.
      recipe: Number formats of the file.
      layer_sparsity_ratios: Layers that are pruned less than the others, in the order of backing off, and their ratios.
    """

    method: PruneMethod
    sparsity_ratio: float
    recipe: QuantizationRecipe
    layer_sparsity_ratios: tuple[tuple[str, float], ...] = ()


@dataclasses.dataclass(frozen=True)
class TrialResult:
    """The result of one trial.

    Attributes:
      number: From 0.
      settings: What was tried.
      top_1: Accuracy on the training examples that a search decides by, 0..1; of
        the pruned float student where it was stopped.
      size: What `search.minimize` names; `None` where it was stopped.
      stopped: Why it was stopped early, in a sentence with numbers.
    """

    number: int
    settings: CompressionSettings
    top_1: float
    size: int | None = None
    stopped: str | None = None

    @property
    def is_finished(self) -> bool:
        """Whether there is a file."""
        return self.size is not None


def next_back_off(
    config: SearchConfig,
    results: Sequence[TrialResult],
    reference_top_1: float,
    layers_of: Callable[[CompressionSettings], Sequence[str]],
) -> CompressionSettings | None:
    """Returns the settings to try next where a search backs off: prunes one layer more by half as much.

    It starts from the most accurate of the trials that are smaller than any that
    holds the target, which may itself be one that was backed off.

    Args:
      config: `max_accuracy_drop`, and `back_off_trials` of its `trials`.
      results: Trials so far.
      reference_top_1: Accuracy of the student that was not compressed, 0..1, on the same examples.
      layers_of: Names of the layers that settings prune, the most sensitive first.

    Returns:
      What to try; `None` before the last `back_off_trials`, and where nothing can be backed off.
    """
    if config.max_accuracy_drop is None or len(results) < config.trials - config.back_off_trials:
        return None
    lowest = reference_top_1 - config.max_accuracy_drop
    finished = [result for result in results if result.size is not None]
    smallest_held = min((result.size or 0 for result in finished if result.top_1 >= lowest), default=math.inf)
    tried = {result.settings for result in results}
    too_small = [result for result in finished if result.top_1 < lowest and (result.size or 0) < smallest_held]
    for result in sorted(too_small, key=lambda r: (-r.top_1, r.size, r.number)):
        settings = result.settings
        if settings.method not in METHODS_BY_LAYER or settings.sparsity_ratio == 0.0:
            continue
        spared = dict(settings.layer_sparsity_ratios)
        for layer in layers_of(settings):
            ratios = (*settings.layer_sparsity_ratios, (layer, settings.sparsity_ratio / 2))
            candidate = dataclasses.replace(settings, layer_sparsity_ratios=ratios)
            if layer not in spared and candidate not in tried:
                return candidate
    return None


def next_settings(config: SearchConfig, seed: int, results: Sequence[TrialResult]) -> CompressionSettings:
    """Returns the settings to try next from the ranges; never what was tried before.

    The first trial is the weakest compression, the second the strongest: between
    them lies the front.

    Args:
      config: The ranges; not all of their points were tried.
      seed: Of the run.
      results: Trials so far.
    """
    tried = {result.settings for result in results}
    corners = [_corner(config, ratio) for ratio in (config.sparsity_ratios[0], config.sparsity_ratios[-1])]
    if len(results) < len(corners) and corners[len(results)] not in tried:
        return corners[len(results)]
    for repeat in range(_MAX_REPEATS):
        settings = _suggested(config, seed * 100_003 + len(results) * _MAX_REPEATS + repeat, results)
        if settings not in tried:
            return settings
    return next(settings for settings in _all_settings(config) if settings not in tried)


def why_stop(
    config: SearchConfig, top_1: float, results: Sequence[TrialResult], settings: CompressionSettings
) -> str | None:
    """Returns why a pruned student need not be quantized; `None` where it may become a variant, or must.

    A finished trial of the same method and recipe with at least its sparsity is at
    least as small; where its file is more accurate than the float student is
    before quantization, the student can't become better than it in anything.

    Args:
      config: `stop_early`; there must be files for as many variants as it asks for.
      top_1: Accuracy of the pruned float student, 0..1, on the examples of all trials.
      results: Trials so far.
      settings: Those of the pruned student.

    Returns:
      A clause with figures.
    """
    num_finished = sum(result.is_finished for result in results)
    num_to_come = config.trials - len(results) - 1
    if not config.stop_early or num_finished + num_to_come < config.variants:
        return None
    for result in results:
        other = result.settings
        same_kind = (other.method, other.recipe, other.layer_sparsity_ratios) == (settings.method, settings.recipe, ())
        is_sparser = other.sparsity_ratio >= settings.sparsity_ratio
        if result.is_finished and same_kind and is_sparser and result.top_1 > top_1:
            return (
                f"pruned it has {top_1:.4f}, and trial {result.number} has {result.top_1:.4f} at a sparsity of "
                f"{other.sparsity_ratio:.2f}"
            )
    return None


def _corner(config: SearchConfig, sparsity_ratio: float) -> CompressionSettings:
    return CompressionSettings(config.method[0], sparsity_ratio, config.recipe[0])


def _all_settings(config: SearchConfig) -> Iterator[CompressionSettings]:
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
    in_ranges = [result for result in results if not result.settings.layer_sparsity_ratios]
    study.add_trials([_frozen(result, distributions) for result in in_ranges])
    parameters = study.ask(distributions).params
    return CompressionSettings(
        PruneMethod(parameters["method"]),
        round(parameters["sparsity_ratio"], 6),
        QuantizationRecipe(parameters["recipe"]),
    )


def _frozen(result: TrialResult, distributions: dict[str, BaseDistribution]) -> FrozenTrial:
    settings = result.settings
    return create_trial(
        state=TrialState.COMPLETE if result.is_finished else TrialState.PRUNED,
        values=[result.top_1, result.size] if result.size is not None else None,
        params={
            "sparsity_ratio": settings.sparsity_ratio,
            "method": settings.method.value,
            "recipe": settings.recipe.value,
        },
        distributions=distributions,
    )
