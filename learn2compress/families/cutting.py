"""Cuts a sub-network out of a family, as a plain network with its own weights."""

from __future__ import annotations

import keras

from learn2compress.families.network import Exit, FamilyNetwork, View, output_name
from learn2compress.results.sub_networks import SubNetwork
from learn2compress.students.joint import plain_copy


def cut_out(network: FamilyNetwork, sub_network: SubNetwork, name: str) -> keras.Model:
    """Copies one sub-network out of a family.

    Example:
      >>> from learn2compress.config import FamilyConfig, StageConfig, TaskConfig, TrainingConfig
      >>> from learn2compress.families.cutting import cut_out
      >>> from learn2compress.families.network import build_family
      >>> from learn2compress.results.sub_networks import SubNetwork
      >>> training = TrainingConfig(stages=(StageConfig(8), StageConfig(16)))
      >>> network = build_family(TaskConfig(), 10, training, FamilyConfig(widths=(0.5, 1.0)))
      >>> small = cut_out(network, SubNetwork(0.5, stage=1, blocks=1, input_size=8), "small")
      >>> [layer.name for layer in small.layers][:2], small.layers[1].filters
      (['input', 'stage1_conv1'], 4)

    Args:
      network: The family.
      sub_network: One of its own.
      name: The student's name, by which the layers of its head begin.

    Returns:
      A plain functional model `[batch, *input_shape] -> [batch, num_classes]` of logits; one that computes at a smaller
      size than the input's begins with resizing.

    Raises:
      KeyError: the family has no such sub-network.
    """
    view, end = View(sub_network.width, sub_network.input_size), Exit(sub_network.stage, sub_network.blocks)
    head = f"{output_name(view, end)}_"

    def name_of(layer_name: str) -> str:
        if layer_name.startswith(head):
            return f"{name}_{layer_name.removeprefix(head)}"
        return layer_name.removeprefix(view.prefix)

    return plain_copy(part_of(network, view, end, name), name_of)


def part_of(network: FamilyNetwork, view: View, end: Exit, name: str | None = None) -> keras.Model:
    """Returns one sub-network with the family's own layers and weights.

    Args:
      network: The family.
      view: Width and size.
      end: Where it ends.
      name: Of the returned model.
    """
    model = network.views[view]
    return keras.Model(model.input, model.output[end.name], name=name)
