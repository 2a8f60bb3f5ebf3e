"""What chance has to do with a decision: sentences for the reader, which refuse nobody."""

from __future__ import annotations

import math

from learn2compress.config import ConstraintsConfig
from learn2compress.results.reports import ModelReport
from learn2compress.selection.guessing import guessing_notes, is_yardstick
from learn2compress.selection.speed import busy_sentence
from learn2compress.selection.words import interval_points, percent, points, times

# Beyond this the figure itself says little.
_WIDE_INTERVAL = 0.1


def accuracy_drop(student: ModelReport, teacher: ModelReport) -> float | None:
    """Returns the teacher's top-1 less the student's; `None` where one of them was not measured.

    Args:
      student: Its measurements.
      teacher: The baseline's.
    """
    return (
        None
        if student.accuracy is None or teacher.accuracy is None
        else teacher.accuracy.top_1 - student.accuracy.top_1
    )


def notes_on(student: ModelReport, teacher: ModelReport, constraints: ConstraintsConfig) -> tuple[str, ...]:
    """Returns what a careful reader should know about a decision, a sentence each.

    Args:
      student: Its measurements.
      teacher: The baseline's.
      constraints: The limits that it was held against.
    """
    notes = _interval_notes(student) + guessing_notes(student, teacher, constraints)
    if is_yardstick(teacher):
        notes += _drop_notes(student, teacher, constraints.max_accuracy_drop)
    limit, latency = constraints.max_latency_ratio, student.latency
    if limit is not None and latency is not None and latency.teacher_ratio_low < limit < latency.teacher_ratio_high:
        notes.append(
            f"max_latency_ratio {times(limit)} lies inside the interval of the measured ratio "
            f"({times(latency.teacher_ratio_low)} to {times(latency.teacher_ratio_high)}): another run may "
            "decide otherwise"
        )
    busy = busy_sentence(student.name, latency)
    return (*notes, *([busy] if busy is not None else []))


def _interval_notes(student: ModelReport) -> list[str]:
    """Returns how sure a student's accuracy is, where its interval is wide.

    Args:
      student: Its measurements.
    """
    accuracy = student.accuracy
    if accuracy is None or not accuracy.top_1_high - accuracy.top_1_low > _WIDE_INTERVAL:
        return []
    return [
        f"its accuracy of {percent(accuracy.top_1)} is of {accuracy.num_examples:,} held-out examples: with 95% "
        f"confidence it is between {percent(accuracy.top_1_low)} and {percent(accuracy.top_1_high)}"
    ]


def _drop_notes(student: ModelReport, teacher: ModelReport, limit: float | None) -> list[str]:
    """Returns what chance alone could explain of the difference to the teacher.

    Judged on the same examples where they were compared one by one; otherwise by
    the interval of the student's own accuracy, which is wider.

    Args:
      student: Its measurements.
      teacher: The baseline's.
      limit: The largest drop that is accepted, if one is set.
    """
    drop, paired = accuracy_drop(student, teacher), student.paired_drop
    if drop is None or math.isnan(drop):
        return []
    examples = f"{student.accuracy.num_examples:,} held-out examples"
    if paired is None:
        half_width = (student.accuracy.top_1_high - student.accuracy.top_1_low) / 2
        low, high = drop - half_width, drop + half_width
        judged = f"the 95% interval (±{points(half_width)}) of {examples}"
    else:
        low, high = paired.low, paired.high
        judged = (
            f"what chance alone explains: the teacher alone is right on {paired.num_teacher_only:,} of the {examples}, "
            f"the student alone on {paired.num_student_only:,} (95% interval of the drop: "
            f"{interval_points(low, high)})"
        )
    notes, interval = [], interval_points(low, high)
    if low < 0 < high:
        difference = f"a drop of {points(drop)}" if drop > 0 else f"a gain of {points(-drop)}"
        if drop == 0:
            difference = "the same accuracy as the teacher's"
        notes.append(f"{difference} lies within {judged}: more examples could turn it around")
    if limit is not None and low < limit < high:
        notes.append(
            f"max_accuracy_drop {points(limit)} lies inside the drop's 95% interval ({interval} on "
            f"{examples}): more examples could decide otherwise"
        )
    return notes
