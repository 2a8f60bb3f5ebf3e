"""How long one inference takes, beside the teacher's, and how busy the machine was meanwhile: part of a `ModelReport`.

Times are milliseconds, ratios 0..1. A figure that the system does not tell, or
that an older version did not write, is `None`, never a placeholder.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Clock(StrEnum):
    """What timed an inference."""

    CPU = "cpu"
    """The thread's processor time, which stops while another process has the processor."""
    WALL = "wall"
    """The time that passed: the only one that means something for several threads."""


@dataclass(frozen=True)
class MachineLoad:
    """What else the machine did during a measurement.

    Attributes:
      duration_s: How long the measurement took.
      involuntary_switches: How often another process took the processor of the measuring one.
      waiting_ratio: Share of the time in which the measuring process could have run that it waited for a processor.
      others_ratio: Share of all processors' time that other processes used.
      steal_ratio: Share of all processors' time that the host gave to other virtual machines.
      load_average: Processes that wanted a processor, mean of the last minute.
      num_cores: Processors that the measuring process may use.
      lowest_mhz: Lowest frequency of the measuring processor, of a few looks at it.
      highest_mhz: Highest of them.
    """

    duration_s: float
    involuntary_switches: int | None = None
    waiting_ratio: float | None = None
    others_ratio: float | None = None
    steal_ratio: float | None = None
    load_average: float | None = None
    num_cores: int | None = None
    lowest_mhz: float | None = None
    highest_mhz: float | None = None


@dataclass(frozen=True)
class Latency:
    """Time of one inference of one example, measured in rounds interleaved with the teacher's.

    Attributes:
      median_ms: Median over rounds of a round's mean, by the wall clock.
      p90_ms: 90th percentile over rounds of the same.
      min_ms: Fastest round of the same.
      teacher_ratio: This model's fastest inference over the teacher's in the
        same rounds, by `clock`; 1.0 for the teacher itself.
      teacher_ratio_low: Lower end of the ratio's interval, which holds 95% of
        the ratios that half of the rounds would have given.
      teacher_ratio_high: Upper end of it. An interval that holds 1 claims nothing.
      num_threads: Interpreter threads.
      processor: The machine's processor, in its own words.
      clock: What timed the figures from here on, and the ratio.
      fastest_ms: Fastest inference of all rounds.
      fastest_high_ms: The fastest inference that half of the rounds would have given, at worst (97.5%).
      cpu_median_ms: Median over rounds of a round's mean processor time.
      cpu_min_ms: Lowest mean processor time of a round.
      load: What else the machine did.
    """

    median_ms: float
    p90_ms: float
    min_ms: float
    teacher_ratio: float
    teacher_ratio_low: float
    teacher_ratio_high: float
    num_threads: int
    processor: str
    clock: Clock = Clock.WALL
    fastest_ms: float | None = None
    fastest_high_ms: float | None = None
    cpu_median_ms: float | None = None
    cpu_min_ms: float | None = None
    load: MachineLoad | None = None

    @property
    def time_ms(self) -> float:
        """The time that is shown and held against limits: `fastest_ms`, or the median of an older report."""
        return self.median_ms if self.fastest_ms is None else self.fastest_ms


@dataclass(frozen=True)
class ThreadLatency:
    """Time of one inference of one example in the steady state with so many interpreter threads.

    Attributes:
      num_threads: Interpreter threads.
      median_ms: Median over rounds of a round's mean, by the wall clock.
      p90_ms: 90th percentile over rounds of the same.
      fastest_ms: `Latency.fastest_ms` times what this number of threads took over what the
        configured number took in the same rounds, fastest inferences by the wall clock.
      load: What else the machine did.
    """

    num_threads: int
    median_ms: float
    p90_ms: float
    fastest_ms: float | None = None
    load: MachineLoad | None = None

    @property
    def time_ms(self) -> float:
        """The time that is shown: `fastest_ms`, or the median of an older report."""
        return self.median_ms if self.fastest_ms is None else self.fastest_ms
