"""What was measured on the sub-networks of a family: the content of `front.json`."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class SubNetwork:
    """One sub-network: how wide it is, behind which block it ends, and what size it computes at.

    Attributes:
      width: Multiple of the channels of the widest.
      stage: The last stage that it has some of, from 1.
      blocks: Blocks of that stage that it has.
      input_size: Height in pixels that it resizes images to; `None` for text.
    """

    width: float
    stage: int
    blocks: int
    input_size: int | None = None

    def __str__(self) -> str:
        size = "" if self.input_size is None else f" at {self.input_size} pixels"
        return f"width {self.width:g}, stage {self.stage} block {self.blocks}{size}"


@dataclasses.dataclass(frozen=True)
class SubNetworkResult:
    """What was measured on a sub-network of float weights, with batch statistics of its own.

    Attributes:
      sub_network: Which.
      top_1: Accuracy on the examples kept back, 0..1.
      num_parameters: Its weights.
      macs: Multiply-accumulate operations of one inference.
      model_bytes: The int8 file that it would ship as; `None` where others are more accurate with no more operations
        and parameters, so that no file was made.
    """

    sub_network: SubNetwork
    top_1: float
    num_parameters: int
    macs: int
    model_bytes: int | None = None


@dataclasses.dataclass(frozen=True)
class FamilyFront:
    """All sub-networks of a family.

    Attributes:
      num_examples: Examples kept back that accuracies were measured on.
      results: Of every sub-network, the most accurate first.
    """

    num_examples: int
    results: tuple[SubNetworkResult, ...]

    @property
    def front(self) -> tuple[SubNetworkResult, ...]:
        """Returns what no other is as good as or better than in accuracy, file size and operations at once."""
        return tuple(result for result in self.results if result.model_bytes is not None)
