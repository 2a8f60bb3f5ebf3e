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
from learn2compress.litert.border import with_byte_border
from learn2compress.litert.flatbuffer import ModelFileError
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


@dataclass(frozen=True)
class MadeFile:
    """A file that was made without training.

    Attributes:
      model_bytes: Takes uint8, gives scores.
      sensitivities: Layer by layer, for `mixed` alone.
      reason: Why it is as it is, for `mixed` alone.
    """

    model_bytes: bytes
    sensitivities: tuple[LayerPrecisionSensitivity, ...] = ()
    reason: str | None = None


def make_file(
    recipe: QuantizationRecipe,
    student: keras.Model,
    float_model: bytes,
    sample: TrainingSample,
    config: QuantizeConfig,
    size_of: Callable[[bytes], int] = len,
) -> MadeFile:
    """Makes the file of a recipe, without metadata.

    Args:
      recipe: Any but `int8_qat`.
      student: A float student that gives logits.
      float_model: What `float_file` made of it.
      sample: Training examples to calibrate with and to choose by.
      config: The recipe's settings.
      size_of: Bytes of a file as it ships.

    Raises:
      ModelFileError: it can't be made of this student; one line with recipe and operator.
    """
    return _in_one_line(recipe, lambda: _make(recipe, student, float_model, sample, config, size_of))


def float_file(student: keras.Model) -> bytes:
    """The float32 file that other recipes start from and are compared with; see `to_float_litert`.

    Raises:
      ModelFileError: it can't be made of this student; one line with the operator.
    """
    return _in_one_line(QuantizationRecipe.FLOAT32, lambda: to_float_litert(student))


def _make(
    recipe: QuantizationRecipe,
    student: keras.Model,
    float_model: bytes,
    sample: TrainingSample,
    config: QuantizeConfig,
    size_of: Callable[[bytes], int],
) -> MadeFile:
    if recipe in _FLOAT_WEIGHTS:
        model = to_float_litert(student, _FLOAT_WEIGHTS[recipe], sparse_tensors=config.sparse_tensors)
        return MadeFile(with_byte_border(model))
    calibration = sample.inputs[: config.calibration_examples]
    if recipe is QuantizationRecipe.INT8_PTQ:
        return MadeFile(to_calibrated_int8_litert(student, calibration))
    ranges = activation_ranges(float_model, calibration)
    if recipe is QuantizationRecipe.INT16_ACTIVATIONS:
        return MadeFile(with_byte_border(to_int16_activations(float_model, ranges)))
    if recipe is QuantizationRecipe.INT4_WEIGHTS:
        return MadeFile(with_byte_border(to_int8_activations(float_model, ranges, MixedBase.INT4)))
    mixed = mixed_precision(float_model, ranges, sample.for_choice(), config, size_of)
    return MadeFile(mixed.model_bytes, mixed.sensitivities, mixed.reason)


def _in_one_line(recipe: QuantizationRecipe, make: Callable[[], T]) -> T:
    try:
        return make()
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
