"""The files of one student that could ship, with their scores for the examples that a choice goes by."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import keras

from learn2compress.config import QuantizationRecipe, QuantizeConfig
from learn2compress.quantization.choice_sample import TrainingSample
from learn2compress.quantization.convert import to_int8_litert
from learn2compress.quantization.recipes import FloatFile, RecipeFile, make_file, make_float_file
from learn2compress.quantization.score_precision import ScoredFile, score_file
from learn2compress.quantization.standalone_normalization import normalization_as_convolution
from learn2compress.quantization.student_file import StudentDescription, pack_student_file
from learn2compress.quantization.temperature_scaling import scale_by_temperature
from learn2compress.students.layer_decomposition import decompose_layers

TRAINED: QuantizationRecipe = QuantizationRecipe.INT8_QAT
CONTROL: QuantizationRecipe = QuantizationRecipe.INT8_PTQ


@dataclass(frozen=True, eq=False)
class PreparedStudent:
    """What candidates are made from: logits divided by their temperatures, `None` where they are as trained."""

    student: keras.Model
    network: keras.Model | None
    temperature: float | None
    trained_temperature: float | None
    float_file: FloatFile
    float_scored: ScoredFile


@dataclass(frozen=True, eq=False)
class CandidateFile:
    """A file that could ship: as it was made, and scored."""

    made: RecipeFile
    scored: ScoredFile


def prepare_student(
    student: keras.Model,
    sample: TrainingSample,
    config: QuantizeConfig,
    description: StudentDescription,
    network: keras.Model | None,
) -> PreparedStudent:
    """Prepares a copy of a student for its files, and makes the float32 one.

    Args:
      student: A float student that returns logits; it stays as it is.
      sample: Training examples.
      config: The recipe's settings.
      description: What files say about the student.
      network: Its trained quantization-aware network, where there is one; its logits are divided by its temperature.

    Returns:
      What the candidates are made from.

    Raises:
      ModelFileError: no file can be made of this student.
    """
    # A copy: what was trained is an artifact of its own.
    student = normalization_as_convolution(decompose_layers(student))
    temperature = trained_temperature = None
    if config.temperature_scaling:
        temperature = scale_by_temperature(student, sample.kept_back())
        trained_temperature = None if network is None else scale_by_temperature(network, sample.kept_back())
    pack = partial(pack_student_file, recipe=QuantizationRecipe.FLOAT32, description=description)
    float_file = make_float_file(student, pack)
    model_bytes = float_file.shipped.model_bytes
    scored = ScoredFile(model_bytes, sample.accuracy_examples().scores(model_bytes))
    return PreparedStudent(student, network, temperature, trained_temperature, float_file, scored)


def make_candidates(
    prepared: PreparedStudent, sample: TrainingSample, config: QuantizeConfig, description: StudentDescription
) -> dict[QuantizationRecipe, CandidateFile]:
    """Makes the file of the recipe that is asked for; of a student that was trained in 8 bits also the control,
    and of one that can't be the control alone.

    Args:
      prepared: What files are made from.
      sample: Training examples to calibrate with and to choose by.
      config: The recipe and its settings.
      description: What files say about the student.

    Returns:
      The files by their recipes, the trained one first.

    Raises:
      ModelFileError: the recipe's file can't be made of this student.
    """
    accuracy_examples = sample.accuracy_examples()
    candidates = {}
    recipes = (config.recipe,) if prepared.network is None else (TRAINED, CONTROL)
    for recipe in (CONTROL,) if recipes == (TRAINED,) else recipes:
        pack = partial(pack_student_file, recipe=recipe, description=description)
        if prepared.network is not None and recipe is TRAINED:
            model = to_int8_litert(prepared.network)
            made = RecipeFile(model, pack(model))
        else:
            made = make_file(recipe, prepared.student, prepared.float_file, sample, config, pack)
        if made is prepared.float_file.shipped:
            scored = prepared.float_scored
        else:
            scored = score_file(made.model, made.model_bytes, accuracy_examples, pack, made.lowest_top_1)
        candidates[recipe] = CandidateFile(made, scored)
    return candidates
