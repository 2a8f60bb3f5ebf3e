"""From a student to the file that ships: prepares, makes candidates, chooses, checks, compares.

Scores are fitted first, to how often they are right. A student that was trained
in 8 bits has a control, the same float student quantized without training; the
better one of examples that neither was made with ships. They are those that the
temperature is fitted to: it is one number, the same for all classes, so it can't
learn their labels, and it leaves the order of the logits as it is. Whatever ships
has run in the stock interpreter, and is compared tensor by tensor with what it was
made from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import keras
import numpy as np
import numpy.typing as npt

from learn2compress.config import QuantizationRecipe, QuantizeConfig
from learn2compress.litert.load_check import check_runs
from learn2compress.quantization.choice import choose
from learn2compress.quantization.choice_sample import CROSS_CHECK_EXAMPLES, TrainingSample
from learn2compress.quantization.convert import to_int8_litert
from learn2compress.quantization.deviations import deviations_from_file, deviations_from_network
from learn2compress.quantization.recipes import FloatFile, RecipeFile, make_file, make_float_file
from learn2compress.quantization.score_precision import ScoredFile, score_file
from learn2compress.quantization.student_file import StudentDescription, pack_student_file
from learn2compress.quantization.temperature_scaling import scale_by_temperature
from learn2compress.results.quantization import Candidate, QuantizationReport, TensorDeviation
from learn2compress.students.layer_decomposition import decompose_layers

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


@dataclass(frozen=True, eq=False)
class _Prepared:
    """What candidates are made from: logits divided by their temperatures, `None` where they are as trained."""

    student: keras.Model
    network: keras.Model | None
    temperature: float | None
    trained_temperature: float | None
    float_file: FloatFile
    float_scored: ScoredFile


@dataclass(frozen=True, eq=False)
class _CandidateFile:
    """A file that could ship: as it was made, and scored."""

    made: RecipeFile
    scored: ScoredFile


def quantize_student(
    student: keras.Model,
    sample: TrainingSample,
    config: QuantizeConfig,
    description: StudentDescription,
    network: keras.Model | None = None,
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

    Returns:
      A file that takes raw uint8 and returns scores: float32, or uint8 where its
      activations are int8 and steps of 1/256 keep the decisions.

    Raises:
      ModelFileError: the recipe's file can't be made of this student, or does not run.
    """
    prepared = _prepare(student, sample, config, description, network)
    candidates = _make_candidates(prepared, sample, config, description)
    recipe, reason = _choose(candidates, sample)
    check_runs(candidates[recipe].scored.model_bytes, f"quantize.recipe {recipe.value!r}")
    deviations = _compare(prepared, recipe, candidates[recipe], sample.inputs[:CROSS_CHECK_EXAMPLES])
    report = _report(prepared, candidates, recipe, reason, deviations, sample, config)
    return QuantizedStudent(candidates[recipe].scored.model_bytes, report)


def _prepare(
    student: keras.Model,
    sample: TrainingSample,
    config: QuantizeConfig,
    description: StudentDescription,
    network: keras.Model | None,
) -> _Prepared:
    student = decompose_layers(student)  # a copy: what was trained is an artifact of its own
    temperature = trained_temperature = None
    if config.temperature_scaling:
        temperature = scale_by_temperature(student, sample.kept_back())
        trained_temperature = None if network is None else scale_by_temperature(network, sample.kept_back())
    pack = partial(pack_student_file, recipe=QuantizationRecipe.FLOAT32, description=description)
    float_file = make_float_file(student, pack)
    model_bytes = float_file.shipped.model_bytes
    scored = ScoredFile(model_bytes, sample.accuracy_examples().scores(model_bytes))
    return _Prepared(student, network, temperature, trained_temperature, float_file, scored)


def _make_candidates(
    prepared: _Prepared, sample: TrainingSample, config: QuantizeConfig, description: StudentDescription
) -> dict[QuantizationRecipe, _CandidateFile]:
    accuracy_examples = sample.accuracy_examples()
    candidates = {}
    for recipe in (config.recipe,) if prepared.network is None else (_TRAINED, _CONTROL):
        pack = partial(pack_student_file, recipe=recipe, description=description)
        if prepared.network is not None and recipe is _TRAINED:
            model = to_int8_litert(prepared.network)
            made = RecipeFile(model, pack(model))
        else:
            made = make_file(recipe, prepared.student, prepared.float_file, sample, config, pack)
        if made is prepared.float_file.shipped:
            scored = prepared.float_scored
        else:
            scored = score_file(made.model, made.model_bytes, accuracy_examples, pack, made.lowest_top_1)
        candidates[recipe] = _CandidateFile(made, scored)
    return candidates


def _choose(
    candidates: Mapping[QuantizationRecipe, _CandidateFile], sample: TrainingSample
) -> tuple[QuantizationRecipe, str]:
    accuracy_examples, num_examples = sample.accuracy_examples(), sample.num_choice_examples
    correct_of = {
        recipe: accuracy_examples.correct(candidate.scored.scores)[:num_examples]
        for recipe, candidate in candidates.items()
    }
    recipe, reason = choose(correct_of, sample.num_kept_back, sample.has_enough_kept_back)
    return recipe, candidates[recipe].made.reason or reason


def _compare(
    prepared: _Prepared, recipe: QuantizationRecipe, candidate: _CandidateFile, examples: npt.NDArray[np.uint8]
) -> tuple[TensorDeviation, ...]:
    model_bytes = candidate.scored.model_bytes
    if prepared.network is not None and recipe is _TRAINED:
        return deviations_from_network(prepared.network, model_bytes, examples)
    return deviations_from_file(prepared.float_file.shipped.model_bytes, model_bytes, examples)


def _report(
    prepared: _Prepared,
    candidates: Mapping[QuantizationRecipe, _CandidateFile],
    shipped: QuantizationRecipe,
    reason: str,
    deviations: tuple[TensorDeviation, ...],
    sample: TrainingSample,
    config: QuantizeConfig,
) -> QuantizationReport:
    is_trained = prepared.network is not None and shipped is _TRAINED
    accuracy_examples = sample.accuracy_examples()
    scored = [(QuantizationRecipe.FLOAT32, prepared.float_scored)]
    scored += [(recipe, candidate.scored) for recipe, candidate in candidates.items()]
    return QuantizationReport(
        recipe=config.recipe.value,
        shipped=shipped.value,
        reason=reason,
        num_examples=len(accuracy_examples.labels),
        candidates=tuple(_candidate(recipe, file, accuracy_examples) for recipe, file in scored),
        compared_with="the trained network" if is_trained else "the float32 file",
        num_deviation_examples=min(len(sample.labels), CROSS_CHECK_EXAMPLES),
        deviations=deviations,
        sensitivities=candidates[shipped].made.sensitivities,
        temperature=prepared.trained_temperature if is_trained else prepared.temperature,
        num_kept_back=sample.num_kept_back,
        num_choice_examples=sample.num_choice_examples,
        changed_by_rounding_ratio=candidates[shipped].scored.changed_ratio,
        has_float_scores=candidates[shipped].scored.has_float_scores,
    )


def _candidate(recipe: QuantizationRecipe, file: ScoredFile, examples: TrainingSample) -> Candidate:
    correct = examples.correct(file.scores)
    kept_back_top_1 = float(correct[: examples.num_kept_back].mean()) if examples.has_enough_kept_back else None
    return Candidate(recipe.value, float(correct.mean()), len(file.model_bytes), kept_back_top_1)
