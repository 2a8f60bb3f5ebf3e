"""Accuracy held against guessing: the floor below which no student is pushed, and no teacher is a yardstick."""

from __future__ import annotations

from learn2compress.config import ConstraintsConfig
from learn2compress.results.guessing import GuessingCheck, Knowledge, check_guessing
from learn2compress.results.reports import ModelReport
from learn2compress.selection.words import count, percent, points

_SWITCH = "constraints.accept_guessing: true pushes it all the same"


def guessing_of(report: ModelReport) -> GuessingCheck | None:
    """Returns a model's answers on the held-out split held against guesses; None where they were not counted."""
    accuracy = report.accuracy
    if accuracy is None or not any(map(any, accuracy.confusion_matrix)):
        return None
    return check_guessing(accuracy.confusion_matrix)


def is_yardstick(teacher: ModelReport) -> bool:
    """Returns whether students can be compared with a teacher: nothing shows that it is no better than guessing."""
    check = guessing_of(teacher)
    return check is None or not check.is_guessing


def guessing_refusal(student: ModelReport, constraints: ConstraintsConfig) -> str | None:
    """Returns one sentence if a student is no better than guessing, else `None`.

    Args:
      student: Its measurements.
      constraints: Whether such a student is pushed all the same.
    """
    check = guessing_of(student)
    if check is None or not check.is_guessing or constraints.accept_guessing:
        return None
    return f"{_no_better(student, check)} ({_SWITCH})"


def yardstick_refusal(drop: float | None, teacher: ModelReport, constraints: ConstraintsConfig) -> str | None:
    """Returns one sentence if a limit on the accuracy drop is set, and the teacher is no yardstick, else `None`.

    Args:
      drop: The student's accuracy drop as a ratio, if it was measured.
      teacher: The baseline's measurements.
      constraints: The limit, and whether it is held all the same.
    """
    limit = constraints.max_accuracy_drop
    if limit is None or drop is None or constraints.accept_guessing or is_yardstick(teacher):
        return None
    return (
        f"accuracy drop {points(drop)} says nothing, so it does not satisfy max_accuracy_drop {points(limit)}: the "
        f"teacher's accuracy {percent(teacher.accuracy.top_1)} is no better than guessing ({_SWITCH})"
    )


def guessing_notes(student: ModelReport, teacher: ModelReport, constraints: ConstraintsConfig) -> list[str]:
    """Returns what a careful reader should know about guessing, a sentence each.

    Args:
      student: Its measurements.
      teacher: The baseline's.
      constraints: Whether guesses are pushed.
    """
    notes = []
    if not is_yardstick(teacher):
        notes.append(yardstick_sentence(teacher))
    check = guessing_of(student)
    if check is None:
        return notes
    largest = repr(student.accuracy.per_class[check.largest_class].label) if student.accuracy.per_class else "one class"
    if check.is_guessing and constraints.accept_guessing:
        notes.append(_no_better(student, check))
    elif check.knowledge is Knowledge.UNKNOWN:
        notes.append(
            f"the {count(check.num_examples)} held-out examples, {percent(check.largest_share)} of them {largest}, are "
            f"too few to tell accuracy {percent(check.accuracy)} from guessing"
        )
    elif not check.is_guessing and check.accuracy < check.largest_share:
        notes.append(
            f"always answering {largest} would be right more often ({percent(check.largest_share)}): here accuracy "
            "says little, and the recall of each class more"
        )
    return notes


def yardstick_sentence(teacher: ModelReport) -> str:
    """Returns that a teacher is no yardstick, with its accuracy."""
    return (
        f"the teacher is no yardstick: its accuracy {percent(teacher.accuracy.top_1)} is no better than guessing, so "
        "that a comparison with it says nothing"
    )


def _no_better(report: ModelReport, check: GuessingCheck) -> str:
    per_class = report.accuracy.per_class
    answer = f"always {per_class[check.largest_class].label!r}" if per_class else "always one class"
    return (
        f"accuracy {percent(check.accuracy)} is no better than guessing: {answer} would be right on "
        f"{percent(check.largest_share)} of the {count(check.num_examples)} held-out examples"
    )
