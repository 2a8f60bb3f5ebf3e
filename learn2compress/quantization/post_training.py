"""Quantizes a float `.tflite` file without training, by AI Edge Quantizer (package litert-quantizer).

It decides operator by operator, which TensorFlow's converter can't: weights of 4
bits, and layers that stay at a higher precision than the rest. What it is told
of are ranges, those of activations by calibration, those of weights from
`learn2compress.quantization.weight_ranges`: its own give a channel of zeros a scale at which
the bias overflows, or no scale at all.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Collection

from litert_quantizer import qtyping
from litert_quantizer.algorithm_manager import AlgorithmName
from litert_quantizer.quantizer import Quantizer

from learn2compress.config import MixedBase
from learn2compress.litert.operators import model_cost
from learn2compress.litert.rewrite import UnpackedModel
from learn2compress.litert.tensors import Ranges
from learn2compress.quantization.weight_ranges import CHANNELS_OF, weight_ranges

_Operation = qtyping.TFLOperationName
_EVERYTHING = ".*"
_WITH_4_BIT_KERNELS = ("CONV_2D", "FULLY_CONNECTED")
_FLOAT16_WEIGHTS = qtyping.OpQuantizationConfig(
    weight_tensor_config=qtyping.TensorQuantizationConfig(num_bits=16, dtype=qtyping.TensorDataType.FLOAT),
    compute_precision=qtyping.ComputePrecision.FLOAT,
    explicit_dequantize=True,
)


def to_int16_activations(float_model: bytes, ranges: Ranges) -> UnpackedModel:
    """Quantizes weights to int8 and activations to int16; input and output stay float32.

    Args:
      float_model: Packed, from `learn2compress.quantization.convert.to_float_litert`.
      ranges: Of its activations, by tensor name.

    Returns:
      The quantized file.
    """
    quantizer = Quantizer(float_model)
    quantizer.add_static_config(_EVERYTHING, _Operation.ALL_SUPPORTED, activation_num_bits=16, weight_num_bits=8)
    for border in (_Operation.INPUT, _Operation.OUTPUT):
        quantizer.update_quantization_recipe(_EVERYTHING, border, algorithm_key=AlgorithmName.NO_QUANTIZE)
    return _unpack(_quantize(quantizer, float_model, ranges, dict.fromkeys(layers_of(float_model), 8)))


def to_int8_activations(
    float_model: bytes, ranges: Ranges, weights: MixedBase = MixedBase.INT8, better: Collection[str] = ()
) -> UnpackedModel:
    """Quantizes activations to int8 and weights to int8 or int4, some layers to more.

    Args:
      float_model: Packed, from `learn2compress.quantization.convert.to_float_litert`.
      ranges: Of its activations, by tensor name.
      weights: Int8, or int4 for all kernels but depthwise ones, which have no 4-bit kind.
      better: Layers that get more: float16 weights and float32 arithmetic where
        the rest has int8, int8 weights where the rest has int4.

    Returns:
      The quantized file.
    """
    quantizer = Quantizer(float_model)
    quantizer.add_static_config(_EVERYTHING, _Operation.ALL_SUPPORTED, activation_num_bits=8, weight_num_bits=8)
    bits_of = {}
    for layer, operator in layers_of(float_model).items():
        bits_of[layer] = 8 if layer in better else _bits(weights, operator)
        if layer in better and weights is MixedBase.INT8:
            del bits_of[layer]
            quantizer.update_quantization_recipe(
                _scope(layer), _Operation(operator), _FLOAT16_WEIGHTS, AlgorithmName.FLOAT_CASTING
            )
        elif bits_of[layer] == 4:
            _quantize_layer(quantizer, layer, operator, 4)
    return _unpack(_quantize(quantizer, float_model, ranges, bits_of))


def with_one_quantized(float_model: bytes, ranges: Ranges, weights: MixedBase, layer: str) -> bytes:
    """Quantizes one layer alone, as `to_int8_activations` would, to measure what that costs.

    Args:
      float_model: Packed, from `learn2compress.quantization.convert.to_float_litert`.
      ranges: Of its activations, by tensor name.
      weights: The layer's.
      layer: One of `layers_of`.

    Returns:
      A file that runs, as AI Edge Quantizer leaves it.
    """
    quantizer = Quantizer(float_model)
    operator = layers_of(float_model)[layer]
    bits = _bits(weights, operator)
    _quantize_layer(quantizer, layer, operator, bits)
    return _quantize(quantizer, float_model, ranges, {layer: bits})


def layers_of(float_model: bytes) -> dict[str, str]:
    """Returns the operator of each layer with a kernel, by the tensor that comes out of it."""
    return {layer.name: layer.operator for layer in model_cost(float_model).layers if layer.operator in CHANNELS_OF}


def _bits(weights: MixedBase, operator: str) -> int:
    return 4 if weights is MixedBase.INT4 and operator in _WITH_4_BIT_KERNELS else 8


def _quantize_layer(quantizer: Quantizer, layer: str, operator: str, bits: int) -> None:
    quantizer.add_static_config(_scope(layer), _Operation(operator), activation_num_bits=8, weight_num_bits=bits)


def _scope(tensor: str) -> str:
    return f"^{re.escape(tensor)};?$"


def _quantize(quantizer: Quantizer, float_model: bytes, ranges: Ranges, bits_of: dict[str, int]) -> bytes:
    # It adjusts the ranges that it is given.
    copied = {name: dict(bounds) for name, bounds in (ranges | weight_ranges(float_model, bits_of)).items()}
    with warnings.catch_warnings():
        # It opens an interpreter that keeps all tensors, which warns of the memory that this costs.
        warnings.filterwarnings("ignore", message=".*experimental_preserve_all_tensors")
        result = quantizer.quantize(copied, enable_progress_bar=False, enable_progress_report=False)
    return bytes(result.quantized_model)


def _unpack(model_bytes: bytes) -> UnpackedModel:
    model = UnpackedModel(model_bytes)
    model.shorten_tensor_names(())  # each name once
    return model
