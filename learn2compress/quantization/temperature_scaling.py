"""Makes scores mean how often they are right: temperature scaling (Guo et al., arXiv:1706.04599).

Logits are divided by one number, fitted to examples that the student has never
seen. The division is folded into the last layer's weights, so the file has no
operator more, its 8-bit numbers stay as they are, and so does the order of the
logits. Scores in steps of 1/256 may tie where logits differ, which
`learn2compress.quantization.score_precision` looks after.
"""

from __future__ import annotations

import keras
import numpy as np
import numpy.typing as npt

from learn2compress.config.training import MIN_VALIDATION_EXAMPLES
from learn2compress.keras_internals import producer
from learn2compress.quantization.choice_sample import TrainingSample
from learn2compress.quantization.qat_layers import QuantizedRange
from learn2compress.training.step import as_float

_MAX_TEMPERATURE = 100.0
_NUM_BISECTIONS = 60
# Twice the gain in log-likelihood that one parameter has by chance in 1 of 20 cases (Wilks 1938).
_CHANCE = 3.84
_BATCH_SIZE = 500


def scale_by_temperature(network: keras.Model, sample: TrainingSample) -> float | None:
    """Divides a network's logits, in place, by the temperature that fits its scores to examples.

    Args:
      network: Returns logits for float32 inputs of 0..1; its last layer with weights is dense or a convolution.
      sample: Examples that it was not trained on.

    Returns:
      The temperature, see `fitted_temperature`; `None`, with nothing changed,
      where there are fewer than 50 examples or no dense layer or convolution computes the logits.
    """
    layers = _logits_layers(network)
    if not layers or len(sample.labels) < MIN_VALIDATION_EXAMPLES:
        return None
    logits = network.predict(as_float(sample.inputs), batch_size=_BATCH_SIZE, verbose=0)
    temperature = fitted_temperature(logits, sample.labels)
    for layer in layers:
        layer.set_weights([weights / temperature for weights in layer.get_weights()])
    return temperature


def fitted_temperature(logits: npt.NDArray[np.floating], labels: npt.NDArray[np.integer]) -> float:
    """Returns the temperature of least cross entropy.

    One example in n + 2 counts as wrong, as in Platt (1999), "Probabilistic Outputs
    for Support Vector Machines": nobody can be found to be always right.

    Args:
      logits: `[n, num_classes]`.
      labels: `[n]`, class indices.

    Returns:
      0.01..100, more than 1 where scores are too sure; exactly 1 where the best
      temperature is no better than that, but for what chance explains.
    """
    logits = logits.astype(np.float64)
    n, num_classes = logits.shape
    wrong = 1.0 / (n + 2)
    targets = np.full_like(logits, wrong / (num_classes - 1))
    targets[np.arange(n), labels] = 1.0 - wrong
    wanted = np.sum(targets * logits)

    def is_too_sure(inverse: float) -> bool:
        """Returns whether the cross entropy, which is convex in the inverse temperature, rises there."""
        scores = np.exp(inverse * (logits - logits.max(axis=1, keepdims=True)))
        return bool(np.sum(scores * logits / scores.sum(axis=1, keepdims=True)) > wanted)

    def cross_entropy(inverse: float) -> float:
        scaled = inverse * (logits - logits.max(axis=1, keepdims=True))
        return -float(np.sum(targets * (scaled - np.log(np.exp(scaled).sum(axis=1, keepdims=True)))))

    low, high = -np.log(_MAX_TEMPERATURE), np.log(_MAX_TEMPERATURE)
    for _ in range(_NUM_BISECTIONS):
        middle = (low + high) / 2
        low, high = (low, middle) if is_too_sure(float(np.exp(middle))) else (middle, high)
    inverse = float(np.exp((low + high) / 2))
    return 1.0 / inverse if 2.0 * (cross_entropy(1.0) - cross_entropy(inverse)) > _CHANCE else 1.0


def _logits_layers(network: keras.Model) -> list[keras.layers.Layer]:
    """Returns the dense layer or convolution that computes the logits, and what rounds them; none for another layer."""
    last = producer(network.output)
    while isinstance(last, keras.layers.Flatten | keras.layers.Reshape):
        last = producer(last.input)
    if isinstance(last, keras.Model):
        return _logits_layers(last)
    layers = [last]
    if isinstance(last, QuantizedRange):
        layers.append(producer(last.input))
    computing = layers[-1]
    has_kernel = isinstance(computing, keras.layers.Dense | keras.layers.Conv2D)
    is_linear = has_kernel and computing.activation is keras.activations.linear
    return layers if is_linear else []
