"""What else a machine does while a file is timed, from what Linux counts.

A wall clock counts the time in which another process had the processor; these
counts say how much of it there was. They are those of proc(5): `schedstat` (time
on a processor, time waiting for one), `/proc/stat` (ticks of all processors) and
getrusage(2). Where a system lacks one, its figure is `None`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from learn2compress.results.latency import MachineLoad

# Of the ticks in the first line of /proc/stat, in order: user nice system idle iowait irq softirq steal.
_IDLE, _STEAL = (3, 4), 7
_NUM_TICKS = 8
_FEWEST_TICKS = 10  # of all processors, below which their shares are chance
_PROCESSOR_FIELD = 36  # of /proc/self/stat, counted from the one after the command's name


@dataclass(frozen=True)
class LoadCounts:
    """Counts at one moment, all rising.

    Attributes:
      wall_s: Time.
      process_s: Processor time of this process.
      involuntary_switches: How often this process lost its processor to another; `None` where it is not counted.
      running_s: Time of this process' threads on a processor; `None` where it is not counted.
      waiting_s: Time that they waited for one.
      ticks: The first line of /proc/stat.
    """

    wall_s: float
    process_s: float
    involuntary_switches: int | None
    running_s: float | None
    waiting_s: float | None
    ticks: tuple[int, ...] | None


def load_counts() -> LoadCounts:
    """Reads the counts of this moment."""
    running_s, waiting_s = _scheduled_s(Path("/proc/self/task").glob("*/schedstat")) or (None, None)
    return LoadCounts(
        wall_s=time.perf_counter(),
        process_s=time.process_time(),
        involuntary_switches=_involuntary_switches(),
        running_s=running_s,
        waiting_s=waiting_s,
        ticks=_ticks(),
    )


def thread_waiting_s() -> float:
    """Returns the time that this thread has waited for a processor so far; 0.0 where the system does not count it."""
    counted = _scheduled_s([Path("/proc/thread-self/schedstat")])
    return counted[1] if counted is not None else 0.0


def combined_load(loads: Sequence[MachineLoad]) -> MachineLoad:
    """Returns what happened during several measurements together: shares are means by duration.

    Args:
      loads: At least one.
    """

    def mean(values: Sequence[float | None]) -> float | None:
        known = [(value, load.duration_s) for value, load in zip(values, loads, strict=True) if value is not None]
        return _ratio(sum(value * duration for value, duration in known), sum(duration for _, duration in known))

    switches = [load.involuntary_switches for load in loads if load.involuntary_switches is not None]
    return MachineLoad(
        duration_s=sum(load.duration_s for load in loads),
        involuntary_switches=sum(switches) if switches else None,
        waiting_ratio=mean([load.waiting_ratio for load in loads]),
        others_ratio=mean([load.others_ratio for load in loads]),
        steal_ratio=mean([load.steal_ratio for load in loads]),
        load_average=max((load.load_average for load in loads if load.load_average is not None), default=None),
        num_cores=loads[-1].num_cores,
        lowest_mhz=min((load.lowest_mhz for load in loads if load.lowest_mhz is not None), default=None),
        highest_mhz=max((load.highest_mhz for load in loads if load.highest_mhz is not None), default=None),
    )


def load_between(before: LoadCounts, after: LoadCounts, mhz: Sequence[float] = ()) -> MachineLoad:
    """Returns what happened between two moments.

    Args:
      before: The counts at the beginning.
      after: Those at the end.
      mhz: Frequencies of the measuring processor, seen between the two.
    """
    waiting_ratio = others_ratio = steal_ratio = switches = None
    if before.involuntary_switches is not None and after.involuntary_switches is not None:
        switches = after.involuntary_switches - before.involuntary_switches
    if before.running_s is not None and after.running_s is not None:
        running, waiting = after.running_s - before.running_s, (after.waiting_s or 0.0) - (before.waiting_s or 0.0)
        waiting_ratio = _ratio(waiting, running + waiting)
    if before.ticks is not None and after.ticks is not None:
        ticks = [late - early for late, early in zip(after.ticks, before.ticks, strict=True)]
        used = sum(ticks) - sum(ticks[index] for index in _IDLE) - ticks[_STEAL]
        own = (after.process_s - before.process_s) * os.sysconf("SC_CLK_TCK")
        if sum(ticks) >= _FEWEST_TICKS:
            others_ratio, steal_ratio = _ratio(used - own, sum(ticks)), _ratio(ticks[_STEAL], sum(ticks))
    return MachineLoad(
        duration_s=after.wall_s - before.wall_s,
        involuntary_switches=switches,
        waiting_ratio=waiting_ratio,
        others_ratio=others_ratio,
        steal_ratio=steal_ratio,
        load_average=os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        num_cores=num_cores(),
        lowest_mhz=min(mhz, default=None),
        highest_mhz=max(mhz, default=None),
    )


def num_cores() -> int:
    """Returns the number of processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def processor_mhz() -> float | None:
    """Returns the present frequency of the processor that this thread runs on; `None` where it can't be read."""
    try:
        after_name = Path("/proc/thread-self/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2]
        processor = after_name.split()[_PROCESSOR_FIELD]
        frequency = Path(f"/sys/devices/system/cpu/cpu{processor}/cpufreq/scaling_cur_freq")
        return int(frequency.read_text(encoding="ascii")) / 1000  # kHz
    except (OSError, ValueError, IndexError):
        return None


def _involuntary_switches() -> int | None:
    try:
        import resource
    except ImportError:  # Windows
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw


def _scheduled_s(files: Iterable[Path]) -> tuple[float, float] | None:
    """Sums time on a processor and time waiting for one over `schedstat` files; `None` where there are none."""
    running_ns = waiting_ns = 0
    found = False
    for file in files:
        try:
            running, waiting = map(int, file.read_text(encoding="ascii").split()[:2])
        except (OSError, ValueError):  # a thread that has ended meanwhile, or a kernel that does not count
            continue
        found, running_ns, waiting_ns = True, running_ns + running, waiting_ns + waiting
    return (running_ns / 1e9, waiting_ns / 1e9) if found else None


def _ticks() -> tuple[int, ...] | None:
    try:
        line = Path("/proc/stat").read_text(encoding="ascii").partition("\n")[0].split()
        ticks = tuple(map(int, line[1 : 1 + _NUM_TICKS]))
    except (OSError, ValueError):
        return None
    return ticks if len(ticks) == _NUM_TICKS else None


def _ratio(part: float, whole: float) -> float | None:
    return min(max(part / whole, 0.0), 1.0) if whole > 0 else None
