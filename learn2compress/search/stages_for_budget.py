"""Chooses the stages of a family of `resnet` students for an input and a budget: what `l2c init` writes down.

Small networks are the more accurate the more parameters and the more operations
they have, and each budget bounds one of the two. So of all trunks within the budgets the
one with the largest product of both is chosen: where bytes are scarce it has more
blocks at a high resolution, and where operations are scarce at a low one.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Sequence

from learn2compress.config import StageConfig
from learn2compress.config.parsing import ConfigError
from learn2compress.students.resnet_cost import LEAST_SIDE, StudentCost, first_stage_size, halved, resnet_cost

STUDENT_NAMES = ("large", "medium", "small")

# 8x8: no stage halves an image to fewer.
_LEAST_PIXELS = 64
# Channels at the first, second and third resolution; multiples of 16, which processors take at once. More are for
# budgets that leave room for more than the most blocks of the usual ones, few for those that nothing else fits.
_CHANNELS = (16, 32, 64)
_MORE_CHANNELS = ((16, 48, 64), (32, 48, 64))
_FEW_CHANNELS = ((16, 16, 32), (16, 32, 32), (16, 32, 48))
_DEFAULT_BLOCKS, _MOST_BLOCKS = 2, 3
# Bytes of the medium and the small student over those of the large one, as near as the ends of blocks are.
_MEDIUM_RATIO, _SMALL_RATIO = 1 / 2, 1 / 4


@dataclasses.dataclass(frozen=True)
class StudentSize:
    """One student of a family.

    Attributes:
      name: One of `STUDENT_NAMES`.
      stage: The stage after which it leaves the trunk; 1 is the first.
      cost: What it costs.
    """

    name: str
    stage: int
    cost: StudentCost


@dataclasses.dataclass(frozen=True)
class ResNetFamily:
    """Stages of one trunk, and the students that leave it.

    Attributes:
      stages: For `training.stages`.
      students: From the largest to the smallest.
    """

    stages: tuple[StageConfig, ...]
    students: tuple[StudentSize, ...]


_Three = tuple[int, int, int]


def resnet_family(
    input_shape: Sequence[int],
    labels: Sequence[str],
    *,
    max_model_bytes: int | None = None,
    max_macs: int | None = None,
) -> ResNetFamily:
    """Chooses the stages of three students.

    Example:
      >>> from learn2compress.search.stages_for_budget import resnet_family
      >>> family = resnet_family((32, 32, 3), ["cat", "dog"], max_macs=12_500_000)
      >>> [(stage.channels, stage.blocks) for stage in family.stages]
      [(16, 1), (32, 1), (64, 1)]

    Args:
      input_shape: Height, width and channels of the images.
      labels: Class names, at least 2; a file holds them.
      max_model_bytes: Largest int8 file of the largest student.
      max_macs: Most multiply-accumulate operations of the largest student.

    Returns:
      Without a budget two blocks at each resolution, and otherwise up to three: what makes the most of the budgets.

    Raises:
      ConfigError: even the smallest trunk breaks a budget.
    """
    budget = _Budget(max_model_bytes, max_macs)
    if max_model_bytes is None and max_macs is None:
        return _family(Trunk(_CHANNELS, (_DEFAULT_BLOCKS,) * 3), input_shape, labels)

    def fitting(*all_channels: _Three) -> dict[Trunk, StudentCost]:
        shapes = itertools.product(all_channels, itertools.product(range(1, _MOST_BLOCKS + 1), repeat=3))
        trunks = [Trunk(channels, (first, second, third)) for channels, (first, second, third) in shapes]
        costs = {trunk: resnet_cost(input_shape, labels, trunk.blocks_for(input_shape)) for trunk in trunks}
        return {trunk: cost for trunk, cost in costs.items() if budget.problem(cost) is None}

    found = fitting(_CHANNELS)
    if Trunk(_CHANNELS, (_MOST_BLOCKS,) * 3) in found:
        found |= fitting(*_MORE_CHANNELS)
    found = found or fitting(*_FEW_CHANNELS)
    if not found:
        smallest = resnet_cost(input_shape, labels, Trunk(_FEW_CHANNELS[0], (1, 1, 1)).blocks_for(input_shape))
        raise ConfigError(
            f"{budget.problem(smallest)}: what the largest of the smallest three students on one trunk needs for "
            f"images of {'x'.join(map(str, input_shape))} and {len(labels)} classes"
        )
    best = max(found, key=lambda trunk: found[trunk].num_parameters * found[trunk].macs)
    return _family(best, input_shape, labels)


@dataclasses.dataclass(frozen=True)
class _Budget:
    max_model_bytes: int | None
    max_macs: int | None

    def problem(self, cost: StudentCost) -> str | None:
        """Returns which limit a student breaks, and what it needs; `None` where it breaks none."""
        if self.max_model_bytes is not None and cost.model_bytes > self.max_model_bytes:
            return f"max_model_bytes: found {self.max_model_bytes}, accepted is at least {cost.model_bytes}"
        if self.max_macs is not None and cost.macs > self.max_macs:
            return f"max_macs: found {self.max_macs}, accepted is at least {cost.macs}"
        return None


@dataclasses.dataclass(frozen=True)
class Trunk:
    """A trunk of three resolutions.

    Attributes:
      channels: At the first, second and third resolution.
      blocks: Likewise.
    """

    channels: _Three
    blocks: _Three

    def blocks_for(self, input_shape: Sequence[int]) -> tuple[StageConfig, ...]:
        """Returns the blocks, each as a stage: the first of a resolution halves, where enough pixels are left.

        Args:
          input_shape: Height, width and channels of the images.
        """
        height, width = first_stage_size(*input_shape[:2])
        found: list[StageConfig] = []
        for number, (channels, num_blocks) in enumerate(zip(self.channels, self.blocks, strict=True)):
            half = halved(height), halved(width)
            halve = number > 0 and half[0] * half[1] >= _LEAST_PIXELS and min(half) >= LEAST_SIDE
            height, width = half if halve else (height, width)
            found += [StageConfig(channels, halve=halve and block == 0) for block in range(num_blocks)]
        return tuple(found)


def _family(trunk: Trunk, input_shape: Sequence[int], labels: Sequence[str]) -> ResNetFamily:
    blocks = trunk.blocks_for(input_shape)
    model_bytes = [resnet_cost(input_shape, labels, blocks[:end]).model_bytes for end in range(1, len(blocks) + 1)]
    ends = _ends(trunk.blocks[0], model_bytes)
    stages = joined_stages(blocks, ends)
    depths = list(itertools.accumulate(stage.blocks for stage in stages))
    students = []
    for name, end in zip(STUDENT_NAMES, ends, strict=True):
        stage = depths.index(end) + 1
        students.append(StudentSize(name, stage, resnet_cost(input_shape, labels, stages[:stage])))
    return ResNetFamily(stages, tuple(students))


def _ends(num_first: int, model_bytes: Sequence[int]) -> _Three:
    """Returns after how many blocks the large, the medium and the small student leave the trunk.

    None leaves it at the first resolution, where a block sees little of the image, unless there is no other place: then
    the small one leaves at its end.

    Args:
      num_first: Blocks at the first resolution.
      model_bytes: Of a student that leaves after 1, 2, ... blocks.
    """
    ends = list(range(num_first + 1, len(model_bytes) + 1))
    if len(ends) < len(STUDENT_NAMES):
        ends.insert(0, num_first)
    large = ends[-1]

    def distance(end: int, ratio: float) -> float:
        return abs(math.log(model_bytes[end - 1] / (ratio * model_bytes[large - 1])))

    medium = min(ends[1:-1], key=lambda end: distance(end, _MEDIUM_RATIO))
    small = min((end for end in ends if end < medium), key=lambda end: distance(end, _SMALL_RATIO))
    return large, medium, small


def joined_stages(blocks: Sequence[StageConfig], ends: Sequence[int]) -> tuple[StageConfig, ...]:
    """Returns blocks as stages: one begins where channels or the size change, and behind each of `ends`.

    Args:
      blocks: Each as a stage of its own.
      ends: After how many blocks students leave.
    """
    stages: list[StageConfig] = []
    for index, block in enumerate(blocks):
        if stages and not block.halve and block.channels == stages[-1].channels and index not in ends:
            stages[-1] = dataclasses.replace(stages[-1], blocks=stages[-1].blocks + 1)
        else:
            stages.append(block)
    return tuple(stages)
