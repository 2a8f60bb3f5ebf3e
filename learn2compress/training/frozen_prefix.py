"""The part of a network that no trainable variable reaches, apart from the rest (transfer learning).

It computes the same in a step as it would within the whole network. Run before
the `tf.GradientTape`, no gradients of it are built, which would be thrown away:
Keras makes every variable one that a tape watches, frozen or not.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from learn2compress.keras_internals import leaf_layers, walk_graph


def split_frozen_prefix(network: keras.Model) -> tuple[keras.Model | None, keras.Model]:
    """Splits a network at the boundary of what is trainable now.

    The prefix is every operation that has no trainable variable and is applied to
    the outputs of such operations alone. A network inside the network is one
    operation: where some of it is trainable, all of it is in the rest.

    Args:
      network: A functional network; its layers and weights are those of both parts, too.

    Returns:
      The prefix, from the network's input to what the rest takes of it, and the rest, from there to the network's
      outputs: `rest(prefix(inputs, training=True), training=True)` is what the network returns, random numbers and
      moving statistics included. `None` and the network itself where no layer of the prefix is frozen.
    """
    split = _Split(network.inputs)
    outputs = keras.tree.map_structure(split.input_of, walk_graph(network, network.inputs, split.call))
    prefix = keras.Model(network.input, [tensor for tensor, _ in split.boundary.values()])
    if not any(layer.weights and not layer.trainable for layer in leaf_layers(prefix)):
        return None, network
    return prefix, keras.Model([taken for _, taken in split.boundary.values()], outputs)


class _Split:
    """Calls the operations of a network anew, those of the rest on inputs of its own.

    Not by `keras.Model` from inner tensors, which loses a layer that is applied on both sides of the boundary.

    Attributes:
      boundary: What the rest takes of the prefix, each beside the rest's input for it, by the id of the first.
    """

    def __init__(self, inputs: Sequence[keras.KerasTensor]):
        self.boundary: dict[int, tuple[keras.KerasTensor, keras.KerasTensor]] = {}
        self._prefix = {id(tensor): tensor for tensor in inputs}

    def call(self, operation: keras.Operation, *args: Any, **kwargs: Any) -> Any:
        """Calls an operation in the part that it belongs to, and returns its symbolic outputs."""
        tensors = [item for item in keras.tree.flatten((args, kwargs)) if isinstance(item, keras.KerasTensor)]
        if not _is_trainable(operation) and all(id(tensor) in self._prefix for tensor in tensors):
            outputs = operation(*args, **kwargs)
            self._prefix |= {id(tensor): tensor for tensor in keras.tree.flatten(outputs)}
            return outputs
        args, kwargs = keras.tree.map_structure(self.input_of, (args, kwargs))
        return operation(*args, **kwargs)

    def input_of(self, item: Any) -> Any:
        """Returns the rest's input for a tensor of the prefix, and anything else as it is."""
        if id(item) not in self._prefix:
            return item
        if id(item) not in self.boundary:
            self.boundary[id(item)] = item, keras.Input(batch_shape=item.shape, dtype=item.dtype)
        return self.boundary[id(item)][1]


def _is_trainable(operation: keras.Operation) -> bool:
    # Of the variables, not of the layer: a layer may use those of another.
    return any(variable.trainable for variable in getattr(operation, "variables", ()))
