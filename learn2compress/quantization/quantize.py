"""From a student to the file that ships: decides, converts, tries, compares.

Scores are fitted first, to how often they are right. A student that was trained
in 8 bits has a control, the same float student quantized without training; the
better one ships. Whatever ships has run in the stock interpreter, and is held
tensor by tensor against what it was made from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import keras

from learn2compress.config import QuantizationRecipe, QuantizeConfig
from learn2compress.litert.border import with_byte_border
from learn2compress.litert.runs import check_runs
from learn2compress.quantization.choice_sample import CROSS_CHECK_EXAMPLES, TrainingSample
from learn2compress.quantization.convert import to_int8_litert
from learn2compress.quantization.deviations import deviations_from_file, deviations_from_network
from learn2compress.quantization.recipes import MadeFile, float_file, make_file
from learn2compress.quantization.temperature_scaling import scale_by_temperature
from learn2compress.results.quantization import Candidate, QuantizationReport
from learn2compress.students.layer_decomposition import decompose_layers

Finish = Callable[[bytes, QuantizationRecipe], bytes]
"""Adds metadata to a file of a recipe."""

_TRAINED, _CONTROL = QuantizationRecipe.INT8_QAT, QuantizationRecipe.INT8_PTQ


@dataclass(frozen=True)
class QuantizedStudent:
    """A student as it ships.

    Attributes:
      model_bytes: The file, with metadata.
      report: How it came about.
    """

    model_bytes: bytes
    report: QuantizationReport


def quantize_student(
    student: keras.Model,
    sample: TrainingSample,
    config: QuantizeConfig,
    finish: Finish,
    network: keras.Model | None = None,
) -> QuantizedStudent:
    """Makes the file that ships.

    Args:
      student: A float student that gives logits.
      sample: Training examples to calibrate with and to choose by.
      config: The recipe and its settings.
      finish: Adds metadata.
      network: Its trained quantization-aware network, for `int8_qat` alone; its logits are divided by its temperature.

    Returns:
      A file that takes raw uint8 and gives scores: uint8 where its activations are int8, float32 otherwise.

    Raises:
      ModelFileError: the recipe's file can't be made of this student, or does not run.
    """
    unseen = sample.unseen()
    student = decompose_layers(student)  # a copy: what was trained is an artifact of its own
    temperature = scale_by_temperature(student, unseen) if config.temperature_scaling else None
    float_model = float_file(student)

    def made_by(recipe: QuantizationRecipe) -> MadeFile:
        return make_file(recipe, student, float_model, sample, config, lambda model: len(finish(model, recipe)))

    trained_temperature = None
    if network is None:
        made = {config.recipe: made_by(config.recipe)}
    else:
        trained_temperature = scale_by_temperature(network, unseen) if config.temperature_scaling else None
        made = {_TRAINED: MadeFile(to_int8_litert(network)), _CONTROL: made_by(_CONTROL)}
    files = {recipe: finish(file.model_bytes, recipe) for recipe, file in made.items()}
    candidates = [_measured(recipe, model, sample) for recipe, model in files.items()]
    shipped, reason = choose(candidates)
    model = files[shipped]
    check_runs(model, f"quantize.recipe {shipped.value!r}")

    examples = sample.inputs[:CROSS_CHECK_EXAMPLES]
    is_trained = network is not None and shipped is _TRAINED
    exact = finish(with_byte_border(float_model), QuantizationRecipe.FLOAT32)
    report = QuantizationReport(
        recipe=config.recipe.value,
        shipped=shipped.value,
        reason=made[shipped].reason or reason,
        num_examples=len(sample.for_choice().labels),
        candidates=(_measured(QuantizationRecipe.FLOAT32, exact, sample), *candidates),
        compared_with="the trained network" if is_trained else "the float32 file",
        num_deviation_examples=len(examples),
        deviations=deviations_from_network(network, model, examples)
        if is_trained
        else deviations_from_file(float_model, model, examples),
        sensitivities=made[shipped].sensitivities,
        temperature=trained_temperature if is_trained else temperature,
        num_temperature_examples=len(unseen.labels),
    )
    return QuantizedStudent(model, report)


def choose(candidates: Sequence[Candidate]) -> tuple[QuantizationRecipe, str]:
    """Recipe of the most accurate candidate, of equals the first, and why in words."""
    best = max(candidates, key=lambda candidate: candidate.top_1)
    others = [candidate for candidate in candidates if candidate is not best]
    if not others:
        return QuantizationRecipe(best.recipe), "named by the configuration"
    compared = ", ".join(
        f"{'as good as' if other.top_1 == best.top_1 else 'better than'} {other.recipe} ({other.top_1:.2%})"
        for other in others
    )
    return QuantizationRecipe(best.recipe), f"{best.top_1:.2%} of training examples right, {compared}"


def _measured(recipe: QuantizationRecipe, model_bytes: bytes, sample: TrainingSample) -> Candidate:
    choice = sample.for_choice()
    return Candidate(recipe.value, choice.top_1(choice.scores(model_bytes)), len(model_bytes))
