"""Copies a trained Keras model as one flat graph, whatever models it is nested of.

Saved models carry how they were trained: frozen layers, normalization that
averages over a long training, mixed precision. A copy is trained anew, so it
keeps none of that; what it computes in inference stays the same.
"""

from __future__ import annotations

from typing import Any

import keras

from learn2compress.config.parsing import ConfigError
from learn2compress.keras_internals import producer, walk_graph
from learn2compress.students.layers import BATCH_NORM_MOMENTUM


class FlatCopy:
    """Walks through a model and applies a copy of each layer.

    Attributes:
      outputs: The output of each layer, by its name.
    """

    def __init__(self) -> None:
        self.outputs: dict[str, keras.KerasTensor] = {}
        self._originals: dict[str, keras.Layer] = {}

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
            if layer.name in self._originals:
                layer.set_weights(self._originals[layer.name].get_weights())

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


def rescaled(features: keras.KerasTensor, scale: Any, offset: Any, name: str) -> keras.KerasTensor:
    """Adds a scaling, as one layer together with a scaling right before it; none where nothing is left to scale.

    Args:
      features: Any shape.
      scale: Multiplies them.
      offset: Is added then.
      name: Of the layer.

    Returns:
      `features * scale + offset`.
    """
    before = producer(features)
    if isinstance(before, keras.layers.Rescaling):
        together = (before.scale, before.offset, scale, offset)
        if all(isinstance(value, int | float) for value in together):
            scale, offset = before.scale * scale, before.offset * scale + offset
            features = before.input
    if isinstance(scale, int | float) and isinstance(offset, int | float) and (scale, offset) == (1, 0):
        return features
    return keras.layers.Rescaling(scale, offset, name=name)(features)


def _apply_copy(layer: keras.Operation, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if not isinstance(layer, keras.Layer):
        return layer(*args, **kwargs)
    config = layer.get_config() | {"dtype": "float32"}
    if isinstance(layer, keras.layers.Rescaling):
        return rescaled(args[0], config["scale"], config["offset"], layer.name)
    if isinstance(layer, keras.layers.BatchNormalization):
        # Published models average over 100 to 1000 steps, which may be all that a training of students has.
        config["momentum"] = BATCH_NORM_MOMENTUM
    copy = type(layer).from_config(config)
    copy.trainable = True
    return copy(*args, **kwargs)
