"""Chooses the file that ships: the best that computes what it was made from.

A file that the cross-check doubts gives way to the other candidate, where that is
right and no worse, and then to a file of mixed precision, whose most sensitive
layers have more: as few as it takes. Where none is right, the one that was chosen
stays, and its report says what was found; `constraints.min_agreement` may refuse it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from learn2compress.config import MixedBase, QuantizationRecipe, QuantizeConfig
from learn2compress.litert.accuracy import paired_drop
from learn2compress.litert.tensors import activation_ranges
from learn2compress.quantization.candidates import CONTROL, TRAINED, CandidateFile, PreparedStudent
from learn2compress.quantization.choice import choose
from learn2compress.quantization.choice_sample import TrainingSample
from learn2compress.quantization.cross_check import CrossCheck, Origin
from learn2compress.quantization.mixed_precision import more_and_more_precise
from learn2compress.quantization.recipes import RecipeFile
from learn2compress.quantization.score_precision import score_file
from learn2compress.quantization.student_file import StudentDescription, pack_student_file

# What layers are raised from where a file of these recipes computes something else than what it was made from.
_BASE_OF = {TRAINED: MixedBase.INT8, CONTROL: MixedBase.INT8, QuantizationRecipe.INT4_WEIGHTS: MixedBase.INT4}
_SENSITIVITY_EXAMPLES = 256


@dataclass(frozen=True)
class CheckedChoice:
    """The file that ships.

    Attributes:
      recipe: Its recipe, one of the candidates'.
      reason: Why it is that one, in words with numbers.
      check: What comparing it with what it was made from has found.
      fell_back: Whether it is another one than the first choice, which the cross-check doubts.
    """

    recipe: QuantizationRecipe
    reason: str
    check: CrossCheck
    fell_back: bool = False


def _choose(
    candidates: Mapping[QuantizationRecipe, CandidateFile], sample: TrainingSample
) -> tuple[QuantizationRecipe, str]:
    accuracy_examples, num_examples = sample.accuracy_examples(), sample.num_choice_examples
    correct_of = {
        recipe: accuracy_examples.correct(candidate.scored.scores)[:num_examples]
        for recipe, candidate in candidates.items()
    }
    recipe, reason = choose(correct_of, sample.num_kept_back, sample.has_enough_kept_back)
    return recipe, candidates[recipe].made.reason or reason


def choose_checked(
    prepared: PreparedStudent,
    candidates: dict[QuantizationRecipe, CandidateFile],
    sample: TrainingSample,
    config: QuantizeConfig,
    description: StudentDescription,
) -> CheckedChoice:
    """Chooses a file that computes what it was made from, where one can be made.

    Args:
      prepared: What the files were made from.
      candidates: The files; one of mixed precision is added where none of them is right.
      sample: Training examples to choose by.
      config: The recipe's settings.
      description: What the file says about itself.

    Returns:
      The file that ships, and why.
    """
    origin = Origin(prepared.float_scored, prepared.network)
    recipe, reason = _choose(candidates, sample)
    check = origin.check(candidates[recipe].scored, recipe, sample, _better_layers(candidates[recipe].made))
    if not check.is_doubtful and not (check.unexpected_operators and len(candidates) > 1):
        return CheckedChoice(recipe, reason, check)
    found = f"{recipe.value} {check.findings()}"
    for other in [other for other in candidates if other is not recipe]:
        other_check = origin.check(candidates[other].scored, other, sample)
        is_right = not (other_check.is_doubtful or other_check.unexpected_operators)
        if is_right and not _is_worse(candidates[other], candidates[recipe], sample):
            reason = f"{found}; {other.value} {other_check.findings()}"
            return CheckedChoice(other, reason, other_check, fell_back=True)
    if check.is_doubtful and recipe in _BASE_OF:
        better = _make_better(prepared, origin, _BASE_OF[recipe], sample, config, description)
        if better is not None:
            candidates[QuantizationRecipe.MIXED], better_check = better
            reason = f"{found}, so {better[0].made.reason}: it {better_check.findings()}"
            return CheckedChoice(QuantizationRecipe.MIXED, reason, better_check, fell_back=True)
    return CheckedChoice(recipe, reason, check)


def _is_worse(one: CandidateFile, other: CandidateFile, sample: TrainingSample) -> bool:
    """Returns whether a file is right less often than another one, by more than chance explains.

    Args:
      one: The file.
      other: The other one.
      sample: Training examples to choose by.
    """
    examples, count = sample.accuracy_examples(), sample.num_choice_examples
    correct = [examples.correct(file.scored.scores)[:count] for file in (other, one)]
    return paired_drop(*correct).low > 0.0


def _make_better(
    prepared: PreparedStudent,
    origin: Origin,
    base: MixedBase,
    sample: TrainingSample,
    config: QuantizeConfig,
    description: StudentDescription,
) -> tuple[CandidateFile, CrossCheck] | None:
    """Makes the file with the fewest better layers that computes what the float file does; `None` where none can be."""
    recipe = QuantizationRecipe.MIXED
    pack = partial(pack_student_file, recipe=recipe, description=description)
    float_model = prepared.float_file.plain
    ranges = activation_ranges(float_model, sample.calibration_inputs(config.calibration_examples))
    few = sample.first(_SENSITIVITY_EXAMPLES)
    try:
        for made in more_and_more_precise(float_model, ranges, few, base, pack):
            file = RecipeFile(made.model, made.model_bytes, made.sensitivities, made.reason)
            scored = score_file(file.model, file.model_bytes, sample.accuracy_examples(), pack)
            check = origin.check(scored, recipe, sample, _better_layers(file))
            if not check.is_doubtful:
                return CandidateFile(file, scored), check
    except (RuntimeError, ValueError):
        # AI Edge Quantizer does not know all that the converter does; the student is reported as doubtful.
        return None
    return None


def _better_layers(made: RecipeFile) -> frozenset[str]:
    return frozenset(found.layer for found in made.sensitivities if found.is_better)
