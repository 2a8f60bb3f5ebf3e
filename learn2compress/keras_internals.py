"""The private parts of Keras that this library needs, in one place: what a new version of Keras may break.

Keras 3 builds a functional model of operations that are applied to symbolic
tensors. Which operation made a tensor, and what an operation was applied to, is
known to Keras and not said by its public interface.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import keras


def producer(tensor: keras.KerasTensor) -> Any:
    """Returns the operation, mostly a layer, that made a symbolic tensor."""
    return tensor._keras_history.operation


def producer_inputs(tensor: keras.KerasTensor) -> list[keras.KerasTensor]:
    """Returns what the operation that made a symbolic tensor was applied to that time; none for an input."""
    history = tensor._keras_history
    inputs: list[keras.KerasTensor] = history.operation._inbound_nodes[history.node_index].input_tensors
    return inputs


def num_applications(layer: keras.Layer) -> int:
    """Returns how often a layer was applied to symbolic tensors."""
    return len(layer._inbound_nodes)


def all_inputs(operation: keras.Operation) -> list[keras.KerasTensor]:
    """Returns the symbolic tensors that an operation, mostly a layer, was ever applied to, in their order."""
    return [tensor for node in operation._inbound_nodes for tensor in node.input_tensors]


def leaf_layers(network: keras.Model) -> list[keras.Layer]:
    """Returns the layers of a network and of the networks inside it, without those networks."""
    return [layer for layer in network._flatten_layers() if not isinstance(layer, keras.Model)]


def parts_of(layer: keras.Layer) -> list[keras.Layer]:
    """Returns a layer and all layers inside it, such as the projections of an attention."""
    return list(layer._flatten_layers())


def walk_graph(network: keras.Model, inputs: Sequence[Any], visit: Callable[..., Any]) -> Any:
    """Runs through a functional network with a function in place of its layers.

    The public way, `keras.models.clone_model`, takes a nested network as one
    layer, and only takes symbolic tensors.

    Args:
      network: A functional network.
      inputs: One for each input of the network, of any type that `visit` takes.
      visit: Called with each operation but the inputs, in the graph's order, and
        with what the operation is applied to; what it returns is passed on.

    Returns:
      What `visit` returned for the network's outputs, in their structure.
    """
    return network._run_through_graph(inputs, call_fn=visit)


def trainable_kernel(layer: keras.Layer) -> keras.Variable:
    """Returns the trainable kernel of a layer; of one that can be quantized, `layer.kernel` may be a view of it."""
    return layer._kernel if hasattr(layer, "_kernel") else layer.kernel


def functional_class() -> type:
    """Returns the class of functional models, which a saved model names."""
    from keras.src.models.functional import Functional

    return Functional


def operation_classes(module: str) -> dict[str, type]:
    """Returns the operations that a module behind `keras.ops` defines, by the names that a saved model has them under.

    Args:
      module: Such as "numpy" or "nn".
    """
    from keras.src import ops

    defining = getattr(ops, module)
    return {
        name: item
        for name, item in vars(defining).items()
        if inspect.isclass(item) and issubclass(item, keras.Operation) and item.__module__ == defining.__name__
    }
