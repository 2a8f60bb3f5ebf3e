"""Rows are judged by the figures of a run's own report."""

from __future__ import annotations

import dataclasses
import importlib
import json
import shutil
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from learn2compress.results.latency import Clock, MachineLoad
from learn2compress.results.reports import FamilyReport, read_json, write_json


@pytest.fixture
def headline(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(Path(__file__).parent)
    return importlib.import_module("headline")


def figures(headline: ModuleType, **changes: Any) -> Any:
    """Of a student that meets every row as narrowly as it can."""
    narrow = headline.Figures(
        run="a",
        top_1=0.913,
        num_examples=10_000,
        model_bytes=98_000,
        macs=12_500_000,
        times_smaller=94.0,
        times_faster=27.0,
        times_faster_interval=(26.0, 28.0),
        times_fewer_macs=36.0,
        teacher_top_1=0.95,
        is_int8=True,
        pushed=True,
    )
    return dataclasses.replace(narrow, **changes)


SMALL, MEDIUM, LARGE, CLAIM = (
    "98_kb_and_12.5_m_macs",
    "129_kb",
    "256_kb_and_25_m_macs",
    "94x_smaller_27x_faster_36x_fewer_macs",
)


@pytest.mark.parametrize(
    ("changes", "met"),
    [
        ({}, {SMALL, MEDIUM, LARGE, CLAIM}),
        ({"top_1": 0.9129}, {SMALL, MEDIUM, CLAIM}),
        ({"top_1": 0.8999}, {SMALL}),
        ({"top_1": 0.8799}, set()),
        ({"model_bytes": 98_001}, {MEDIUM, LARGE, CLAIM}),
        ({"model_bytes": 129_001}, {LARGE, CLAIM}),
        ({"model_bytes": 256_001}, {CLAIM}),
        ({"macs": 12_500_001}, {MEDIUM, LARGE, CLAIM}),
        ({"macs": 25_000_001}, {MEDIUM, CLAIM}),
        ({"times_smaller": 93.9}, {SMALL, MEDIUM, LARGE}),
        ({"times_faster": 26.9}, {SMALL, MEDIUM, LARGE}),
        ({"times_faster": None}, {SMALL, MEDIUM, LARGE}),
        ({"times_fewer_macs": 35.9}, {SMALL, MEDIUM, LARGE}),
        ({"teacher_top_1": 0.9499}, {SMALL, MEDIUM, LARGE}),
        ({"num_examples": 9_999}, set()),
        ({"is_int8": False}, set()),
        ({"pushed": False}, set()),
    ],
)
def test_a_row_is_met_by_one_student_that_reaches_all_of_it(
    headline: ModuleType, changes: dict[str, Any], met: set[str]
) -> None:
    student = figures(headline, **changes)
    assert {key for key, row in headline.ROWS.items() if headline.meets(row, student)} == met


@pytest.mark.end_to_end
def test_figures_are_those_of_the_runs_report(headline: ModuleType, finished_run: Any, script: Any) -> None:
    family = read_json(FamilyReport, finished_run.version / "family.json")

    done = script("headline", finished_run.root)

    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert set(found["students"]) == {"large", "small"}
    for student in family.students:
        shown = found["students"][student.name]
        assert (shown["top_1"], shown["model_bytes"], shown["macs"]) == (
            student.accuracy.top_1,
            (finished_run.version / student.name / f"{student.name}.tflite").stat().st_size,
            student.macs,
        )
        assert shown["times_smaller"] == family.teacher.model_bytes / student.model_bytes
        assert shown["times_fewer_macs"] == family.teacher.macs / student.macs
        assert shown["is_int8"]
        assert shown["pushed"]
        assert not shown["num_examples"] >= headline.MIN_EXAMPLES
    assert found["teacher"] == {
        "top_1": family.teacher.accuracy.top_1,
        "model_bytes": family.teacher.model_bytes,
        "macs": family.teacher.macs,
        "latency_ms": family.teacher.latency.fastest_ms,
    }
    assert found["meets"] == dict.fromkeys(headline.ROWS, False)


@pytest.mark.end_to_end
def test_several_runs_are_told_apart(finished_run: Any, script: Any, tmp_path: Path) -> None:
    family = read_json(FamilyReport, finished_run.version / "family.json")
    other = dataclasses.replace(family.teacher, model_sha256="0" * 64)
    write_json(tmp_path / "family.json", dataclasses.replace(family, teacher=other))

    done = script("headline", finished_run.version, tmp_path / "family.json")

    found = json.loads(done.stdout.splitlines()[-1])
    assert set(found["students"]) == {f"{run}/{name}" for run in ("tiny", "tiny_2") for name in ("large", "small")}
    assert found["teacher"] is None
    assert set(found["teachers"]) == {"tiny", "tiny_2"}


@pytest.mark.end_to_end
def test_no_speed_is_claimed_where_the_report_claims_none(headline: ModuleType, finished_run: Any) -> None:
    family = read_json(FamilyReport, finished_run.version / "family.json")
    quiet = dataclasses.replace(
        family.students[0].latency,
        teacher_ratio=0.1,
        teacher_ratio_low=0.08,
        teacher_ratio_high=0.125,
        clock=Clock.CPU,
        load=None,
    )
    busy = dataclasses.replace(quiet, clock=Clock.WALL, load=MachineLoad(1.0, waiting_ratio=0.5))
    level = dataclasses.replace(quiet, teacher_ratio_high=1.1)
    claims = [
        headline.figures_of("a", dataclasses.replace(family.students[0], latency=latency), family)
        for latency in (quiet, busy, level)
    ]
    assert claims[0].times_faster == pytest.approx(10.0)
    assert claims[0].times_faster_interval == pytest.approx((8.0, 12.5))
    assert [claim.times_faster for claim in claims[1:]] == [None, None]
    assert [claim.times_faster_interval for claim in claims[1:]] == [None, None]


def test_what_is_no_run_is_refused_in_one_line(script: Any, refused: Any, tmp_path: Path) -> None:
    assert "RUN: found neither family.json nor metadata.sqlite" in refused(script("headline", tmp_path))
    shutil.copy(__file__, tmp_path / "family.json")
    assert "is not the report of a family" in refused(script("headline", tmp_path))
