"""A family is decided as a whole, and a version holds all that belongs to the students that leave."""

from __future__ import annotations

import ast
import dataclasses
import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from learn2compress.config import CompressionConfig, ConstraintsConfig, StudentConfig, TeacherConfig
from learn2compress.config.parsing import ConfigError
from learn2compress.release.version import (
    PushCandidate,
    check_measured,
    content_key,
    decide,
    family_files,
    version_files,
)
from learn2compress.results.data import ClassCounts, DataReport, PreviousData, SplitCounts, SplitDigests
from learn2compress.results.quantization import Candidate, QuantizationReport
from learn2compress.results.reports import Accuracy, ClassResult, EpochRecord, FamilyReport, Latency, ModelReport

LABELS = ("cat", "dog")
CONTENT = {"large": b"l" * 4000, "small": b"s" * 1000}


def report_on(name: str, content: bytes, num_correct: int) -> ModelReport:
    """Of a file that is right about so many of fifty cats and dogs, and as slow as it is long."""
    classes = tuple(ClassResult(label, 25, num_correct / 50, num_correct / 50) for label in LABELS)
    matrix = ((num_correct // 2, 25 - num_correct // 2), (25 - (num_correct + 1) // 2, (num_correct + 1) // 2))
    ratio, size = num_correct / 50, len(content)
    accuracy = Accuracy(50, ratio, ratio - 0.05, min(1.0, ratio + 0.05), 3, None, classes, matrix)
    latency = Latency(size / 1e4, size / 9e3, size / 1.1e4, size / 9e3, size / 9.5e3, size / 8.5e3, 1, "a processor")
    digest = hashlib.sha256(content).hexdigest()
    return ModelReport(
        name, digest, size, size, size, size, size, {"CONV_2D": 1}, "uint8", "uint8", accuracy, latency, 9
    )


@pytest.fixture
def students(tmp_path: Path) -> list[PushCandidate]:
    found = []
    for name, content in CONTENT.items():
        path = tmp_path / f"{name}.tflite"
        path.write_bytes(content)
        candidates = (Candidate("float32", 0.97, 4000), Candidate("int8_ptq", 0.96, len(content)))
        quantization = QuantizationReport(
            "int8_ptq", "int8_ptq", "named", 50, candidates, "the float32 file", 32, (),
            agreement=0.98, num_agreement_examples=50,
        )  # fmt: skip
        report = report_on(name, content, 48 if name == "large" else 40)
        history = (EpochRecord("train", 1, 0.5, 0.9),)
        found.append(PushCandidate(path, {"recipe": "int8_ptq"}, report, history, quantization))
    return found


def decided(students: list[PushCandidate], created: datetime | None = None) -> FamilyReport:
    config = CompressionConfig(
        name="pets",
        teacher=TeacherConfig("teacher.keras"),
        students=tuple(StudentConfig(name, stage) for stage, name in enumerate(CONTENT, 1)),
        constraints=ConstraintsConfig(max_accuracy_drop=0.05),
    )
    teacher = report_on("baseline", b"t" * 9000, 49)
    return decide(config, LABELS, teacher, students, {"data_sha256": "da7a"}, created)


def test_a_decision_selects_by_constraints_and_names_the_front(students: list[PushCandidate]) -> None:
    report = decided(students, datetime(2026, 11, 27, 12, tzinfo=UTC))
    assert (report.version, report.created, report.labels) == (0, "2026-11-27T12:00:00Z", LABELS)
    assert report.teacher.name == "teacher"
    assert [verdict.selected for verdict in report.verdicts] == [True, False]
    assert report.pareto_bytes == ("small", "large", "teacher")
    assert report.quantizations["small"].shipped == "int8_ptq"
    assert set(family_files(report)) == {"family.json", "report.html"}


def test_a_file_that_decides_otherwise_than_its_network_is_not_selected(students: list[PushCandidate]) -> None:
    worse = dataclasses.replace(students[0].quantization, agreement=0.83)
    disagreeing = dataclasses.replace(students[0], quantization=worse)
    verdict = decided([disagreeing, *students[1:]]).verdicts[0]
    assert not verdict.selected
    assert verdict.reasons[0].startswith("agreement 83% is below min_agreement 90%")


def test_a_version_holds_what_belongs_to_the_selected_student(students: list[PushCandidate]) -> None:
    files = version_files(decided(students), students, 7)
    assert sorted(files) == [
        "config.yaml", "family.json",
        *(f"large/{file}" for file in ("classify.py", "config.json", "image_pixels.json", "image_pixels.py")),
        *(f"large/{file}" for file in ("labels.txt", "large.tflite", "model_card.md")),
        "large/quantization.json", "large/report.json", "report.html",
    ]  # fmt: skip
    assert files["large/large.tflite"] == students[0].model_path
    assert files["large/labels.txt"] == b"cat\ndog\n"
    assert json.loads(files["family.json"])["version"] == 7  # type: ignore[arg-type]
    ast.parse(files["large/classify.py"])  # type: ignore[arg-type]


def test_the_key_is_that_of_the_content_and_not_of_the_time(students: list[PushCandidate]) -> None:
    early, late = (decided(students, datetime(2026, 11, day, tzinfo=UTC)) for day in (1, 2))
    assert content_key(early) == content_key(dataclasses.replace(late, version=3))
    assert content_key(early) != content_key(dataclasses.replace(early, labels=("cat", "cow")))


def test_the_key_is_that_of_the_data_and_not_of_those_before(students: list[PushCandidate]) -> None:
    none = SplitCounts(0, 0)
    counts, digests = ClassCounts((9, 9), (25, 25)), SplitDigests("a", "b")
    data = DataReport(LABELS, 18, 50, 0, 0, 0, 0, none, none, 0, none, 0, counts, (), digests, "c")
    report = dataclasses.replace(decided(students, datetime(2026, 11, 1, tzinfo=UTC)), data=data)
    compared = dataclasses.replace(data, changes=("fewer",), previous=PreviousData.of(data))
    assert content_key(dataclasses.replace(report, data=compared)) == content_key(report)
    other = dataclasses.replace(data, num_labelled_left_out=1)
    assert content_key(dataclasses.replace(report, data=other)) != content_key(report)


def test_a_file_that_was_not_measured_is_refused(students: list[PushCandidate]) -> None:
    check_measured(students)
    students[1].model_path.write_bytes(b"another")
    with pytest.raises(ConfigError, match="student 'small': the file has SHA-256") as error:
        check_measured(students)
    assert hashlib.sha256(b"another").hexdigest() in str(error.value)
