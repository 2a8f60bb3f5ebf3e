"""What a measured speed allows to decide, where the machine may have been busy: pure functions of its figures."""

from __future__ import annotations

from learn2compress.results.latency import Clock, Latency, MachineLoad
from learn2compress.selection.words import milliseconds, whole_percent

# Above these, a machine is called busy. A quiet one stays far below.
_WAITING_RATIO = 0.05
_OTHERS_RATIO = 0.25
_STEAL_RATIO = 0.02
_FREQUENCY_RATIO = 1.1
_SWITCHES_PER_SECOND = 20.0

WIDEST_INTERVAL = 1.5
"""Upper end of an interval over its lower end, beyond which the figure decides nothing that lies between."""

MOST_CONTENTION = 2.0
"""What neighbours in caches and cores may multiply the processor time of a fastest inference by."""

REMEDY = "measure again on a quiet machine, or with more evaluate.latency_rounds"


def busy_reasons(load: MachineLoad | None) -> tuple[str, ...]:
    """Returns what shows that the machine did other things during a measurement, in words; empty if nothing does."""
    if load is None:
        return ()
    reasons = []
    if load.waiting_ratio is not None:
        if load.waiting_ratio > _WAITING_RATIO:
            reasons.append(
                f"the measured program waited for a processor {whole_percent(load.waiting_ratio)} of its time"
            )
    elif (load.involuntary_switches or 0) > _SWITCHES_PER_SECOND * load.duration_s:
        reasons.append(f"other programs interrupted it {load.involuntary_switches:,} times in {load.duration_s:.3g} s")
    if load.others_ratio is not None and load.others_ratio > _OTHERS_RATIO:
        reasons.append(f"other programs used {whole_percent(load.others_ratio)} of all processors' time")
    if load.steal_ratio is not None and load.steal_ratio > _STEAL_RATIO:
        reasons.append(f"the host gave {whole_percent(load.steal_ratio)} of it to other virtual machines")
    if load.lowest_mhz and load.highest_mhz and load.highest_mhz > _FREQUENCY_RATIO * load.lowest_mhz:
        reasons.append(
            f"its processor's frequency moved between {load.lowest_mhz:,.0f} and {load.highest_mhz:,.0f} MHz"
        )
    if reasons and load.load_average is not None and load.num_cores:
        reasons.append(f"load average {load.load_average:.1f} on {load.num_cores} processors")
    return tuple(reasons)


def busy_sentence(name: str, latency: Latency | None) -> str | None:
    """Returns a sentence that the machine was busy while a model was timed, and what that means; `None` if it was not.

    Args:
      name: The model's.
      latency: What was measured.
    """
    reasons = busy_reasons(latency.load) if latency is not None else ()
    if latency is None or not reasons:
        return None
    meaning = (
        "its time is that of its fastest inference without the waiting, which shared caches and cores may still "
        "have lengthened"
        if latency.clock is Clock.CPU
        else "its time holds the waiting, so it may be shorter, and nothing is claimed of the ratio"
    )
    return f"the machine was busy while {name} was timed ({'; '.join(reasons)}): {meaning}"


def ratio_doubt(latency: Latency) -> str | None:
    """Returns why the ratio to the teacher's time is not to be trusted as it is; `None` where it is.

    A wall clock's ratio means nothing on a busy machine: its two times were
    disturbed differently. A processor clock's may still have a wide interval.
    """
    if (disturbed := _wall_doubt(latency)) is not None:
        return disturbed
    if is_wide(latency):
        return f"its interval is {latency.teacher_ratio_low:.3g}x to {latency.teacher_ratio_high:.3g}x"
    return None


def time_doubt(latency: Latency, limit_ms: float) -> str | None:
    """Returns why a time above a limit may be the machine's fault; `None` where it is not above it, or is not.

    Whatever disturbs a time lengthens it: one within the limit is so on a quiet machine, too.

    Args:
      latency: What was measured.
      limit_ms: The limit.
    """
    if latency.time_ms <= limit_ms:
        return None
    if (disturbed := _wall_doubt(latency)) is not None:
        return disturbed
    low, high = latency.time_ms, latency.fastest_high_ms
    if high is not None and high > WIDEST_INTERVAL * low and low <= MOST_CONTENTION * limit_ms:
        return f"its interval is {low:.3g} to {high:.3g} ms"
    return None


def _wall_doubt(latency: Latency) -> str | None:
    reasons = busy_reasons(latency.load)
    if latency.clock is not Clock.WALL or not reasons:
        return None
    threads = "" if latency.num_threads == 1 else f" with {latency.num_threads} threads"
    return f"it was timed by the wall clock{threads} while the machine was busy ({'; '.join(reasons)})"


def time_refusal(latency: Latency | None, field: str, limit_ms: float | None) -> str | None:
    """Returns why a limit on the time can't be held against what was measured; `None` where it can.

    Args:
      latency: What was measured.
      field: The limit's name.
      limit_ms: The limit; `None` where none is set.
    """
    doubt = None if latency is None or limit_ms is None else time_doubt(latency, limit_ms)
    if latency is None or limit_ms is None or doubt is None:
        return None
    time_ms = milliseconds(latency.time_ms)
    return f"latency {time_ms} can't be held against {field} {milliseconds(limit_ms)}, as {doubt}: {REMEDY}"


def ratio_refusal(latency: Latency | None, field: str, limit: float | None) -> str | None:
    """Returns why a limit on the ratio can't be held against what was measured; `None` where it can.

    Args:
      latency: What was measured.
      field: The limit's name.
      limit: The limit; `None` where none is set.
    """
    doubt = None if latency is None or limit is None else ratio_doubt(latency)
    if latency is None or limit is None or doubt is None:
        return None
    # A wall clock's interval is as disturbed as what lies in it.
    is_decided = not latency.teacher_ratio_low <= limit < latency.teacher_ratio_high
    if latency.clock is Clock.CPU and is_decided:
        return None
    return f"latency ratio can't be held against {field} {limit:.3g}x, as {doubt}: {REMEDY}"


def allows_claim(latency: Latency) -> bool:
    """Returns whether it may be said which of student and teacher is faster: the interval leaves out 1."""
    if _wall_doubt(latency) is not None:
        return False
    return latency.teacher_ratio_high < 1 or latency.teacher_ratio_low > 1


def is_wide(latency: Latency) -> bool:
    """Returns whether the interval of the ratio to the teacher's time is too wide for the figure within it."""
    return latency.teacher_ratio_high > WIDEST_INTERVAL * latency.teacher_ratio_low


def can_tell_apart(one: Latency, other: Latency) -> bool:
    """Returns whether the intervals of two models' ratios leave room between them.

    Args:
      one: What was measured of one.
      other: Of the other.
    """
    return one.teacher_ratio_high < other.teacher_ratio_low or other.teacher_ratio_high < one.teacher_ratio_low
