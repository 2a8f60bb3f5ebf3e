"""Which students leave: a pure function of what was measured and what is demanded.

Every refusal is a sentence with the figure found and the limit. Nothing is read
from disk and nothing is rounded before it is compared.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from learn2compress.config import ConstraintsConfig, Objective, PushPolicy
from learn2compress.results.quantization import QuantizationReport
from learn2compress.results.reports import ModelReport, Verdict
from learn2compress.selection.fidelity import agreement_refusal, fidelity_notes
from learn2compress.selection.guessing import guessing_refusal, yardstick_refusal
from learn2compress.selection.notes import accuracy_drop, notes_on
from learn2compress.selection.speed import REMEDY, can_tell_apart, ratio_doubt, ratio_refusal, time_refusal
from learn2compress.selection.words import byte_count, count, milliseconds, percent, points, times

# Accuracies are shares of a few thousand examples; their difference may miss a limit by a rounding of doubles only.
_ROUNDING = 1e-9

Rank = tuple[float, float, str]
_Shown = Callable[[float, int], str]


class Point(NamedTuple):
    """One model in a plane of accuracy (higher is better) and a cost (lower is better)."""

    name: str
    accuracy: float
    cost: float


def select(
    students: Sequence[ModelReport],
    teacher: ModelReport,
    constraints: ConstraintsConfig,
    quantizations: Mapping[str, QuantizationReport] | None = None,
    own_max_model_bytes: Mapping[str, int] | None = None,
) -> tuple[Verdict, ...]:
    """Decides for each student whether it is pushed, and says why not.

    A student that is no better than guessing is never pushed unless the constraints
    accept it, and a limit on the drop is not satisfied where the teacher is none.
    A figure that was not measured (`None` or NaN) never satisfies a limit on it. A
    limit is held against the figure itself; what chance may have to do with it is
    said in a note, and refuses nobody.
    `maximize` orders the students that satisfy every limit: `accuracy` by top-1
    (ties: fewer bytes, then name), `smallest` by stored bytes (ties: higher
    top-1, then name), `fastest` by the latency ratio to the teacher, which
    compares students measured at different times (ties: fewer bytes, then name);
    a student whose ratio is in doubt comes last, and where all are, none is the best.

    Example:
      >>> from learn2compress.config import ConstraintsConfig
      >>> from learn2compress.results.latency import Latency
      >>> from learn2compress.results.reports import Accuracy, ModelReport
      >>> from learn2compress.selection.select import select
      >>> def measured(name, model_bytes, top_1):
      ...     accuracy = Accuracy(1000, top_1, top_1 - 0.01, top_1 + 0.01, 3, None, (), ())
      ...     latency = Latency(0.5, 0.6, 0.4, 1.0, 0.9, 1.1, 1, "a processor")
      ...     return ModelReport(
      ...         name, "0" * 64, model_bytes, 900, 400, 200, 5000, {}, "uint8", "uint8", accuracy, latency, 0)
      >>> teacher = measured("teacher", 50_000, 0.97)
      >>> students = [measured("large", 8000, 0.96), measured("small", 1000, 0.9)]
      >>> for verdict in select(students, teacher, ConstraintsConfig(max_model_bytes=10_000, max_accuracy_drop=0.05)):
      ...     print(verdict.name, verdict.selected, *verdict.reasons)
      large True
      small False accuracy drop 7 points is above max_accuracy_drop 5 points

    Args:
      students: Measurements, one for each student.
      teacher: The teacher's baseline.
      constraints: The limits, the objective, and whether all or the best are pushed.
      quantizations: How each student's file came about, by name, which `min_agreement` is held against.
      own_max_model_bytes: Largest size of the file of single students, by name, beside that of the constraints.

    Returns:
      One verdict for each student, in the order of `students`.
    """
    reports, own = quantizations or {}, own_max_model_bytes or {}
    refusals = {
        student.name: _own_refusal(student, own.get(student.name)) + _refusals(student, teacher, constraints, reports)
        for student in students
    }
    passing = sorted(
        (student for student in students if not refusals[student.name]),
        key=lambda student: _rank(student, constraints.maximize),
    )
    verdicts = []
    for student in students:
        reasons = refusals[student.name]
        satisfied = not reasons
        if satisfied and constraints.select is PushPolicy.BEST:
            reasons = _why_not_best(student, passing, constraints.maximize)
        notes = notes_on(student, teacher, constraints) + fidelity_notes(reports.get(student.name))
        verdicts.append(Verdict(student.name, satisfied, not reasons, reasons, notes))
    return tuple(verdicts)


def pareto_front(points: Iterable[Point]) -> tuple[str, ...]:
    """Returns the names of the points that no other point beats.

    A point is beaten by one that is at least as accurate and costs at most as
    much, and is strictly better in one of the two. Equal points don't beat each
    other: both are on the front. A point with a NaN is never on it.

    Example:
      >>> from learn2compress.selection.select import Point, pareto_front
      >>> pareto_front([Point("large", 0.96, 8000), Point("poor", 0.91, 9000), Point("small", 0.9, 1000)])
      ('small', 'large')

    Returns:
      Names by rising cost, then by name.
    """
    known = [point for point in points if not (math.isnan(point.accuracy) or math.isnan(point.cost))]
    front = [point for point in known if not any(_beats(other, point) for other in known)]
    return tuple(point.name for point in sorted(front, key=lambda point: (point.cost, point.name)))


def _beats(one: Point, other: Point) -> bool:
    no_worse = one.accuracy >= other.accuracy and one.cost <= other.cost
    return no_worse and (one.accuracy, one.cost) != (other.accuracy, other.cost)


def _own_refusal(student: ModelReport, limit: int | None) -> tuple[str, ...]:
    refusal = _refusal("model_bytes", student.model_bytes, "the student's own limit of", limit, count)
    return () if refusal is None else (refusal,)


def _refusals(
    student: ModelReport,
    teacher: ModelReport,
    constraints: ConstraintsConfig,
    quantizations: Mapping[str, QuantizationReport],
) -> tuple[str, ...]:
    limits, drop = constraints, accuracy_drop(student, teacher)
    found = (
        _few_examples_refusal(student, limits.min_held_out_examples),
        guessing_refusal(student, limits),
        _refusal("model_bytes", student.model_bytes, "max_model_bytes", limits.max_model_bytes, count),
        _refusal("download_bytes", student.download_bytes, "max_download_bytes", limits.max_download_bytes, count),
        _refusal(
            "peak memory", student.peak_memory_bytes, "max_peak_memory_bytes", limits.max_peak_memory_bytes, byte_count
        ),
        _refusal("macs", student.macs, "max_macs", limits.max_macs, count),
        time_refusal(student.latency, "max_latency_ms", limits.max_latency_ms)
        or _refusal("latency", _time_ms(student), "max_latency_ms", limits.max_latency_ms, milliseconds),
        ratio_refusal(student.latency, "max_latency_ratio", limits.max_latency_ratio)
        or _refusal("latency ratio", _teacher_ratio(student), "max_latency_ratio", limits.max_latency_ratio, times),
        yardstick_refusal(drop, teacher, limits)
        or _refusal(
            "accuracy drop",
            drop,
            "max_accuracy_drop",
            limits.max_accuracy_drop,
            points,
            _ROUNDING,
        ),
        _refusal("accuracy", _top_1(student), "min_accuracy", limits.min_accuracy, percent, _ROUNDING, lowest=True),
        _refusal(
            f"top-{student.accuracy.k} accuracy" if student.accuracy is not None else "top-k accuracy",
            _top_k(student),
            "min_top_k_accuracy",
            limits.min_top_k_accuracy,
            percent,
            _ROUNDING,
            lowest=True,
        ),
        _refusal(
            "calibration error",
            _calibration_error(student),
            "max_calibration_error",
            limits.max_calibration_error,
            points,
            _ROUNDING,
        ),
        agreement_refusal(quantizations.get(student.name), limits.min_agreement),
    )
    return tuple(refusal for refusal in found if refusal is not None)


def _few_examples_refusal(student: ModelReport, fewest: int) -> str | None:
    """Returns why the accuracy of few examples pushes nothing; `None` where there are enough, or it was not measured.

    Args:
      student: Its measurements.
      fewest: The fewest held-out examples that suffice.
    """
    accuracy = student.accuracy
    if accuracy is None or accuracy.num_examples >= fewest:
        return None
    return (
        f"its accuracy is of {accuracy.num_examples:,} held-out examples, below min_held_out_examples {fewest:,} "
        f"(the 95% interval is {percent(accuracy.top_1_low)} to {percent(accuracy.top_1_high)}): hold out more, or "
        "lower constraints.min_held_out_examples"
    )


def _refusal(
    figure: str,
    found: float | None,
    field: str,
    limit: float | None,
    shown: _Shown,
    tolerance: float = 0.0,
    lowest: bool = False,
) -> str | None:
    """Returns one sentence if a figure breaks a limit, else `None`.

    Args:
      figure: Its name.
      found: The figure, if it was measured.
      field: The limit's name.
      limit: The limit, if one is set.
      shown: Writes both, with so many digits.
      tolerance: How far beyond the limit a figure may be by rounding alone.
      lowest: Whether the limit is the lowest value instead of the highest.
    """
    if limit is None:
        return None
    if found is None or math.isnan(found):
        return f"{figure} was not measured, so it does not satisfy {field} {shown(limit, 3)}"
    excess = limit - found if lowest else found - limit
    if excess <= tolerance:
        return None
    # As many digits as it takes to see the difference: "5 points is above 5 points" helps nobody.
    digits = next((n for n in range(3, 17) if shown(found, n) != shown(limit, n)), 17)
    return f"{figure} {shown(found, digits)} is {'below' if lowest else 'above'} {field} {shown(limit, digits)}"


def _rank(student: ModelReport, objective: Objective) -> Rank:
    top_1 = _or_worst(_top_1(student), -math.inf)
    model_bytes = _or_worst(student.model_bytes, math.inf)
    if objective is Objective.ACCURACY:
        return (-top_1, model_bytes, student.name)
    if objective is Objective.SMALLEST:
        return (model_bytes, -top_1, student.name)
    ratio = None if _speed_doubt(student) is not None else _teacher_ratio(student)
    return (_or_worst(ratio, math.inf), model_bytes, student.name)


def _why_not_best(student: ModelReport, passing: Sequence[ModelReport], objective: Objective) -> tuple[str, ...]:
    """Returns why a student that satisfies every constraint is not the best; empty where it is.

    Args:
      student: Its measurements.
      passing: All that satisfy every constraint, the best first.
      objective: What orders them.
    """
    if objective is Objective.FASTEST and len(passing) > 1 and (doubt := _speed_doubt(student)) is not None:
        return (f"satisfies every constraint, but can't be called the fastest, as {doubt}: {REMEDY}",)
    best = passing[0]
    return () if student.name == best.name else (_behind(student, best, objective),)


def _behind(student: ModelReport, best: ModelReport, objective: Objective) -> str:
    prefix = f"satisfies every constraint, but '{best.name}' is better by "
    shown: dict[Objective, tuple[Callable[[float], str], Callable[[float], str]]] = {
        Objective.ACCURACY: (
            lambda gap: f"{points(gap)} of top-1 accuracy",
            lambda gap: f"{byte_count(gap)} of model_bytes",
        ),
        Objective.SMALLEST: (
            lambda gap: f"{byte_count(gap)} of model_bytes",
            lambda gap: f"{points(gap)} of top-1 accuracy",
        ),
        Objective.FASTEST: (
            lambda gap: f"{times(gap)} of the teacher's latency",
            lambda gap: f"{byte_count(gap)} of model_bytes",
        ),
    }
    ranks = zip(_rank(student, objective)[:2], _rank(best, objective)[:2], shown[objective], strict=True)
    for index, (own, other, show) in enumerate(ranks):
        if own != other:
            tie = " where their first figures are equal" if index else ""
            gap = show(own - other) if math.isfinite(own - other) else "a figure that this one lacks"
            return prefix + gap + tie + _closeness(student, best, objective)
    return prefix + "its name alone: their figures are equal"


def _closeness(student: ModelReport, best: ModelReport, objective: Objective) -> str:
    if objective is not Objective.FASTEST or student.latency is None or best.latency is None:
        return ""
    return "" if can_tell_apart(student.latency, best.latency) else ", though their intervals overlap"


def _speed_doubt(report: ModelReport) -> str | None:
    return None if report.latency is None else ratio_doubt(report.latency)


def _or_worst(value: float | None, worst: float) -> float:
    return worst if value is None or math.isnan(value) else value


def _top_1(report: ModelReport) -> float | None:
    return None if report.accuracy is None else report.accuracy.top_1


def _top_k(report: ModelReport) -> float | None:
    return None if report.accuracy is None else report.accuracy.top_k


def _calibration_error(report: ModelReport) -> float | None:
    return None if report.calibration is None else report.calibration.expected_error


def _time_ms(report: ModelReport) -> float | None:
    return None if report.latency is None else report.latency.time_ms


def _teacher_ratio(report: ModelReport) -> float | None:
    return None if report.latency is None else report.latency.teacher_ratio
