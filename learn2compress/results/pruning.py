"""What was measured about pruning one student: the content of `sensitivity.json`.

Accuracy here is that on training examples, which decisions may be made by; the
held-out split stays clean for Evaluate.
"""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class PrunedAccuracy:
    """Accuracy with a share of one layer pruned.

    Attributes:
      sparsity_ratio: Share of the layer's weights, blocks or channels that are zero.
      top_1: Accuracy then, 0..1.
    """

    sparsity_ratio: float
    top_1: float


@dataclasses.dataclass(frozen=True)
class LayerPruningSensitivity:
    """The cost of pruning one layer alone, without any training after it.

    Attributes:
      layer: Its name; where channels are pruned, the names of all layers that make them, joined by "+".
      num_weights: Weights that are zero with all of it pruned.
      accuracies: By rising sparsity.
    """

    layer: str
    num_weights: int
    accuracies: tuple[PrunedAccuracy, ...]


@dataclasses.dataclass(frozen=True)
class PruneSensitivity:
    """The sensitivity of each layer of one student that can be pruned.

    Attributes:
      student: Its name.
      method: What is pruned together, as configured; an `n_of_m` pattern has one
        sparsity, so single weights stand for it here.
      num_examples: Training examples that accuracies were measured on, the split's first.
      num_kept_back: How many of them were kept back from training: all of them, or too few to measure on, so that
        accuracies are those of examples that the student was trained on.
      top_1: Accuracy of the unpruned student on them, 0..1.
      layers: In the order of the network.
    """

    student: str
    method: str
    num_examples: int
    num_kept_back: int
    top_1: float
    layers: tuple[LayerPruningSensitivity, ...]
