"""Figures of times taken in rounds: pure functions of numbers.

What is compared is the fastest inference of each file by the processor time of its
thread: the wall clock counts the time in which another process had the processor,
and means and medians count what the other file left of the caches. Processor time
is not free of the neighbours either, who share caches, memory and (with
simultaneous multithreading) the core, but they are rarely there in every round.

The interval is that of subsampling, as no bootstrap is consistent for a minimum
(Politis, Romano and Wolf, Subsampling, 1999): all halves of the rounds, and all
majorities of the processes in which they were taken, as where a process finds its
memory makes it faster or slower from its start to its end.
"""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from learn2compress.results.latency import Clock, Latency, MachineLoad, ThreadLatency

_MOST_BLOCKS = 10  # of rounds that follow each other: 252 halves


@dataclass(frozen=True)
class Rounds:
    """Times of one model in each round.

    Attributes:
      mean_ms: Mean of an inference by the wall clock.
      fastest_ms: Fastest inference by the wall clock.
      cpu_mean_ms: Mean processor time of an inference; `None` where only the wall clock counts.
      cpu_fastest_ms: Lowest processor time of an inference; `None` where only the wall clock counts.
    """

    mean_ms: Sequence[float]
    fastest_ms: Sequence[float]
    cpu_mean_ms: Sequence[float] | None = None
    cpu_fastest_ms: Sequence[float] | None = None

    @classmethod
    def concatenate(cls, parts: Sequence[Rounds]) -> Rounds:
        """Returns the rounds of several processes as those of one.

        Args:
          parts: By process, at least one; all with processor times, or none.
        """
        cpu_mean_ms = [part.cpu_mean_ms for part in parts if part.cpu_mean_ms is not None]
        cpu_fastest_ms = [part.cpu_fastest_ms for part in parts if part.cpu_fastest_ms is not None]
        return cls(
            [time for part in parts for time in part.mean_ms],
            [time for part in parts for time in part.fastest_ms],
            [time for times in cpu_mean_ms for time in times] if len(cpu_mean_ms) == len(parts) else None,
            [time for times in cpu_fastest_ms for time in times] if len(cpu_fastest_ms) == len(parts) else None,
        )


def summarize(
    models: Sequence[Rounds],
    teachers: Sequence[Rounds],
    num_threads: int,
    processor: str,
    load: MachineLoad | None = None,
) -> Latency:
    """Returns the figures of a measurement.

    Args:
      models: Times of the model, by process.
      teachers: The teacher's, in the same rounds.
      num_threads: Interpreter threads.
      processor: The machine's processor.
      load: What else the machine did.
    """
    model, teacher = Rounds.concatenate(models), Rounds.concatenate(teachers)
    clock, model_ms, teacher_ms = Clock.WALL, model.fastest_ms, teacher.fastest_ms
    of_model, of_teacher = model.cpu_fastest_ms, teacher.cpu_fastest_ms
    # A clock that stands still during an inference can't time it.
    if of_model is not None and of_teacher is not None and min(*of_model, *of_teacher) > 0:
        clock, model_ms, teacher_ms = Clock.CPU, of_model, of_teacher
    ends = [
        _interval_ends(_fastest_of_blocks(model_ms), _fastest_of_blocks(teacher_ms)),
        _interval_ends(_fastest_of_processes(models, clock), _fastest_of_processes(teachers, clock)),
    ]
    low, high, fastest_high_ms = min(end[0] for end in ends), max(end[1] for end in ends), max(end[2] for end in ends)
    return Latency(
        median_ms=statistics.median(model.mean_ms),
        p90_ms=float(np.quantile(model.mean_ms, 0.9)),
        min_ms=min(model.mean_ms),
        teacher_ratio=min(model_ms) / min(teacher_ms),
        teacher_ratio_low=low,
        teacher_ratio_high=high,
        num_threads=num_threads,
        processor=processor,
        clock=clock,
        fastest_ms=min(model_ms),
        fastest_high_ms=fastest_high_ms,
        cpu_median_ms=None if model.cpu_mean_ms is None else statistics.median(model.cpu_mean_ms),
        cpu_min_ms=None if model.cpu_mean_ms is None else min(model.cpu_mean_ms),
        load=load,
    )


def halves_interval(figure: Callable[[Sequence[int]], float], num_blocks: int) -> tuple[float, float]:
    """Returns the interval of 95% of what halves of a measurement give for a figure, widened to hold what all gives.

    Args:
      figure: Computes the figure from indices of blocks, which are rounds that follow
        each other: what disturbs one round disturbs the next.
      num_blocks: Number of blocks, at least 1.

    Returns:
      Lower and upper end.
    """
    blocks = range(num_blocks)
    found = sorted(figure(half) for half in itertools.combinations(blocks, (num_blocks + 1) // 2))
    beyond = int(0.025 * len(found))
    of_all = figure(blocks)
    return min(found[beyond], of_all), max(found[-1 - beyond], of_all)


def _interval_ends(models_ms: Sequence[float], teachers_ms: Sequence[float]) -> tuple[float, float, float]:
    """Returns both ends of the interval of the ratio, and the upper end of that of the model's time, of some blocks."""
    num_blocks = len(models_ms)
    low, high = halves_interval(lambda half: _fastest(models_ms, half) / _fastest(teachers_ms, half), num_blocks)
    _, fastest_high_ms = halves_interval(lambda half: _fastest(models_ms, half), num_blocks)
    return low, high, fastest_high_ms


def _fastest_of_processes(parts: Sequence[Rounds], clock: Clock) -> list[float]:
    times = [part.fastest_ms if clock is Clock.WALL else part.cpu_fastest_ms for part in parts]
    return [min(of_part) for of_part in times if of_part is not None]


def _fastest_of_blocks(times_ms: Sequence[float]) -> list[float]:
    return [float(block.min()) for block in np.array_split(times_ms, min(_MOST_BLOCKS, len(times_ms)))]


def _fastest(blocks_ms: Sequence[float], half: Sequence[int]) -> float:
    return min(blocks_ms[index] for index in half)


def thread_latency(
    num_threads: int, rounds: Rounds, base: Rounds, base_ms: float, load: MachineLoad | None
) -> ThreadLatency:
    """Returns the latency with another number of threads.

    Args:
      num_threads: Interpreter threads.
      rounds: Times with so many threads.
      base: Times with the configured number, in the same rounds.
      base_ms: The latency with the configured number.
      load: What else the machine did in these rounds.
    """
    return ThreadLatency(
        num_threads,
        statistics.median(rounds.mean_ms),
        float(np.quantile(rounds.mean_ms, 0.9)),
        base_ms * min(rounds.fastest_ms) / min(base.fastest_ms),
        load,
    )


def median_interval(values: Sequence[float]) -> tuple[float, float]:
    """Returns the interval that holds the median of what `values` were drawn from with probability 0.95 at least.

    From the r-th smallest to the r-th largest value, r the largest for which the
    binomial probability of r - 1 or fewer of n values on one side is at most
    0.025. Fewer than 6 values can't reach 0.95: then it is their whole range
    (Conover, Practical Nonparametric Statistics, 3rd ed., section 3.2).
    """
    ordered, n = sorted(values), len(values)
    rank, ways, tail = 0, 1, 1  # whole numbers, as 2**n overflows a float
    while 40 * tail <= 2**n:
        rank += 1
        ways = ways * (n - rank + 1) // rank  # n choose rank
        tail += ways
    rank = max(rank, 1)
    return ordered[rank - 1], ordered[n - rank]
