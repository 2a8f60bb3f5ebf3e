"""Features inside a Keras teacher, which students may follow beside its logits.

FitNets (Romero et al., arXiv:1412.6550) teach by a hidden layer. It is read off
during the very forward pass that computes the logits, by looking at what the
layer takes or returns: Keras can't make a model of a tensor inside a nested model.
"""

from __future__ import annotations

import contextlib
import difflib
from collections.abc import Iterator
from typing import Any

import keras
import tensorflow as tf

from learn2compress.config.parsing import ConfigError

_FIELD = "training.distillation.hint_layer"


class HintTap:
    """Reads the features of one layer.

    Args:
      model: The teacher.
      layer: Name of a layer, whose output is read; nested models are searched, too.
        None reads what the last layer with weights takes.

    Raises:
      ConfigError: there is no such layer.
    """

    def __init__(self, model: keras.Model, layer: str | None) -> None:
        self._takes_input = layer is None
        self._layer = _last_with_weights(model) if layer is None else _named(model, layer)
        self._seen: Any = None

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Records what the layer takes or returns while the block runs the model, for `features`."""
        original = self._layer.call

        def call(*args: Any, **kwargs: Any) -> Any:
            outputs = original(*args, **kwargs)
            self._seen = (*args, *kwargs.values())[0] if self._takes_input else outputs
            return outputs

        self._layer.call = call
        try:
            yield
        finally:
            del self._layer.call

    def features(self) -> Any:
        """Returns the features of the latest run, once.

        Returns:
          float32 `[batch, channels]`; images and sequences are averaged over places.

        Raises:
          ConfigError: the layer has not one output, or its channels are not known.
        """
        seen, self._seen = self._seen, None
        shape = getattr(seen, "shape", None)
        if shape is None or shape.rank is None or shape.rank < 2 or shape[-1] is None:
            raise ConfigError(
                f"{_FIELD}: found a layer {self._layer.name!r} with outputs of shape {shape}, "
                "accepted is one output of [batch, ..., channels]"
            )
        return tf.reduce_mean(tf.cast(seen, tf.float32), axis=list(range(1, shape.rank - 1)))


def _last_with_weights(model: keras.Model) -> keras.Layer:
    layers = [layer for layer in _all_layers(model) if layer.weights]
    if not layers:
        raise ConfigError(f"{_FIELD}: found a teacher without weights, accepted is the name of one of its layers")
    return layers[-1]


def _named(model: keras.Model, name: str) -> keras.Layer:
    found = [layer for layer in _all_layers(model, with_models=True) if layer.name == name]
    if found:
        return found[0]
    names = [layer.name for layer in _all_layers(model, with_models=True)]
    close = difflib.get_close_matches(name, names) or names[-3:]
    raise ConfigError(
        f"{_FIELD}: found no layer {name!r} in the teacher, accepted are its layers, such as {', '.join(close)}"
    )


def _all_layers(model: keras.Model, with_models: bool = False) -> Iterator[keras.Layer]:
    """Yields layers in the order of computation, those of nested models in their place."""
    for layer in model.layers:
        is_model = isinstance(layer, keras.Model)
        if with_models or not is_model:
            yield layer
        if is_model:
            yield from _all_layers(layer, with_models)
