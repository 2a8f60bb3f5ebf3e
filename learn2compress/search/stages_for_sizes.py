"""Chooses one trunk of `resnet` stages for students whose files have each a size limit, and where each leaves it.

Small networks are the more accurate the more parameters and operations they have. A size bounds the parameters alone,
and a phone pays for each operation, so of all trunks on which every student finds an end of its own within its limit
the one with the most parameters is chosen, operations counting a quarter as much. A student that leaves at the first
resolution, where a block sees little of the image, counts as if it had fewer parameters.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Mapping, Sequence

from learn2compress.config import StageConfig
from learn2compress.search.stages_for_budget import Trunk, joined_stages
from learn2compress.students.resnet_cost import StudentCost, resnet_cost

# Channels at the first resolution; multiples of 4.
_FIRST_CHANNELS = (4, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256)
# Times as many at the second and third. The first is the usual one; others are for limits far apart or near each other.
_GROWTHS = ((2, 4), (1, 2), (2, 2), (2, 3), (3, 6), (4, 8))
_MOST_BLOCKS = 3
_WEIGHT_OF_OPERATIONS = 0.25
_LOSS_AT_FIRST_RESOLUTION = 1.0  # of the logarithm
_MOST_CHANNELS = 1024
# A file may be larger than what is computed by so much.
_ROOM = 1.01


@dataclasses.dataclass(frozen=True)
class SizedTrunk:
    """Stages of one trunk, and the stage after which each student leaves it.

    Attributes:
      stages: For `training.stages`.
      stage_of: By student name; 1 is the first.
      cost_of: What each student costs, by name.
    """

    stages: tuple[StageConfig, ...]
    stage_of: Mapping[str, int]
    cost_of: Mapping[str, StudentCost]


def trunk_for_sizes(
    input_shape: Sequence[int], labels: Sequence[str], max_model_bytes: Mapping[str, int]
) -> SizedTrunk | None:
    """Chooses the stages.

    Example:
      >>> from learn2compress.search.stages_for_sizes import trunk_for_sizes
      >>> trunk = trunk_for_sizes((32, 32, 3), ["cat", "dog"], {"large": 500_000, "small": 100_000})
      >>> trunk.stage_of["large"] > trunk.stage_of["small"]
      True
      >>> trunk.cost_of["small"].model_bytes <= 100_000
      True

    Args:
      input_shape: Height, width and channels of the images.
      labels: Class names, at least 2; a file holds them.
      max_model_bytes: Largest int8 file of each student, by name, at least one.

    Returns:
      The trunk; `None` where there is none on which all students find an end of their own within their limits.
    """
    best: SizedTrunk | None = None
    most = -math.inf
    for trunk in _trunks():
        blocks = trunk.blocks_for(input_shape)
        # The largest student has all of the trunk.
        if resnet_cost(input_shape, labels, blocks).model_bytes * _ROOM > max(max_model_bytes.values()):
            continue
        costs = [resnet_cost(input_shape, labels, blocks[:end]) for end in range(1, len(blocks) + 1)]
        ends = _ends([cost.model_bytes for cost in costs], max_model_bytes)
        if ends is None or max(ends.values()) < len(blocks):
            continue
        worth = sum(_worth(costs[end - 1], end <= trunk.blocks[0]) for end in ends.values())
        if worth > most:
            most, best = worth, _sized(blocks, ends, costs)
    return best


def _worth(cost: StudentCost, leaves_early: bool) -> float:
    worth = math.log(cost.num_parameters) + _WEIGHT_OF_OPERATIONS * math.log(cost.macs)
    return worth - _LOSS_AT_FIRST_RESOLUTION * leaves_early


def _trunks() -> list[Trunk]:
    shapes = itertools.product(_FIRST_CHANNELS, _GROWTHS, itertools.product(range(1, _MOST_BLOCKS + 1), repeat=3))
    return [
        Trunk((first, first * second, first * third), (blocks[0], blocks[1], blocks[2]))
        for first, (second, third), blocks in shapes
        if first * third <= _MOST_CHANNELS
    ]


def _ends(model_bytes: Sequence[int], limits: Mapping[str, int]) -> dict[str, int] | None:
    """Returns after how many blocks each student leaves: as deep as its limit allows, each at another place.

    Args:
      model_bytes: Of a student that leaves after 1, 2, ... blocks.
      limits: Largest file of each student, by name.
    """
    ends: dict[str, int] = {}
    deepest = len(model_bytes)
    for name in sorted(limits, key=lambda name: -limits[name]):
        fitting = [end for end in range(1, deepest + 1) if model_bytes[end - 1] * _ROOM <= limits[name]]
        if not fitting:
            return None
        ends[name] = fitting[-1]
        deepest = fitting[-1] - 1
    return ends


def _sized(blocks: Sequence[StageConfig], ends: Mapping[str, int], costs: Sequence[StudentCost]) -> SizedTrunk:
    stages = joined_stages(blocks, tuple(ends.values()))
    depths = list(itertools.accumulate(stage.blocks for stage in stages))
    return SizedTrunk(
        stages,
        {name: depths.index(end) + 1 for name, end in ends.items()},
        {name: costs[end - 1] for name, end in ends.items()},
    )
