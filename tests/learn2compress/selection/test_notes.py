"""What chance has to do with a decision is tested with numbers."""

from __future__ import annotations

import dataclasses
from typing import Any

from learn2compress.config import ConstraintsConfig
from learn2compress.results.latency import Clock, Latency, MachineLoad
from learn2compress.results.measurements import PairedDrop
from learn2compress.results.reports import Accuracy, ModelReport
from learn2compress.selection.notes import accuracy_drop, notes_on

LATENCY = Latency(0.5, 0.6, 0.4, 0.5, 0.45, 0.55, 1, "a processor")


def model(name: str, top_1: float = 0.95, half_width: float = 0.001, **changes: Any) -> ModelReport:
    accuracy = Accuracy(2000, top_1, top_1 - half_width, top_1 + half_width, 3, 1.0, (), ())
    report = ModelReport(name, "0" * 64, 1000, 800, 900, 450, 5000, {}, "uint8", "uint8", accuracy, LATENCY, 10_000)
    return dataclasses.replace(report, **changes)


TEACHER = model("teacher", 0.97, model_bytes=50_000)


def test_the_drop_is_the_teachers_accuracy_less_the_students() -> None:
    unmeasured: Any = {"accuracy": None}
    assert accuracy_drop(model("a", 0.5), model("teacher", 0.75)) == 0.25
    assert accuracy_drop(model("a", **unmeasured), TEACHER) is None


def test_a_drop_within_the_interval_is_said_to_be_so() -> None:
    noisy, clear = model("noisy", half_width=0.03), model("clear", half_width=0.01)
    assert notes_on(noisy, TEACHER, ConstraintsConfig()) == (
        "a drop of 2 points lies within the 95% interval (±3 points) of 2,000 held-out examples: "
        "more examples could turn it around",
    )
    assert notes_on(clear, TEACHER, ConstraintsConfig()) == ()


def test_a_limit_that_more_examples_could_turn_around_is_said_to_be_so() -> None:
    notes = notes_on(model("a", half_width=0.01), TEACHER, ConstraintsConfig(max_accuracy_drop=0.015))
    assert notes == (
        "max_accuracy_drop 1.5 points lies inside the drop's 95% interval (1 to 3 points on 2,000 held-out examples): "
        "more examples could decide otherwise",
    )


def paired(student_only: int, low: float, high: float) -> ModelReport:
    return model("a", half_width=0.03, paired_drop=PairedDrop(2000, 40 + student_only, student_only, 0.02, low, high))


def test_a_drop_is_judged_on_the_same_examples() -> None:
    # By its own interval of 3 points this drop of 2 would be noise; on the same examples it is none.
    clear = notes_on(paired(10, 0.012, 0.028), TEACHER, ConstraintsConfig(max_accuracy_drop=0.03))
    assert clear == ()
    noise = notes_on(paired(600, -0.001, 0.041), TEACHER, ConstraintsConfig(max_accuracy_drop=0.05))
    assert noise == (
        "a drop of 2 points lies within what chance alone explains: the teacher alone is right on 640 of the 2,000 "
        "held-out examples, the student alone on 600 (95% interval of the drop: -0.1 to 4.1 points): more examples "
        "could turn it around",
    )


def test_a_limit_inside_the_paired_interval_is_said_to_be_so() -> None:
    notes = notes_on(paired(10, 0.012, 0.028), TEACHER, ConstraintsConfig(max_accuracy_drop=0.025))
    assert notes[0].startswith("max_accuracy_drop 2.5 points lies inside the drop's 95% interval (1.2 to 2.8 ")


def test_a_latency_limit_inside_the_interval_is_said_to_be_so() -> None:
    notes = notes_on(model("a"), TEACHER, ConstraintsConfig(max_latency_ratio=0.52))
    assert "0.45x to 0.55x" in notes[0]


def test_a_busy_machine_is_noted() -> None:
    latency = dataclasses.replace(LATENCY, clock=Clock.CPU, load=MachineLoad(1.0, steal_ratio=0.1))
    notes = notes_on(model("a", latency=latency), TEACHER, ConstraintsConfig())
    assert notes[-1].startswith("the machine was busy while a was timed (the host gave 10% of it to other virt")


def test_how_sure_an_accuracy_of_few_examples_is_is_said() -> None:
    few = model("a", accuracy=Accuracy(10, 0.9, 0.596, 0.982, 3, 1.0, (), ()))
    assert notes_on(few, TEACHER, ConstraintsConfig())[0] == (
        "its accuracy of 90% is of 10 held-out examples: with 95% confidence it is between 59.6% and 98.2%"
    )
