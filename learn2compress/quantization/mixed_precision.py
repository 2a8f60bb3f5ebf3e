"""Finds which layers need a higher precision than the rest, and raises that of no more of them than a budget asks for.

Sensitivity is measured one layer at a time, by what quantizing it alone does to
the scores, as in HAWQ-like rankings (Dong et al., arXiv:1905.03696) but without
a Hessian: a student is small enough to just try. Effects of several layers don't
add up, so accuracy is measured again with each layer that gets better. It is that of
float32 scores: a tie of uint8 scores is no fault of a layer's precision, and
`learn2compress.quantization.score_precision` mends it without a byte more.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from learn2compress import progress
from learn2compress.config import MixedBase, QuantizeConfig
from learn2compress.litert.border import add_byte_border, use_float_scores
from learn2compress.litert.rewrite import UnpackedModel
from learn2compress.litert.tensors import Ranges, layer_of
from learn2compress.quantization.choice_sample import TrainingSample
from learn2compress.quantization.post_training import layers_of, to_int8_activations, with_one_quantized
from learn2compress.results.quantization import LayerPrecisionSensitivity

_SMALLEST_SCORE = 1e-6
_MORE_THAN = {MixedBase.INT8: "float arithmetic", MixedBase.INT4: "int8 weights"}


@dataclass(frozen=True)
class MixedPrecisionFile:
    """A file of mixed precision.

    Attributes:
      model: The file, to be changed further.
      model_bytes: The same, packed as it ships.
      sensitivities: Layer by layer, the most sensitive first.
      reason: Why no more layers got better, in a sentence with numbers.
      lowest_top_1: Accuracy asked for, 0..1, on the examples that layers were chosen by; `None` where none was.
    """

    model: UnpackedModel
    model_bytes: bytes
    sensitivities: tuple[LayerPrecisionSensitivity, ...]
    reason: str
    lowest_top_1: float | None = None


def mixed_precision(
    float_model: bytes,
    ranges: Ranges,
    sample: TrainingSample,
    config: QuantizeConfig,
    pack: Callable[[UnpackedModel], bytes],
) -> MixedPrecisionFile:
    """Quantizes a float file, raising the precision of sensitive layers until the accuracy budget is met.

    Args:
      float_model: Packed, from `learn2compress.quantization.convert.to_float_litert`.
      ranges: Of its activations, by tensor name.
      sample: What accuracy and sensitivity are measured on. The student was trained
        on most of it, which flatters the float file and this one alike.
      config: `mixed_base`, `accuracy_budget` and `max_bytes`.
      pack: Packs a file as it ships.

    Returns:
      The file, and why no more layers have the higher precision.
    """
    float_scores = sample.scores(float_model)
    lowest = sample.top_1(float_scores) - config.accuracy_budget
    errors = _errors(float_model, ranges, sample, float_scores, config.mixed_base)

    def file_with(better: list[str]) -> tuple[UnpackedModel, bytes]:
        model = to_int8_activations(float_model, ranges, config.mixed_base, better)
        add_byte_border(model)
        return model, pack(model)

    better: list[str] = []
    left_out = 0
    model, model_bytes = file_with(better)
    top_1 = _top_1_by_logits(model_bytes, sample)
    for number, layer in enumerate(errors):
        if top_1 >= lowest:
            break
        progress.report("mixed precision", number, len(errors), f"top-1 {top_1:.4f}", unit="layers")
        larger, larger_bytes = file_with([*better, layer])
        if config.max_bytes is not None and len(larger_bytes) > config.max_bytes:
            left_out += 1
            continue
        better.append(layer)
        model, model_bytes, top_1 = larger, larger_bytes, _top_1_by_logits(larger_bytes, sample)
    found = f"{len(better)} of {len(errors)} layers are better than {config.mixed_base.value}"
    reason = f"{found}: {top_1:.2%} on training examples, at least {lowest:.2%} asked for"
    if top_1 < lowest and left_out:
        reason += f", and {left_out} more would have made the file larger than {config.max_bytes} bytes"
    return MixedPrecisionFile(model, model_bytes, _sensitivities(errors, better), reason, lowest)


def more_and_more_precise(
    float_model: bytes,
    ranges: Ranges,
    sample: TrainingSample,
    base: MixedBase,
    pack: Callable[[UnpackedModel], bytes],
) -> Iterator[MixedPrecisionFile]:
    """Makes files with 1, 2, 4 layers and so on, in the end all, of the higher precision, the most sensitive first.

    Args:
      float_model: Packed, from `learn2compress.quantization.convert.to_float_litert`.
      ranges: Of its activations, by tensor name.
      sample: What sensitivity is measured on.
      base: Precision of the other layers.
      pack: Packs a file as it ships.

    Returns:
      The files, one by one, each with the number of its better layers as its reason.
    """
    errors = _errors(float_model, ranges, sample, sample.scores(float_model), base)
    layers, count = list(errors), 1
    while layers:
        better = layers[:count]
        model = to_int8_activations(float_model, ranges, base, better)
        add_byte_border(model)
        reason = f"{len(better)} of {len(layers)} layers have {_MORE_THAN[base]}"
        yield MixedPrecisionFile(model, pack(model), _sensitivities(errors, better), reason)
        if count >= len(layers):
            break
        count *= 2


def _sensitivities(errors: Mapping[str, float], better: Collection[str]) -> tuple[LayerPrecisionSensitivity, ...]:
    return tuple(LayerPrecisionSensitivity(layer_of(layer), error, layer in better) for layer, error in errors.items())


def _top_1_by_logits(model_bytes: bytes, sample: TrainingSample) -> float:
    """Returns the accuracy of a file's logits.

    Args:
      model_bytes: A file with a byte border.
      sample: Labelled examples.

    Returns:
      0..1, by float32 scores where the file ends with uint8 ones, which may tie.
    """
    model = UnpackedModel(model_bytes)
    return sample.top_1(sample.scores(model.pack() if use_float_scores(model) else model_bytes))


def _errors(
    float_model: bytes,
    ranges: Ranges,
    sample: TrainingSample,
    float_scores: npt.NDArray[np.float32],
    base: MixedBase,
) -> dict[str, float]:
    """Returns the error of each layer quantized alone, the largest first."""
    layers = layers_of(float_model)
    errors = {}
    for number, layer in enumerate(layers):
        progress.report("sensitivity of layers", number, len(layers), layer, unit="layers")
        scores = sample.scores(with_one_quantized(float_model, ranges, base, layer))
        errors[layer] = _divergence(float_scores, scores)
    return dict(sorted(errors.items(), key=lambda item: (-item[1], item[0])))


def _divergence(expected: npt.NDArray[np.float32], found: npt.NDArray[np.float32]) -> float:
    """Returns the mean Kullback-Leibler divergence of scores `[n, num_classes]`, in nats, 0 or more."""
    p, q = (np.maximum(scores.astype(np.float64), _SMALLEST_SCORE) for scores in (expected, found))
    p, q = p / p.sum(axis=1, keepdims=True), q / q.sum(axis=1, keepdims=True)
    return max(0.0, float((p * np.log(p / q)).sum(axis=1).mean()))
