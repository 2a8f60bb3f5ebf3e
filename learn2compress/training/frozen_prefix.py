"""The part of a network that no trainable variable reaches, apart from the rest (transfer learning).

It computes the same in a step as it would within the whole network. Run before
the `tf.GradientTape`, no gradients of it are built, which would be thrown away:
Keras makes every variable one that a tape watches, frozen or not.
"""

from __future__ import annotations

import keras

from learn2compress.keras_internals import leaf_layers, producer, producer_inputs


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
    boundary = _boundary(network)
    prefix = keras.Model(network.input, boundary)
    if not any(layer.weights and not layer.trainable for layer in leaf_layers(prefix)):
        return None, network
    frozen = {id(tensor) for tensor in boundary}
    # Keras can't build a network of which an inner tensor is input and output at once.
    outputs = keras.tree.map_structure(
        lambda tensor: keras.layers.Identity()(tensor) if id(tensor) in frozen else tensor, network.output
    )
    return prefix, keras.Model(boundary, outputs)


def _boundary(network: keras.Model) -> list[keras.KerasTensor]:
    """Returns what the prefix computes for the rest, and outputs of the network that it computes whole."""
    tensors: dict[int, keras.KerasTensor] = {}
    consumers: dict[int, list[keras.KerasTensor]] = {}
    waiting = list(network.outputs)
    while waiting:
        tensor = waiting.pop()
        if id(tensor) in tensors:
            continue
        tensors[id(tensor)] = tensor
        for source in producer_inputs(tensor):
            consumers.setdefault(id(source), []).append(tensor)
            waiting.append(source)
    learning: set[int] = set()
    waiting = [tensor for tensor in tensors.values() if _is_trainable(producer(tensor))]
    while waiting:
        tensor = waiting.pop()
        if id(tensor) not in learning:
            learning.add(id(tensor))
            waiting += consumers.get(id(tensor), [])
    taken = {id(output) for output in network.outputs}
    for key, after in consumers.items():
        if any(id(consumer) in learning for consumer in after):
            taken.add(key)
    return [tensor for key, tensor in tensors.items() if key in taken - learning]


def _is_trainable(operation: keras.Operation) -> bool:
    # Of the variables, not of the layer: a layer may use those of another.
    return any(variable.trainable for variable in getattr(operation, "variables", ()))
