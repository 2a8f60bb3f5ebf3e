"""Training with simulated 8-bit arithmetic, in plain Keras 3.

Follows Jacob et al., arXiv:1712.05877, in the form that the LiteRT converter
folds into int8 kernels (LiteRT 8-bit quantization specification): weights
symmetric, per output channel for convolutions and per tensor for dense layers;
activations asymmetric per tensor, their ranges moving averages of what was
seen. Batch normalization keeps the statistics that it has: its scale is per
channel, so that folding it into the kernel commutes with quantizing the kernel.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from learn2compress.checkpoint import Checkpoint
from learn2compress.data.batches import TrainingData
from learn2compress.pruning import keep_zeros, sparsity_of
from learn2compress.results import EpochRecord
from learn2compress.training import TrainingPlan, by_name, fit

_NUM_BITS = 8
_RANGE_MOMENTUM = 0.95
# Smallest range of a kernel channel: one that is pruned away still needs a scale.
_SMALLEST_RANGE = 1e-6

# Layers that only pass on what is quantized already: same values, same range.
_SAME_RANGE_LAYERS = (keras.layers.InputLayer, keras.layers.Flatten, keras.layers.Reshape,
                      keras.layers.AveragePooling2D, keras.layers.MaxPooling2D)  # fmt: skip

# What the converter fuses into the operator before it: no quantization in between.
_FUSED_INTO = {
    keras.layers.BatchNormalization: (keras.layers.Conv2D, keras.layers.Dense),
    keras.layers.ReLU: (
        keras.layers.Conv2D,
        keras.layers.Dense,
        keras.layers.BatchNormalization,
        keras.layers.Add,
    ),
}


class QuantizedRange(keras.layers.Layer):
    """Rounds activations to 8 bits over a range that follows what it sees.

    The range always holds zero, which padding needs to be exact. Ranges move in
    training and stand still in inference.

    Args:
      fixed_range: A (minimum, maximum) that is known; then nothing moves.
    """

    def __init__(self, fixed_range: tuple[float, float] | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self._fixed_range = fixed_range

    def build(self, input_shape: Any) -> None:
        """Makes the two bounds, scalars; (0, 0) means unset."""
        low, high = self._fixed_range or (0.0, 0.0)
        self.low = self.add_weight(name="low", initializer=keras.initializers.Constant(low), trainable=False)
        self.high = self.add_weight(name="high", initializer=keras.initializers.Constant(high), trainable=False)
        self.built = True

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Activations of any shape, rounded."""
        if training and self._fixed_range is None:
            unset = ops.equal(self.high, 0.0)
            for bound, seen in (
                (self.low, ops.minimum(ops.min(inputs), 0.0)),
                (self.high, ops.maximum(ops.max(inputs), _SMALLEST_RANGE)),
            ):
                seen = ops.stop_gradient(seen)
                moved = bound * _RANGE_MOMENTUM + seen * (1.0 - _RANGE_MOMENTUM)
                bound.assign(ops.where(unset, seen, moved))
        return keras.quantizers.fake_quant_with_min_max_vars(inputs, self.low, self.high, num_bits=_NUM_BITS)


class _QuantizedConv2D(keras.layers.Conv2D):
    """A convolution whose kernel is rounded to 8 bits per output channel."""

    @property
    def kernel(self) -> Any:
        kernel = super().kernel
        bound = ops.maximum(ops.max(ops.abs(kernel), axis=(0, 1, 2)), _SMALLEST_RANGE)
        return keras.quantizers.fake_quant_with_min_max_vars(
            kernel, -bound, bound, num_bits=_NUM_BITS, narrow_range=True, axis=-1
        )


class _QuantizedDense(keras.layers.Dense):
    """A dense layer whose kernel is rounded to 8 bits per tensor: the converter takes no channels here."""

    @property
    def kernel(self) -> Any:
        kernel = super().kernel
        bound = ops.maximum(ops.max(ops.abs(kernel)), _SMALLEST_RANGE)
        return keras.quantizers.fake_quant_with_min_max_vars(
            kernel, -bound, bound, num_bits=_NUM_BITS, narrow_range=True
        )


_QUANTIZED: dict[Any, Any] = {keras.layers.Conv2D: _QuantizedConv2D, keras.layers.Dense: _QuantizedDense}


