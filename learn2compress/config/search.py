"""What a search may try, and what it looks for; `learn2compress.search` and `.families` carry it out."""

from __future__ import annotations

import dataclasses
from enum import StrEnum
from typing import Annotated

from pydantic import Field, field_validator, model_validator
from pydantic.dataclasses import dataclass

from learn2compress.config.compression_steps import QuantizationRecipe
from learn2compress.config.family import FamilyConfig
from learn2compress.config.fields import STRICT, Ratio, SmallRatio
from learn2compress.config.pruning import METHODS_BY_LAYER, PruneMethod

# Sparsity is searched in steps of this.
SPARSITY_STEP = 0.05


class SearchSize(StrEnum):
    """What is to be small."""

    MODEL_BYTES = "model_bytes"
    DOWNLOAD_BYTES = "download_bytes"
    MACS = "macs"


@dataclass(frozen=True, config=STRICT)
class SearchConfig:
    """Ranges instead of values for `prune` and `quantize`: each student becomes several variants, the best found. Or
    `family` alone: one network of many sub-networks, from which students are picked."""

    trials: Annotated[int, Field(ge=2, le=1000)] = 12
    """Compressions tried for each student. The first two are the weakest and the strongest; what follows is suggested
    by Optuna's estimator for several objectives, with a seed that derives from the run's."""
    variants: Annotated[int, Field(ge=1, le=16)] = 3
    """How many of them, the best, are evaluated as students of their own: NAME_1, NAME_2, ..."""
    sparsity_ratio: tuple[Ratio, Ratio] = (0.0, 0.8)
    """Lowest and highest `prune.sparsity_ratio`, searched in steps of 0.05."""
    method: tuple[PruneMethod, ...] = (PruneMethod.MAGNITUDE,)
    """Values of `prune.method` to choose from; `channels` makes students narrower."""
    recipe: tuple[QuantizationRecipe, ...] = (QuantizationRecipe.INT8_QAT,)
    """Values of `quantize.recipe` to choose from."""
    minimize: SearchSize = SearchSize.DOWNLOAD_BYTES
    """The size that is weighed against accuracy."""
    max_accuracy_drop: SmallRatio | None = None
    """With it, variants are the smallest that lose no more top-1 accuracy than this against the student that was not
    compressed, as a ratio, and where too few do, those that miss it by least; without it, they are spread over the
    front of accuracy and size."""
    back_off_trials: Annotated[int, Field(ge=0, le=1000)] = 0
    """With `max_accuracy_drop`: so many of the trials, the last ones, start from the best that is too inaccurate, and
    halve the zeros of one layer more in each, the most sensitive layer first. For `magnitude` and `block`."""
    stop_early: bool = True
    """Don't quantize a student that, once pruned, is neither as small nor as good as a finished trial of the same
    kind."""
    family: FamilyConfig | None = None
    """Instead of all other keys: train one network of many sub-networks, and pick each student from it, the most
    accurate within its `budget`, or without one the most accurate of all."""

    @field_validator("sparsity_ratio")
    @classmethod
    def _check_range(cls, sparsity_ratio: tuple[float, float]) -> tuple[float, float]:
        low, high = sparsity_ratio
        if not low <= high < 1.0:
            raise ValueError(f"found [{low}, {high}], accepted is a lowest, and a highest below 1 that is no lower")
        return sparsity_ratio

    @field_validator("method", "recipe")
    @classmethod
    def _check_choices(cls, choices: tuple[StrEnum, ...]) -> tuple[StrEnum, ...]:
        if not choices or len(set(choices)) != len(choices):
            raise ValueError(f"found {[choice.value for choice in choices]}, accepted is each once, and one at least")
        if PruneMethod.N_OF_M in choices:
            raise ValueError("found 'n_of_m', accepted are magnitude, block and channels: it has one sparsity")
        return choices

    @model_validator(mode="after")
    def _check(self) -> SearchConfig:
        for field in dataclasses.fields(self) if self.family is not None else ():
            if field.name != "family" and getattr(self, field.name) != field.default:
                raise ValueError(
                    f"family: found it beside {field.name}, accepted is it alone: students that are picked from a "
                    "family are pruned and quantized as prune and quantize say"
                )
        if self.trials > self.num_points:
            raise ValueError(
                f"trials: found {self.trials}, accepted are 2 to {self.num_points}, which is all that the ranges have"
            )
        if self.variants > self.trials:
            raise ValueError(f"variants: found {self.variants}, accepted are 1 to {self.trials}, the number of trials")
        if self.back_off_trials and self.max_accuracy_drop is None:
            raise ValueError("back_off_trials: found it without max_accuracy_drop, accepted are both together")
        if self.back_off_trials and not set(self.method) & set(METHODS_BY_LAYER):
            raise ValueError("back_off_trials: found it with channels alone, accepted is a method that makes zeros")
        if not self.trials - self.back_off_trials >= 2:
            raise ValueError(
                f"back_off_trials: found {self.back_off_trials}, accepted are 0 to {self.trials - 2}, so that two of "
                f"the {self.trials} trials come before"
            )
        return self

    @property
    def sparsity_ratios(self) -> tuple[float, ...]:
        """Returns the sparsity ratios that are tried, in ascending order, each 0..1."""
        low, high = self.sparsity_ratio
        num_steps = int((high - low) / SPARSITY_STEP + 1e-9)
        return tuple(round(low + step * SPARSITY_STEP, 6) for step in range(num_steps + 1))

    @property
    def num_points(self) -> int:
        """Returns the number of different compressions in the ranges."""
        return len(self.sparsity_ratios) * len(self.method) * len(self.recipe)
