"""Makes the file of each recipe that needs no training.

TensorFlow's converter where it does what the recipe says: it knows every
operator that quantization-aware training knows, embeddings and largest values
among them, and is the faster one in int8 weights. AI Edge Quantizer for what the
converter can't: int4 weights, int16 activations with a border that takes bytes,
and layers of different precision.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import keras
from tensorflow.lite.python.convert_phase import ConverterError

from learn2compress.config import MixedBase, QuantizationRecipe, QuantizeConfig
from learn2compress.config.parsing import ConfigError
from learn2compress.litert.border import add_byte_border
from learn2compress.litert.flatbuffer import ModelFileError
from learn2compress.litert.rewrite import UnpackedModel
from learn2compress.litert.tensors import activation_ranges
from learn2compress.quantization.choice_sample import TrainingSample
from learn2compress.quantization.convert import FloatWeights, to_calibrated_int8_litert, to_float_litert
from learn2compress.quantization.mixed_precision import mixed_precision
from learn2compress.quantization.post_training import to_int8_activations, to_int16_activations
from learn2compress.results.quantization import LayerPrecisionSensitivity

T = TypeVar("T")

_FLOAT_WEIGHTS = {
    QuantizationRecipe.FLOAT32: FloatWeights.FLOAT32,
    QuantizationRecipe.FLOAT16: FloatWeights.FLOAT16,
    QuantizationRecipe.DYNAMIC_INT8: FloatWeights.INT8,
}
_UNKNOWN_OPERATORS = re.compile(r"'tfl?\.(\w+)' op is neither")
_MAX_REASON = 200

Pack = Callable[[UnpackedModel], bytes]
"""Packs a file as it ships."""


@dataclass(frozen=True, eq=False)
class RecipeFile:
    """A file, packed as it ships.

    Attributes:
      model: The file, to be changed further.
      model_bytes: The same, packed: takes uint8 and returns scores.
      sensitivities: Layer by layer, for `mixed` alone.
      reason: Why it is as it is, for `mixed` alone.
      lowest_top_1: Accuracy that its layers were chosen for, 0..1, for `mixed` alone.
    """

    model: UnpackedModel
    model_bytes: bytes
    sensitivities: tuple[LayerPrecisionSensitivity, ...] = ()
    reason: str | None = None
    lowest_top_1: float | None = None


@dataclass(frozen=True, eq=False)
class FloatFile:
    """The float32 file of a student, which other recipes start from and are compared with.

    Attributes:
      plain: Takes float32 inputs of 0..1, as AI Edge Quantizer wants them; packed, without metadata.
      shipped: Takes uint8, as every file does that ships.
    """

    plain: bytes
    shipped: RecipeFile


def make_float_file(student: keras.Model, pack: Pack) -> FloatFile:
    """Makes the float32 file of a student.

    Args:
      student: A float student that returns logits, of layers as `decompose_layers` leaves them.
      pack: Packs a file as it ships.

    Returns:
      The file in both forms.

    Raises:
      ModelFileError: it can't be made of this student; one line with the operator.
    """
    model = _convert_or_explain(QuantizationRecipe.FLOAT32, lambda: to_float_litert(student))
    plain = model.pack()
    return FloatFile(plain, _with_border(model, pack))


def make_file(
    recipe: QuantizationRecipe,
    student: keras.Model,
    float_file: FloatFile,
    sample: TrainingSample,
    config: QuantizeConfig,
    pack: Pack,
) -> RecipeFile:
    """Makes the file of a recipe.

    Args:
      recipe: Any but `int8_qat`.
      student: A float student that returns logits, of layers as `decompose_layers` leaves them.
      float_file: What `make_float_file` made of it.
      sample: Training examples to calibrate with and to choose layers by.
      config: The recipe's settings.
      pack: Packs a file as it ships.

    Returns:
      The file.

    Raises:
      ModelFileError: it can't be made of this student; one line with recipe and operator.
    """
    return _convert_or_explain(recipe, lambda: _make_file(recipe, student, float_file, sample, config, pack))


def _make_file(
    recipe: QuantizationRecipe,
    student: keras.Model,
    float_file: FloatFile,
    sample: TrainingSample,
    config: QuantizeConfig,
    pack: Pack,
) -> RecipeFile:
    if recipe is QuantizationRecipe.FLOAT32 and not config.sparse_tensors:
        return float_file.shipped
    if recipe in _FLOAT_WEIGHTS:
        model = to_float_litert(student, _FLOAT_WEIGHTS[recipe], sparse_tensors=config.sparse_tensors)
        return _with_border(model, pack)
    calibration = sample.calibration_inputs(config.calibration_examples)
    if recipe is QuantizationRecipe.INT8_PTQ:
        return _with_border(to_calibrated_int8_litert(student, calibration), pack)
    ranges = activation_ranges(float_file.plain, calibration)
    if recipe is QuantizationRecipe.INT16_ACTIVATIONS:
        return _with_border(to_int16_activations(float_file.plain, ranges), pack)
    if recipe is QuantizationRecipe.INT4_WEIGHTS:
        return _with_border(to_int8_activations(float_file.plain, ranges, MixedBase.INT4), pack)
    mixed = mixed_precision(float_file.plain, ranges, sample.accuracy_examples(), config, pack)
    return RecipeFile(mixed.model, mixed.model_bytes, mixed.sensitivities, mixed.reason, mixed.lowest_top_1)


def _with_border(model: UnpackedModel, pack: Pack) -> RecipeFile:
    add_byte_border(model)
    return RecipeFile(model, pack(model))


def _convert_or_explain(recipe: QuantizationRecipe, convert: Callable[[], T]) -> T:
    """Calls `convert`, turning what converters raise into one line with the operators that LiteRT does not have."""
    try:
        return convert()
    except ConfigError:
        raise
    except (ConverterError, RuntimeError, ValueError) as error:
        operators = ", ".join(sorted(set(_UNKNOWN_OPERATORS.findall(str(error)))))
        lines = str(error).strip().splitlines() or [type(error).__name__]
        reason = f"LiteRT has no {operators}" if operators else lines[0][:_MAX_REASON]
        raise ModelFileError(
            f"quantize.recipe: found {recipe.value!r} for a student that it can't be made of ({reason}), "
            "accepted is a recipe for what the student consists of"
        ) from error