def train_quantized(
    student: keras.Model,
    name: str,
    data: TrainingData,
    min_layer_weights: int,
    plan: TrainingPlan,
    checkpoint: Checkpoint | None = None,
) -> tuple[keras.Model, tuple[EpochRecord, ...]]:
    """Trains a copy of a student in 8-bit arithmetic; weights that are zero stay zero.

    Args:
      student: A float model as `quantization_aware` takes it.
      name: Its name in the history.
      data: Examples beside the teacher's logits.
      min_layer_weights: Kernels at least this large keep their zeros.
      plan: How to train.
      checkpoint: Where an interrupted training goes on.

    Returns:
      The network to convert, and one record per epoch.
    """
    network = quantization_aware(student)
    layers = _leaf_layers(network)
    keep_zeros(layers, min_layer_weights)
    history = fit(
        by_name(network, name),
        data,
        plan,
        checkpoint=checkpoint,
        sparsity_of=lambda: sparsity_of(layers, min_layer_weights),
    )
    return network, history[name]


def quantization_aware(student: keras.Model) -> keras.Model:
    """Copies a student into a network that computes as its 8-bit file will.

    Args:
      student: A functional model of float32 0..1 inputs whose layers are
        Conv2D, Dense, BatchNormalization, ReLU, Add, pooling, Flatten.

    Returns:
      A model of the same inputs and logits with the student's weights. Its
      activation ranges are unset until it has been called with `training=True`.

    Raises:
      ValueError: a layer whose 8-bit arithmetic is not known here.
    """
    consumers = _consumers(student)

    def clone(layer: keras.Layer) -> keras.Layer:
        copy = _QUANTIZED.get(type(layer), type(layer)).from_config(layer.get_config())
        if isinstance(layer, keras.layers.BatchNormalization):
            copy.trainable = False
        return copy

    def call(layer: keras.Layer, *args: Any, **kwargs: Any) -> Any:
        outputs = layer(*args, **kwargs)
        if isinstance(layer, _SAME_RANGE_LAYERS) or _is_fused(student.get_layer(layer.name), consumers[layer.name]):
            return outputs
        return QuantizedRange(name=f"{layer.name}_range")(outputs)

    for layer in student.layers:
        _check_supported(layer)
    inputs = keras.Input(student.input_shape[1:], name="input")
    # 256 levels over 0..1: a pixel's byte is its own 8-bit value.
    rounded = QuantizedRange(fixed_range=(0.0, 1.0), name="input_range")(inputs)
    body = keras.models.clone_model(student, clone_function=clone, call_function=call)
    network = keras.Model(inputs, body(rounded), name=student.name)
    for layer in student.layers:
        body.get_layer(layer.name).set_weights(layer.get_weights())
    return network


def _leaf_layers(network: keras.Model) -> list[keras.Layer]:
    return [layer for layer in network._flatten_layers() if not isinstance(layer, keras.Model)]


def _consumers(model: keras.Model) -> dict[str, list[keras.Layer]]:
    consumers: dict[str, list[keras.Layer]] = {layer.name: [] for layer in model.layers}
    for layer in model.layers:
        for node in layer._inbound_nodes:
            for tensor in node.input_tensors:
                producer = tensor._keras_history.operation.name
                if producer in consumers:
                    consumers[producer].append(layer)
    return consumers


def _is_fused(layer: keras.Layer, consumers: list[keras.Layer]) -> bool:
    return len(consumers) == 1 and isinstance(layer, _FUSED_INTO.get(type(consumers[0]), ()))


def _check_supported(layer: keras.Layer) -> None:
    known = (*_SAME_RANGE_LAYERS, keras.layers.Conv2D, keras.layers.Dense, keras.layers.BatchNormalization,
             keras.layers.ReLU, keras.layers.Add, keras.layers.GlobalAveragePooling2D)  # fmt: skip
    if type(layer) not in known:
        accepted = ", ".join(sorted(kind.__name__ for kind in known))
        raise ValueError(f"layer {layer.name!r}: found {type(layer).__name__}, accepted are {accepted}")
    activation = getattr(layer, "activation", None)
    if activation is not None and activation is not keras.activations.linear:
        raise ValueError(
            f"layer {layer.name!r}: found activation {activation.__name__!r}, accepted is a ReLU layer of its own"
        )
