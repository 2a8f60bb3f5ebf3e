"""Chooses the channels to remove: pure functions of a graph and of the importance of its units.

Units are ranked over all layers by their importance for each multiply-accumulate
operation that they cost, and are removed in steps of as many as 8-bit kernels
take at once.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from learn2compress.pruning.channel_graph import ChannelGraph, ChannelGroup

# Share of what a group would keep by itself that it keeps in any case.
_SPARED_RATIO = 0.5
# Exchanges look at operations alone: no more of them than it takes to be this near, as a ratio.
_NEAR_ENOUGH = 0.02

Levels = tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class ChannelRemoval:
    """A decision which channels are removed.

    Attributes:
      macs_before: Multiply-accumulate operations of the student.
      macs_after: Those of the smaller one; as many where nothing is removed.
      kept: Positions within each group that are kept, by the group's name.
    """

    macs_before: int
    macs_after: int
    kept: dict[str, tuple[int, ...]]


def choose_removal(
    graph: ChannelGraph, importance: np.ndarray, target_macs: float, *, relative: bool = False
) -> ChannelRemoval:
    """Chooses the units to remove.

    The next step is always the one whose units have the least importance for each
    operation that they save now, while operations come nearer to the target; then
    steps of two groups are exchanged for as long as that comes nearer still. A
    group keeps at least half of the units that it would keep if all layers were
    narrowed alike: the importance of single units does not hold for nearly all.

    Args:
      graph: Of the network.
      importance: Of each unit, `[graph.num_units]`; a group with a NaN is kept whole.
      target_macs: Multiply-accumulate operations to come as near to as rounding allows.
      relative: Compare a step to the importance left in its group, for an
        importance that is not comparable between layers.

    Returns:
      The decision; nothing is removed where no step comes nearer to the target.
    """
    macs_before = graph.macs(np.ones(graph.num_units, bool))
    least_ratio = _SPARED_RATIO * math.sqrt(target_macs / macs_before)
    ranked = [group for group in graph.groups if not np.any(np.isnan(importance[group.units]))]
    search = _Search(graph, [_Ladder.of(group, importance, least_ratio) for group in ranked], target_macs, relative)
    levels = search.exchange(search.descend())
    kept = search.kept(levels)
    positions = {group.name: tuple(np.flatnonzero(kept[group.units]).tolist()) for group in graph.groups}
    return ChannelRemoval(macs_before, search.macs(levels), positions)


def kept_units(graph: ChannelGraph, removal: ChannelRemoval) -> np.ndarray:
    """Returns which units a decision keeps.

    Args:
      graph: Like the one that the decision was about.
      removal: The decision.

    Returns:
      bool `[graph.num_units]`.
    """
    kept = np.ones(graph.num_units, bool)
    for group in graph.groups:
        is_kept = np.isin(np.arange(group.units.size), removal.kept[group.name])
        kept[group.units[~is_kept]] = False
    return kept


@dataclasses.dataclass(frozen=True)
class _Ladder:
    """The sizes that one group may have, each a level below the one before.

    Attributes:
      units: Of the group, the least important first.
      importance: Of each of them.
      sizes: Numbers of units that may be kept, from all of them down.
    """

    units: np.ndarray
    importance: np.ndarray
    sizes: tuple[int, ...]

    @classmethod
    def of(cls, group: ChannelGroup, importance: np.ndarray, least_ratio: float) -> _Ladder:
        """Returns the ladder of a group.

        Args:
          group: Channels that are removed together.
          importance: Of each unit of the network, `[num_units]`.
          least_ratio: Share of the group's units that is kept at least, 0..1.
        """
        units = group.units[np.argsort(importance[group.units], kind="stable")]
        sizes = [units.size]
        while (smaller := group.next_smaller(sizes[-1])) is not None and smaller >= least_ratio * units.size:
            sizes.append(smaller)
        return cls(units, importance[units], tuple(sizes))

    def importance_of_step(self, level: int, relative: bool) -> float:
        """Returns the importance of the units that are removed between a level and the next.

        Args:
          level: Of the two the one with more units.
          relative: Divide it by the importance of all units that are kept at `level`.
        """
        first, end = (self.units.size - size for size in self.sizes[level : level + 2])
        removed = float(np.sum(self.importance[first:end]))
        return removed / max(float(np.sum(self.importance[first:])), np.finfo(np.float64).tiny) if relative else removed


class _Search:
    """Searches the levels of all groups, a tuple of one number for each."""

    def __init__(self, graph: ChannelGraph, ladders: list[_Ladder], target_macs: float, relative: bool):
        self._graph, self._ladders, self._target, self._relative = graph, ladders, target_macs, relative
        self._macs: dict[Levels, int] = {}

    def kept(self, levels: Levels) -> np.ndarray:
        """Returns the units that are kept at these levels, bool `[num_units]`."""
        kept = np.ones(self._graph.num_units, bool)
        for ladder, level in zip(self._ladders, levels, strict=True):
            kept[ladder.units[: ladder.units.size - ladder.sizes[level]]] = False
        return kept

    def macs(self, levels: Levels) -> int:
        """Returns the operations at these levels."""
        if levels not in self._macs:
            self._macs[levels] = self._graph.macs(self.kept(levels))
        return self._macs[levels]

    def descend(self) -> Levels:
        """Removes units from all of them on down, the cheapest step first, until none comes nearer to the target."""
        levels: Levels = (0,) * len(self._ladders)
        while True:
            steps = {index: self._moved(levels, index, 1) for index in self._movable(levels)}
            nearer = {i: step for i, step in steps.items() if self._distance(step) < self._distance(levels)}
            if not nearer:
                return levels
            cheapest = min(nearer, key=lambda index: self._price(levels, index))
            if self.macs(nearer[cheapest]) < self._target:
                cheapest = min(nearer, key=lambda index: self._distance(nearer[index]))
            levels = nearer[cheapest]

    def exchange(self, levels: Levels) -> Levels:
        """Takes back a step of one group for one of another, until operations are near enough or come no nearer."""
        while self._distance(levels) > _NEAR_ENOUGH * self._target:
            exchanged = [
                self._moved(self._moved(levels, down, 1), up, -1)
                for down in self._movable(levels)
                for up, level in enumerate(levels)
                if level > 0 and up != down
            ]
            nearest = min(exchanged, key=self._distance, default=levels)
            if self._distance(nearest) >= self._distance(levels):
                return levels
            levels = nearest
        return levels

    def _movable(self, levels: Levels) -> list[int]:
        return [index for index, ladder in enumerate(self._ladders) if levels[index] + 1 < len(ladder.sizes)]

    def _moved(self, levels: Levels, index: int, by: int) -> Levels:
        return (*levels[:index], levels[index] + by, *levels[index + 1 :])

    def _distance(self, levels: Levels) -> float:
        return abs(self.macs(levels) - self._target)

    def _price(self, levels: Levels, index: int) -> float:
        """Returns the importance of a group's next step for each operation that it saves."""
        saved = self.macs(levels) - self.macs(self._moved(levels, index, 1))
        return self._ladders[index].importance_of_step(levels[index], self._relative) / max(saved, 1)
