"""Selection is tested with numbers."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import pytest

from learn2compress.config import ConstraintsConfig, Objective, PushPolicy
from learn2compress.results.latency import Clock, Latency, MachineLoad
from learn2compress.results.measurements import Calibration
from learn2compress.results.quantization import QuantizationReport
from learn2compress.results.reports import Accuracy, ModelReport
from learn2compress.selection.select import Point, pareto_front, select

LATENCY = Latency(0.5, 0.6, 0.4, 0.5, 0.45, 0.55, 1, "a processor")


def model(name: str, top_1: float = 0.95, half_width: float = 0.001, **changes: Any) -> ModelReport:
    accuracy = Accuracy(2000, top_1, top_1 - half_width, top_1 + half_width, 3, 0.99, (), ())
    report = ModelReport(name, "0" * 64, 1000, 800, 900, 450, 5000, {}, "uint8", "uint8", accuracy, LATENCY, 10_000)
    return dataclasses.replace(report, **{"calibration": Calibration(0.04, ()), **changes})


TEACHER = model("teacher", 0.97, model_bytes=50_000)


def reasons(student: ModelReport, **limits: Any) -> tuple[str, ...]:
    (verdict,) = select([student], TEACHER, ConstraintsConfig(**limits))
    assert verdict.satisfied == verdict.selected == (not verdict.reasons)
    return verdict.reasons


def test_without_constraints_everything_is_pushed() -> None:
    assert all(verdict.selected for verdict in select([model("a"), model("b", 0.1)], TEACHER, ConstraintsConfig()))


@pytest.mark.parametrize(
    ("field", "accepted", "refused", "sentence"),
    [
        ("max_model_bytes", 1000, 999, "model_bytes 1,000 is above max_model_bytes 999"),
        ("max_download_bytes", 800, 799, "download_bytes 800 is above max_download_bytes 799"),
        ("max_peak_memory_bytes", 10_000, 9999, "peak memory 10,000 bytes is above max_peak_memory_bytes 9,999 bytes"),
        ("max_macs", 5000, 4999, "macs 5,000 is above max_macs 4,999"),
        ("max_latency_ms", 0.5, 0.49, "latency 0.5 ms is above max_latency_ms 0.49 ms"),
        ("max_latency_ratio", 0.5, 0.49, "latency ratio 0.5x is above max_latency_ratio 0.49x"),
        ("max_accuracy_drop", 0.02, 0.019, "accuracy drop 2 points is above max_accuracy_drop 1.9 points"),
        (
            "max_calibration_error",
            0.04,
            0.03,
            "calibration error 4 points is above max_calibration_error 3 points",
        ),
        ("min_accuracy", 0.95, 0.951, "accuracy 95% is below min_accuracy 95.1%"),
        ("min_top_k_accuracy", 0.99, 0.991, "top-3 accuracy 99% is below min_top_k_accuracy 99.1%"),
    ],
)
def test_each_limit_accepts_its_own_value_and_refuses_beyond(
    field: str, accepted: float, refused: float, sentence: str
) -> None:
    assert reasons(model("a"), **{field: accepted}) == ()
    assert reasons(model("a"), **{field: refused}) == (sentence,)


def test_by_default_a_file_that_decides_otherwise_than_its_network_is_refused() -> None:
    report = QuantizationReport("int8_ptq", "int8_ptq", "", 500, (), "the float32 file", 32, (), agreement=0.9,
                                num_agreement_examples=500)  # fmt: skip
    worse = dataclasses.replace(report, agreement=0.83, unexpected_operators=("MUL (norm)",))
    students = [model("a"), model("b"), model("c")]
    good, bad, unknown = select(students, TEACHER, ConstraintsConfig(), {"a": report, "b": worse})
    assert good.selected
    assert unknown.selected
    assert not bad.satisfied
    assert bad.reasons[0].startswith("agreement 83% is below min_agreement 90%")
    assert any("MUL (norm)" in note for note in bad.notes)
    assert select(students, TEACHER, ConstraintsConfig(min_agreement=None), {"b": worse})[1].selected


def test_a_refusal_shows_the_digits_that_tell_both_figures_apart() -> None:
    assert reasons(model("a", 0.95 - 1e-6), max_accuracy_drop=0.02) == (
        "accuracy drop 2.0001 points is above max_accuracy_drop 2 points",
    )


def test_every_broken_limit_is_named() -> None:
    assert len(reasons(model("a"), max_model_bytes=1, min_accuracy=0.99, max_latency_ms=0.1)) == 3


def test_a_better_student_never_breaks_the_drop() -> None:
    assert reasons(model("a", 0.99), max_accuracy_drop=0.0) == ()


@pytest.mark.parametrize(
    ("changes", "limits"),
    [
        ({"model_bytes": None}, {"max_model_bytes": 10**9}),
        ({"peak_memory_bytes": None}, {"max_peak_memory_bytes": 10**9}),
        ({"macs": None}, {"max_macs": 10**9}),
        ({"calibration": None}, {"max_calibration_error": 0.5}),
        ({"download_bytes": None}, {"max_download_bytes": 10**9}),
        ({"latency": None}, {"max_latency_ms": 1e9}),
        ({"latency": None}, {"max_latency_ratio": 10.0}),
        ({"accuracy": None}, {"max_accuracy_drop": 0.5}),
        ({"accuracy": None}, {"min_accuracy": 0.0}),
        ({"latency": dataclasses.replace(LATENCY, median_ms=math.nan)}, {"max_latency_ms": 1e9}),
    ],
)
def test_what_was_not_measured_satisfies_no_limit_on_it(changes: dict[str, Any], limits: dict[str, Any]) -> None:
    (reason,) = reasons(model("a", **changes), **limits)
    assert "was not measured" in reason
    assert reasons(model("a", **changes)) == ()


def ratio(middle: float, low: float, high: float, **changes: Any) -> Latency:
    return dataclasses.replace(
        LATENCY, teacher_ratio=middle, teacher_ratio_low=low, teacher_ratio_high=high, clock=Clock.CPU, **changes
    )


STUDENTS = [
    model("accurate", 0.96, model_bytes=3000, latency=ratio(0.9, 0.85, 0.95)),
    model("tiny", 0.90, model_bytes=1000, latency=ratio(0.5, 0.45, 0.55)),
    model("quick", 0.93, model_bytes=2000, latency=ratio(0.25, 0.24, 0.26)),
]


@pytest.mark.parametrize(
    ("objective", "best", "gap"),
    [
        (Objective.ACCURACY, "accurate", "6 points of top-1 accuracy"),
        (Objective.SMALLEST, "tiny", None),
        (Objective.FASTEST, "quick", "0.25x of the teacher's latency"),
    ],
)
def test_best_pushes_the_first_by_the_objective(objective: Objective, best: str, gap: str | None) -> None:
    verdicts = select(STUDENTS, TEACHER, ConstraintsConfig(maximize=objective, select=PushPolicy.BEST))
    assert [verdict.name for verdict in verdicts] == ["accurate", "tiny", "quick"]
    assert [verdict.name for verdict in verdicts if verdict.selected] == [best]
    assert all(verdict.satisfied for verdict in verdicts)
    if gap is not None:
        assert verdicts[1].reasons == (f"satisfies every constraint, but '{best}' is better by {gap}",)


def test_best_is_chosen_among_those_that_pass() -> None:
    verdicts = select(STUDENTS, TEACHER, ConstraintsConfig(max_model_bytes=2500, select=PushPolicy.BEST))
    assert [verdict.name for verdict in verdicts if verdict.selected] == ["quick"]
    assert verdicts[0].reasons == ("model_bytes 3,000 is above max_model_bytes 2,500",)


def test_ties_go_to_fewer_bytes_then_to_the_name() -> None:
    best = ConstraintsConfig(select=PushPolicy.BEST)
    big, b, a = model("big", model_bytes=1001), model("b"), model("a")
    verdicts = select([big, b, a], TEACHER, best)
    assert [verdict.selected for verdict in verdicts] == [False, False, True]
    assert "1 bytes of model_bytes where" in verdicts[0].reasons[0]
    assert "their figures are equal" in verdicts[1].reasons[0]


def test_a_student_without_the_objectives_figure_comes_last() -> None:
    best = ConstraintsConfig(maximize=Objective.FASTEST, select=PushPolicy.BEST)
    unmeasured: Any = {"latency": None}
    verdicts = select([model("a", **unmeasured), model("b")], TEACHER, best)
    assert [verdict.selected for verdict in verdicts] == [False, True]
    assert verdicts[0].reasons[0].endswith("'b' is better by a figure that this one lacks")


def test_the_fastest_is_not_called_so_where_its_speed_is_in_doubt() -> None:
    wide = model("wide", latency=ratio(0.1, 0.1, 0.3))
    fastest = ConstraintsConfig(maximize=Objective.FASTEST, select=PushPolicy.BEST)
    verdicts = select([wide, *STUDENTS], TEACHER, fastest)
    assert [verdict.name for verdict in verdicts if verdict.selected] == ["quick"]
    assert verdicts[0].reasons == (
        "satisfies every constraint, but can't be called the fastest, as its interval is 0.1x to 0.3x: measure again "
        "on a quiet machine, or with more evaluate.latency_rounds",
    )
    assert [verdict.selected for verdict in select([wide], TEACHER, fastest)] == [True]  # there is no other
    other = model("other", latency=ratio(0.2, 0.1, 0.4))
    assert [verdict.selected for verdict in select([wide, other], TEACHER, fastest)] == [False, False]


def test_a_close_race_is_said_to_be_close() -> None:
    fastest = ConstraintsConfig(maximize=Objective.FASTEST, select=PushPolicy.BEST)
    close = model("close", latency=ratio(0.255, 0.25, 0.27))
    verdicts = select([close, STUDENTS[2]], TEACHER, fastest)
    assert verdicts[0].reasons[0].endswith("of the teacher's latency, though their intervals overlap")


def test_a_limit_on_speed_is_refused_where_the_measurement_can_not_tell() -> None:
    wide, busy = ratio(0.5, 0.3, 0.6), MachineLoad(1.0, waiting_ratio=0.5)
    (reason,) = reasons(model("a", latency=wide), max_latency_ratio=0.55)
    assert reason.startswith(
        "latency ratio can't be held against max_latency_ratio 0.55x, as its interval is 0.3x to 0.6x"
    )
    assert reasons(model("a", latency=wide), max_latency_ratio=0.6) == ()
    by_wall = dataclasses.replace(LATENCY, load=busy, num_threads=2)
    (reason,) = reasons(model("a", latency=by_wall), max_latency_ratio=0.9)
    assert "as it was timed by the wall clock with 2 threads while the machine was busy" in reason
    (reason,) = reasons(model("a", latency=by_wall), max_latency_ms=0.4)
    assert reason.startswith("latency 0.5 ms can't be held against max_latency_ms 0.4 ms, as it was timed by the wall")
    assert reasons(model("a", latency=by_wall), max_latency_ms=0.5) == ()


def test_a_note_refuses_nobody_and_rescues_nobody() -> None:
    within, beyond = ConstraintsConfig(max_latency_ratio=0.52), ConstraintsConfig(max_latency_ratio=0.48)
    verdicts = [select([model("a")], TEACHER, limits)[0] for limits in (within, beyond)]
    assert [(verdict.selected, len(verdict.notes)) for verdict in verdicts] == [(True, 1), (False, 1)]


def test_pareto_front_keeps_what_nothing_beats() -> None:
    points = [
        Point("beaten", 0.90, 30),
        Point("accurate", 0.99, 100),
        Point("cheap", 0.80, 10),
        Point("middle", 0.95, 20),
        Point("unknown", math.nan, 1),
    ]
    assert pareto_front(points) == ("cheap", "middle", "accurate")


def test_pareto_ties() -> None:
    assert pareto_front([Point("b", 0.9, 10), Point("a", 0.9, 10)]) == ("a", "b")
    assert pareto_front([Point("dearer", 0.9, 11), Point("a", 0.9, 10)]) == ("a",)
    assert pareto_front([Point("worse", 0.8, 10), Point("a", 0.9, 10)]) == ("a",)
    assert pareto_front([]) == ()


def test_the_accuracy_of_few_examples_pushes_nobody() -> None:
    few = model("a", accuracy=Accuracy(10, 0.9, 0.596, 0.982, 3, 1.0, (), ()))
    assert reasons(few) == (
        "its accuracy is of 10 held-out examples, below min_held_out_examples 50 (the 95% interval is 59.6% to 98.2%): "
        "hold out more, or lower constraints.min_held_out_examples",
    )
    assert reasons(few, min_held_out_examples=10) == ()


def test_top_k_that_was_not_measured_satisfies_no_limit() -> None:
    few_classes = dataclasses.replace(model("a").accuracy, top_k=None)
    (found,) = reasons(model("a", accuracy=few_classes), min_top_k_accuracy=0.5)
    assert found == "top-3 accuracy was not measured, so it does not satisfy min_top_k_accuracy 50%"
