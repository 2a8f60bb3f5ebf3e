"""What a report says first, computed from its figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from learn2compress.report.formatting import (
    NO_CLAIM,
    byte_size,
    divided,
    percent,
    quantity,
    speed,
    speed_interval,
    times,
)
from learn2compress.results.reports import FamilyReport, ModelReport
from learn2compress.selection.guessing import is_yardstick, yardstick_sentence


def headline(report: FamilyReport) -> tuple[str, str]:
    """Returns a title and the sentences beneath it: what was pushed, how much smaller and faster, at what accuracy."""
    selected = {verdict.name for verdict in report.verdicts if verdict.selected}
    pushed = [student for student in report.students if student.name in selected]
    total = len(report.students)
    students = "student" if total == 1 else "students"
    if not pushed:
        return (
            f"None of {total} {students} pushed",
            "The reasons are given with each student. Nothing left this pipeline.",
        )
    title = f"{len(pushed)} of {total} {students} pushed"
    smallest = min(pushed, key=lambda student: (student.model_bytes, student.name))
    best = max(pushed, key=lambda student: (student.accuracy.top_1, -student.model_bytes))
    if smallest is best:
        return title, _sentence(f"The student {best.name}", best, report.teacher)
    sentences = (
        _sentence(f"The smallest, {smallest.name},", smallest, report.teacher),
        _sentence(f"The most accurate, {best.name},", best, report.teacher),
    )
    return title, " ".join(sentences)


def _sentence(subject: str, student: ModelReport, teacher: ModelReport) -> str:
    factor = divided(teacher.model_bytes, student.model_bytes) or 0.0
    size = f"{times(factor)} smaller" if factor >= 1 else f"{times(1 / factor)} larger" if factor else "empty"
    difference = student.accuracy.top_1 - teacher.accuracy.top_1
    gap = f"{abs(100 * difference):.2f} points"
    accuracy = f"is {gap} {'more' if difference > 0 else 'less'} accurate"
    if gap.startswith("0.00"):
        accuracy = "has the same top-1 accuracy"
    if not is_yardstick(teacher):
        accuracy = f"is right on {percent(student.accuracy.top_1)} of the examples; {yardstick_sentence(teacher)}"
    claim = speed(student.latency)
    fast = "" if claim == NO_CLAIM else f", {claim} ({speed_interval(student.latency)})"
    return f"{subject} is {size} than the teacher{fast}, and {accuracy}."


def constraint_sentences(constraints: Mapping[str, Any]) -> tuple[str, ...]:
    """Returns the limits of a configuration in words; limits left out are not mentioned."""
    shown: dict[str, Callable[[Any], str]] = {
        "max_model_bytes": lambda value: f"file at most {byte_size(value)} as stored",
        "max_download_bytes": lambda value: f"file at most {byte_size(value)} as downloaded",
        "max_peak_memory_bytes": lambda value: f"at most {byte_size(value)} of peak memory",
        "max_macs": lambda value: f"at most {quantity(value)} multiply-accumulates",
        "max_latency_ms": lambda value: f"latency at most {value:g} ms",
        "max_latency_ratio": lambda value: f"latency at most {value:g} times the teacher's",
        "max_accuracy_drop": lambda value: f"at most {100 * value:g} points less top-1 than the teacher",
        "min_accuracy": lambda value: f"top-1 at least {percent(value)}",
        "min_top_k_accuracy": lambda value: f"right class among the first k (evaluate.top_k) at least {percent(value)}",
        "max_calibration_error": lambda value: f"calibration error at most {100 * value:g} points",
        "accept_guessing": lambda value: "students and teachers that are no better than guessing are accepted",
        "min_agreement": lambda value: f"file and network agree on at least {percent(value)} of training examples",
        "maximize": lambda value: f"order: {value}",
        "select": lambda value: f"push: {value}",
    }
    limits = {name: constraints.get(name) for name in shown}
    return tuple(shown[name](value) for name, value in limits.items() if value is not None and value is not False)
