"""From a student to the file that ships: prepares, makes candidates, chooses, checks, compares.

Scores are fitted first, to how often they are right. A student that was trained
in 8 bits has a control, the same float student quantized without training; the
better one of examples that neither was made with ships. They are those that the
temperature is fitted to: it is one number, the same for all classes, so it can't
learn their labels, and it leaves the order of the logits as it is. Whatever ships
has run in the stock interpreter, and is compared with what it was made from, tensor
by tensor and in its decisions. One that computes something else gives way to the
other file, or to one of which the sensitive layers have a higher precision.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

import keras

from learn2compress.config import QuantizationRecipe, QuantizeConfig
from learn2compress.litert.load_check import check_runs
from learn2compress.quantization.candidates import (
    TRAINED,
    CandidateFile,
    PreparedStudent,
    make_candidates,
    prepare_student,
)
from learn2compress.quantization.checked_choice import CheckedChoice, choose_checked
from learn2compress.quantization.choice_sample import CROSS_CHECK_EXAMPLES, TrainingSample
from learn2compress.quantization.score_precision import ScoredFile
from learn2compress.quantization.student_file import StudentDescription
from learn2compress.results.quantization import Candidate, QuantizationReport


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
    description: StudentDescription,
    network: keras.Model | None = None,
    why_not_trained: str | None = None,
) -> QuantizedStudent:
    """Makes the file that ships.

    Example:
      >>> import keras
      >>> from sklearn.datasets import load_digits
      >>> from learn2compress.config import QuantizationRecipe, QuantizeConfig, TaskConfig
      >>> from learn2compress.litert.interpreter import predict
      >>> from learn2compress.quantization.choice_sample import TrainingSample
      >>> from learn2compress.quantization.quantize import quantize_student
      >>> from learn2compress.quantization.student_file import StudentDescription
      >>> digits = load_digits()
      >>> pixels = (digits.images[..., None] * 15).astype("uint8")
      >>> keras.utils.set_random_seed(7)
      >>> inputs = keras.Input((8, 8, 1))
      >>> logits = keras.layers.Dense(10, name="small_logits")(keras.layers.Flatten()(inputs))
      >>> student = keras.Model(inputs, logits)
      >>> student.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
      >>> _ = student.fit(pixels / 255, digits.target, epochs=20, verbose=0)
      >>> config = QuantizeConfig(recipe=QuantizationRecipe.INT8_PTQ)
      >>> description = StudentDescription("digits", "small", tuple("0123456789"), TaskConfig())
      >>> quantized = quantize_student(student, TrainingSample(pixels, digits.target), config, description)
      >>> quantized.report.shipped
      'int8_ptq'
      >>> float((predict(quantized.model_bytes, pixels).argmax(axis=1) == digits.target).mean()) > 0.9
      True

    Args:
      student: A float student that returns logits; it stays as it is.
      sample: Training examples to calibrate with and to choose by.
      config: The recipe and its settings.
      description: What the file says about itself.
      network: Its trained quantization-aware network, for `int8_qat` alone; its logits are divided by its temperature.
      why_not_trained: With `int8_qat` and no network, why there is none: the control ships.

    Returns:
      A file that takes raw uint8 and returns scores: float32, or uint8 where its
      activations are int8 and steps of 1/256 keep the decisions.

    Raises:
      ModelFileError: the recipe's file can't be made of this student, or does not run.
    """
    prepared = prepare_student(student, sample, config, description, network)
    candidates = make_candidates(prepared, sample, config, description)
    choice = choose_checked(prepared, candidates, sample, config, description)
    if why_not_trained is not None:
        more = f"; {choice.reason}" if choice.fell_back else ""
        choice = dataclasses.replace(choice, reason=f"it can't be trained in 8 bits ({why_not_trained}){more}")
    model_bytes = candidates[choice.recipe].scored.model_bytes
    check_runs(model_bytes, f"quantize.recipe {choice.recipe.value!r}")
    return QuantizedStudent(model_bytes, _report(prepared, candidates, choice, sample, config))


def _report(
    prepared: PreparedStudent,
    candidates: Mapping[QuantizationRecipe, CandidateFile],
    choice: CheckedChoice,
    sample: TrainingSample,
    config: QuantizeConfig,
) -> QuantizationReport:
    shipped, check = choice.recipe, choice.check
    is_trained = prepared.network is not None and shipped is TRAINED
    accuracy_examples = sample.accuracy_examples()
    scored = [(QuantizationRecipe.FLOAT32, prepared.float_scored)]
    scored += [(recipe, candidate.scored) for recipe, candidate in candidates.items()]
    return QuantizationReport(
        recipe=config.recipe.value,
        shipped=shipped.value,
        reason=choice.reason,
        num_examples=len(accuracy_examples.labels),
        candidates=tuple(_candidate(recipe, file, accuracy_examples) for recipe, file in scored),
        compared_with=check.compared_with,
        num_deviation_examples=min(len(sample.labels), CROSS_CHECK_EXAMPLES),
        deviations=check.deviations,
        sensitivities=candidates[shipped].made.sensitivities,
        temperature=prepared.trained_temperature if is_trained else prepared.temperature,
        num_kept_back=sample.num_kept_back,
        num_choice_examples=sample.num_choice_examples,
        changed_by_rounding_ratio=candidates[shipped].scored.changed_ratio,
        has_float_scores=candidates[shipped].scored.has_float_scores,
        agreement=check.agreement,
        num_agreement_examples=check.num_examples,
        unexpected_operators=check.unexpected_operators,
        fell_back=choice.fell_back,
    )


def _candidate(recipe: QuantizationRecipe, file: ScoredFile, examples: TrainingSample) -> Candidate:
    correct = examples.correct(file.scores)
    kept_back_top_1 = float(correct[: examples.num_kept_back].mean()) if examples.has_enough_kept_back else None
    return Candidate(recipe.value, float(correct.mean()), len(file.model_bytes), kept_back_top_1)
