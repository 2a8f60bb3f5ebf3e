"""What people see of a step is what was measured, in the formats that Kubeflow draws."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from kfp import dsl

from components.artifacts import Evaluation, PushedVersion
from learn2compress.file_names import REPORT_FILE
from learn2compress.results.reports import (
    FAMILY_FILE,
    PAGE_FILE,
    Accuracy,
    ClassResult,
    FamilyReport,
    Latency,
    ModelReport,
    Verdict,
    write_json,
)
from pipelines.kubeflow.contract.step_contract import View, ViewKind
from pipelines.kubeflow.contract.ui_views import MAX_CONFUSION_CLASSES, declare_views, write_view

MATRIX = ((8, 2), (1, 9))


def model(name: str, model_bytes: int, labels: tuple[str, ...] = ("cat", "dog")) -> ModelReport:
    results = tuple(ClassResult(label, 10, 0.85, 0.85) for label in labels)
    return ModelReport(
        name=name,
        model_sha256="a" * 64,
        model_bytes=model_bytes,
        download_bytes=model_bytes // 2,
        num_parameters=100,
        num_nonzero_parameters=50,
        macs=1000,
        operators={"CONV_2D": 1},
        input_dtype="uint8",
        output_dtype="uint8",
        accuracy=Accuracy(20, 0.85, 0.64, 0.95, 5, None, results, MATRIX),
        latency=Latency(0.5, 0.6, 0.4, 0.1, 0.09, 0.11, 1, "a processor"),
        peak_memory_bytes=4096,
    )


def family() -> FamilyReport:
    return FamilyReport(
        name="pets",
        version=1,
        created="2026-11-22T00:00:00Z",
        labels=("cat", "dog"),
        config={},
        teacher=model("teacher", 400_000),
        students=(model("large", 40_000), model("small", 4_000)),
        histories={},
        verdicts=(Verdict("large", True, True), Verdict("small", False, False, ("9 points below the teacher",))),
        pareto_bytes=("large",),
        pareto_latency=("large",),
        provenance={},
    )


def test_each_kind_of_output_has_its_views() -> None:
    assert declare_views({"evaluation": Evaluation}) == {
        "evaluation_metrics": View(ViewKind.METRICS, "evaluation"),
        "evaluation_confusion": View(ViewKind.CONFUSION, "evaluation"),
    }
    assert {view.kind for view in declare_views({"pushed": PushedVersion}).values()} == {
        ViewKind.METRICS,
        ViewKind.PAGE,
        ViewKind.TABLE,
    }


def test_metrics_are_the_numbers_of_the_artifact(tmp_path: Path) -> None:
    artifact = Evaluation()
    artifact.uri = str(tmp_path)
    artifact.student, artifact.accuracy, artifact.model_bytes = "small", 0.9, 4000
    assert write_view(ViewKind.METRICS, artifact, tmp_path / "metrics") == {"accuracy": 0.9, "model_bytes": 4000}


def test_the_confusion_matrix_is_what_the_sdk_would_log(tmp_path: Path) -> None:
    artifact = Evaluation()
    artifact.uri = str(tmp_path)
    write_json(tmp_path / REPORT_FILE, model("small", 4000))
    logged = dsl.ClassificationMetrics()
    logged.log_confusion_matrix(["cat", "dog"], [list(row) for row in MATRIX])
    assert write_view(ViewKind.CONFUSION, artifact, tmp_path / "confusion") == logged.metadata


def test_a_confusion_matrix_too_large_for_metadata_is_left_out(tmp_path: Path) -> None:
    artifact = Evaluation()
    artifact.uri = str(tmp_path)
    labels = tuple(f"class {index}" for index in range(MAX_CONFUSION_CLASSES + 1))
    write_json(tmp_path / REPORT_FILE, model("small", 4000, labels))
    assert write_view(ViewKind.CONFUSION, artifact, tmp_path / "confusion") == {}


@pytest.fixture
def pushed(tmp_path: Path) -> PushedVersion:
    artifact = PushedVersion()
    artifact.uri = str(tmp_path / "pushed")
    (tmp_path / "pushed").mkdir()
    write_json(tmp_path / "pushed" / FAMILY_FILE, family())
    (tmp_path / "pushed" / PAGE_FILE).write_text("<svg></svg>")
    return artifact


def test_the_page_is_that_of_the_push(pushed: PushedVersion, tmp_path: Path) -> None:
    assert write_view(ViewKind.PAGE, pushed, tmp_path / "a" / "page") == {}
    assert (tmp_path / "a" / "page").read_text() == "<svg></svg>"


def test_the_table_has_a_row_for_each_variant_and_says_why_one_was_refused(
    pushed: PushedVersion, tmp_path: Path
) -> None:
    write_view(ViewKind.TABLE, pushed, tmp_path / "table")
    text = (tmp_path / "table").read_text()
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("|")]
    assert [row[0] for row in rows] == ["model", "---", "teacher", "large", "small"]
    assert len({len(row) for row in rows}) == 1
    assert [row[-1] for row in rows[2:]] == ["teacher", "pushed", "refused"]
    assert rows[3][1] == "85.00%"
    assert "- small: 9 points below the teacher" in text


def test_nothing_pushed_is_said_so(pushed: PushedVersion, tmp_path: Path) -> None:
    refused = tuple(Verdict(name, False, False, ("too large",)) for name in ("large", "small"))
    write_json(Path(pushed.uri) / FAMILY_FILE, dataclasses.replace(family(), verdicts=refused))
    write_view(ViewKind.TABLE, pushed, tmp_path / "table")
    assert "None of 2 students pushed" in (tmp_path / "table").read_text()
