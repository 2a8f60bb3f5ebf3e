"""Whether a teacher's answers to labelled examples make it a yardstick, and what explains it where they don't.

Pure functions of labels and answers: nothing is asked here.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from learn2compress.results.guessing import GuessingCheck, check_guessing
from learn2compress.teachers.class_assignment import best_assignment, cross_assigned
from learn2compress.teachers.class_order import classes_setting, yaml_list

# Another order of classes must make so much more right, any other explanation more, and by so many standard deviations
# of a fair coin over the examples that change: a weak network may do a little better on inputs that it never saw.
_SMALLEST_GAIN = 0.05
_OTHER_GAIN = 0.2
_DEVIATIONS = 3.0
# A likelier explanation that makes nearly as many right is the better one.
_NEARLY = 0.02
# Apples and plums swapped look like red and blue swapped: classes in another order are the likelier.
_ORDER = 2
_MOST_NAMED = 20


@dataclasses.dataclass(frozen=True)
class Explanation:
    """What would make more of a teacher's answers right.

    Attributes:
      accuracy: Share of right answers with it, 0..1.
      explanation: "takes pixels as -1..1"; empty where the order of classes is all.
      setting: What to set; empty where the order of classes is all.
      classes: Names in the order of the outputs; empty where the data's order is right, or outputs are numbered.
      outputs: The number of each class' output, where the configuration gives them by numbers.
      unlikelihood: How much must be supposed.
    """

    accuracy: float
    explanation: str = ""
    setting: str = ""
    classes: tuple[str, ...] = ()
    outputs: tuple[int, ...] = ()
    unlikelihood: int = 0

    def sentence(self, field: str) -> str:
        """Returns how it goes on after "right on 24% of 300 examples": what explains it, and what to do.

        Args:
          field: Where the teacher stands in the configuration, such as "teacher".
        """
        order, setting = "", self.setting
        if self.classes:
            named = len(self.classes) <= _MOST_NAMED
            order = "its outputs are " + (
                ", ".join(self.classes)
                if named
                else f"in another order than the data's classes ({', '.join(self.classes[:3])}, ...)"
            )
            names = yaml_list(self.classes) if named else "the names in the order of its outputs"
            setting = " and ".join(filter(None, (setting, f"set {field}.classes to {names}")))
        if self.outputs:
            order = "the classes are others of its outputs"
            setting = " and ".join(filter(None, (setting, f"set {field}.outputs to {list(self.outputs)}")))
        if not self.explanation:
            return f", and on {percent(self.accuracy)} if {order}: {setting}"
        explained = f"it {self.explanation}" + (f", and {order}" if order else "")
        return f": {explained}: {setting}; with that it is right on {percent(self.accuracy)}"


@dataclasses.dataclass(frozen=True)
class Attempt:
    """Answers of a teacher that is read in another way.

    Attributes:
      explanation: What the way of reading would say of the teacher.
      setting: What to set for it.
      answers: Classes that it answers, int `[m]`.
      unlikelihood: How much must be supposed; 0 where it is read as now.
    """

    explanation: str
    setting: str
    answers: np.ndarray
    unlikelihood: int


def check_answers(labels: np.ndarray, answers: np.ndarray, num_classes: int) -> GuessingCheck:
    """Holds a teacher's answers against guesses.

    Args:
      labels: Classes, int `[n]`, n at least 1.
      answers: Classes that the teacher answers, int `[n]`.
      num_classes: Classes of the data.

    Returns:
      The comparison.
    """
    pairs = np.bincount(labels * num_classes + answers, minlength=num_classes**2)
    return check_guessing(pairs.reshape(num_classes, num_classes))


def can_be_explained(accuracy: float) -> bool:
    """Returns whether enough answers are wrong for an explanation to make clearly more of them right.

    Args:
      accuracy: Share of right answers, 0..1.
    """
    return 1 - accuracy >= _SMALLEST_GAIN


def explain(
    labels: np.ndarray,
    answers: np.ndarray,
    attempts: Sequence[Attempt],
    step: int,
    class_names: Sequence[str],
    order: Sequence[int] | None,
    *,
    by_number: bool = False,
) -> Explanation | None:
    """Finds what would make clearly more of a teacher's answers right.

    Args:
      labels: Classes, int `[n]`.
      answers: Classes that the teacher answers as it is read now, int `[n]`.
      attempts: Its answers to every `step`-th example when it is read otherwise.
      step: At least 1.
      class_names: Names in index order.
      order: The teacher's output for each class, as it is read now; None where they are in the same order.
      by_number: Whether the configuration says which output is which class by numbers, not by names.

    Returns:
      The likeliest of the best explanations; None where nothing makes clearly more right.
    """
    few = slice(None, None, step)
    now = Attempt("", "", answers, 0)
    found = [
        Explanation(
            _accuracy(labels[few], attempt.answers),
            attempt.explanation,
            attempt.setting,
            unlikelihood=attempt.unlikelihood,
        )
        for attempt in attempts
        if _is_clearly_better(labels[few], answers[few], attempt.answers, attempt.unlikelihood)
    ]
    found += _reordered(labels, answers, now, class_names, order, by_number)
    for attempt in attempts:
        found += _reordered(labels[few], answers[few], attempt, class_names, order, by_number)
    best = max((one.accuracy for one in found), default=0.0)
    good = [one for one in found if one.accuracy >= best - _NEARLY]
    return min(good, key=lambda one: (one.unlikelihood, -one.accuracy), default=None)


def _reordered(
    labels: np.ndarray,
    now: np.ndarray,
    attempt: Attempt,
    class_names: Sequence[str],
    order: Sequence[int] | None,
    by_number: bool,
) -> list[Explanation]:
    """Returns the explanation that the outputs are in another order, where that makes clearly more right.

    Args:
      labels: Classes, int `[n]`.
      now: Classes that the teacher answers as it is read now, int `[n]`.
      attempt: Its answers when it is read otherwise, or the same.
      class_names: Names in index order.
      order: The teacher's output for each class, as it is read now; None where they are in the same order.
      by_number: Whether the configuration says it by numbers, not by names.

    Returns:
      One explanation or none.
    """
    assigned = cross_assigned(labels, attempt.answers, len(class_names))
    unlikelihood = attempt.unlikelihood + _ORDER
    if not all(_is_clearly_better(labels, worse, assigned, unlikelihood) for worse in (now, attempt.answers)):
        return []
    assignment = best_assignment(labels, attempt.answers, len(class_names))
    accuracy = _accuracy(labels, assignment[attempt.answers])
    found = Explanation(accuracy, attempt.explanation, attempt.setting, unlikelihood=unlikelihood)
    if by_number and order is not None:
        answered = np.argsort(assignment)  # for each class, the class that is answered now where it is right
        return [dataclasses.replace(found, outputs=tuple(order[index] for index in answered))]
    return [dataclasses.replace(found, classes=tuple(classes_setting(assignment, order, class_names)))]


def _is_clearly_better(labels: np.ndarray, now: np.ndarray, other: np.ndarray, unlikelihood: int) -> bool:
    gained = int(((other == labels) & (now != labels)).sum())
    lost = int(((other != labels) & (now == labels)).sum())
    gain = gained - lost
    smallest = _SMALLEST_GAIN if unlikelihood == _ORDER else _OTHER_GAIN
    return gain > 0 and gain >= smallest * len(labels) and gain >= _DEVIATIONS * float(np.sqrt(gained + lost))


def _accuracy(labels: np.ndarray, answers: np.ndarray) -> float:
    return float((labels == answers).mean())


def percent(ratio: float) -> str:
    """Returns a ratio as a person says it: "24%", or "97.5%" where it is near the whole.

    Args:
      ratio: 0..1.
    """
    return f"{100 * ratio:.3g}%" if ratio > 0.9 else f"{100 * ratio:.2g}%"
