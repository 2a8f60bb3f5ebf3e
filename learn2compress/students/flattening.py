"""Copies a trained Keras model as one flat graph, whatever models it is nested of.

Saved models carry how they were trained: frozen layers, normalization that
averages over a long training, mixed precision. A copy is trained anew, so it
keeps none of that; what it computes in inference stays the same.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from learn2compress.config.parsing import ConfigError
from learn2compress.keras_internals import producer, walk_graph
from learn2compress.students.layers import BATCH_NORM_MOMENTUM
from learn2compress.students.operation_layers import apply_as_layer, rescaled


class FlatCopy:
    """Walks through a model and applies a copy of each layer.

    Attributes:
      outputs: The output of each layer, by its name.
    """

    def __init__(self) -> None:
        self.outputs: dict[str, keras.KerasTensor] = {}
        self._originals: dict[str, Any] = {}

    def apply(self, model: keras.Model, features: keras.KerasTensor) -> Any:
        """Applies copies of a model's layers, nested ones included.

        Args:
          model: With one input.
          features: What to apply them to, in the shape of the model's input.

        Returns:
          The model's outputs, in its own structure.

        Raises:
          ConfigError: two layers have one name, or one is applied twice.
        """
        # A sequential model becomes a graph of its layers.
        return walk_graph(keras.Model(model.inputs, model.outputs), [features], self._call)

    def set_weights(self, part: keras.Model) -> None:
        """Sets the weights of copied layers to those of their originals.

        Args:
          part: A model of copied layers, which are still of the kinds that they were copied as.
        """
        for layer in part.layers:
            original = self._originals.get(layer.name)
            # An operation became a layer; a normalization of fixed statistics one of another kind, or without weights.
            if original is not None and type(original) is type(layer) and layer.weights:
                layer.set_weights(original.get_weights())

    def _call(self, layer: keras.Operation, *args: Any, **kwargs: Any) -> Any:
        if isinstance(layer, keras.Model):
            return self.apply(layer, args[0])
        if layer.name in self._originals:
            raise ConfigError(
                f"found layer {layer.name!r} twice, accepted are models that apply each layer once and name no two "
                "alike"
            )
        self._originals[layer.name] = layer
        # A model may have been called with its normalization frozen: what is frozen here is for the run to say.
        kwargs.pop("training", None)
        outputs = _apply_copy(layer, args, kwargs)
        if isinstance(outputs, keras.KerasTensor) and producer(outputs).name == layer.name:
            self.outputs[layer.name] = outputs
        return outputs


def _apply_copy(layer: keras.Operation, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if not isinstance(layer, keras.Layer):
        outputs = apply_as_layer(layer, args, kwargs)
        return layer(*args, **kwargs) if outputs is None else outputs
    config = layer.get_config() | {"dtype": "float32"}
    if isinstance(layer, keras.layers.Rescaling) and _is_per_channel(config["scale"], config["offset"]):
        return rescaled(args[0], config["scale"], config["offset"], layer.name)
    if isinstance(layer, keras.layers.Normalization) and layer.mean is not None:
        if _is_last_axis(layer):
            scale, offset = _normalization(layer)
            return rescaled(args[0], scale, offset, layer.name)
        if layer.input_mean is None:
            config |= _statistics(layer)
    if isinstance(layer, keras.layers.BatchNormalization):
        # Published models average over 100 to 1000 steps, which may be all that a training of students has.
        config["momentum"] = BATCH_NORM_MOMENTUM
    copy = type(layer).from_config(config)
    copy.trainable = True
    return copy(*args, **kwargs)


def _is_per_channel(*values: Any) -> bool:
    return all(np.ndim(value) <= 1 for value in values)


def _is_last_axis(layer: keras.layers.Normalization) -> bool:
    """Returns whether there is one mean, or one for each channel of the last axis."""
    return np.size(layer.mean) in (1, np.shape(layer.mean)[-1])


def _statistics(layer: keras.layers.Normalization) -> dict[str, Any]:
    """Returns adapted statistics as settings: it uses those among its weights only where it is adapted or loaded."""
    found = {"mean": keras.ops.convert_to_numpy(layer.mean), "variance": keras.ops.convert_to_numpy(layer.variance)}
    kept = sorted(axis % found["mean"].ndim for axis in layer.axis)
    return {key: value.reshape([value.shape[axis] for axis in kept]).tolist() for key, value in found.items()}


def _normalization(layer: keras.layers.Normalization) -> tuple[list[float], list[float]]:
    """Returns the factor and the addend of each channel that a normalization of fixed statistics is."""
    mean = keras.ops.convert_to_numpy(layer.mean).astype(np.float64).reshape(-1)
    deviation = np.maximum(np.sqrt(keras.ops.convert_to_numpy(layer.variance).reshape(-1)), keras.config.epsilon())
    if layer.invert:
        return deviation.tolist(), mean.tolist()
    return (1.0 / deviation).tolist(), (-mean / deviation).tolist()
