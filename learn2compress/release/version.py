"""A family of students as it is decided and shipped: the report, and the files of a pushed version."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from learn2compress.config import CompressionConfig, DataConfig, TaskConfig, TaskKind
from learn2compress.config.parsing import ConfigError, parse, to_dict
from learn2compress.data.image_files import image_files
from learn2compress.data.text_files import text_files
from learn2compress.release import classify as sample_classifier
from learn2compress.report.model_card import render_model_card
from learn2compress.report.page import render_page
from learn2compress.results.data import DataReport
from learn2compress.results.quantization import QuantizationReport
from learn2compress.results.reports import FAMILY_FILE, PAGE_FILE, EpochRecord, FamilyReport, ModelReport, json_bytes
from learn2compress.results.shown_examples import ShownExample
from learn2compress.results.sub_networks import FamilyFront
from learn2compress.selection.select import Point, pareto_front, select

CLASSIFIER_FILE = "classify.py"

_TEACHER = "teacher"


@dataclass(frozen=True)
class PushCandidate:
    """One student that could be pushed.

    Attributes:
      model_path: Its `.tflite` file.
      config: The configuration that made it, as plain mappings.
      report: What was measured on that file.
      history: Its epochs over all phases.
      quantization: How its file was quantized.
      versions: What the step that made the file ran with, by package; empty where nobody recorded it.
      examples: Held-out examples to show with its predictions; empty where none may be shown.
    """

    model_path: Path
    config: Mapping[str, Any]
    report: ModelReport
    history: tuple[EpochRecord, ...]
    quantization: QuantizationReport
    versions: Mapping[str, str] = field(default_factory=dict)
    examples: tuple[ShownExample, ...] = ()


def check_measured(students: Sequence[PushCandidate]) -> None:
    """Refuses a file that is not, byte for byte, the one that was measured.

    Raises:
      ConfigError: in one line, with both digests.
    """
    for student in students:
        with student.model_path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != student.report.model_sha256:
            raise ConfigError(
                f"student {student.report.name!r}: the file has SHA-256 {found}, but the one that was measured has "
                f"{student.report.model_sha256}; delete the artifact of its Quantize or Search step, and run again"
            )


def decide(
    config: CompressionConfig,
    labels: Sequence[str],
    teacher: ModelReport,
    students: Sequence[PushCandidate],
    provenance: Mapping[str, str],
    created: datetime | None = None,
    data: DataReport | None = None,
    own_max_model_bytes: Mapping[str, int] | None = None,
    front: FamilyFront | None = None,
) -> FamilyReport:
    """Selects the students to push, and reports on all of them.

    Args:
      config: What was asked for, its constraints included.
      labels: Class names in output order.
      teacher: The baseline.
      students: What was trained and measured, in the configuration's order.
      provenance: Digests to report.
      created: When this was decided; by default now.
      data: What was counted in the examples.
      own_max_model_bytes: As for `select`.
      front: The sub-networks that students were picked from; `None` where each was trained.

    Returns:
      The report of version 0: not pushed yet; `version_files` numbers it.
    """
    reports = tuple(student.report for student in students)
    notes = [tuple(record.note for record in student.history if record.note) for student in students]
    quantizations = {student.report.name: student.quantization for student in students}
    decided = select(reports, teacher, config.constraints, quantizations, own_max_model_bytes)
    verdicts = zip(decided, notes, strict=True)
    models = (replace(teacher, name=_TEACHER), *reports)
    return FamilyReport(
        name=config.name,
        version=0,
        created=(created or datetime.now(UTC)).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        labels=tuple(labels),
        config=to_dict(config),
        teacher=models[0],
        students=reports,
        histories={student.report.name: student.history for student in students},
        verdicts=tuple(replace(verdict, notes=verdict.notes + more) for verdict, more in verdicts),
        pareto_bytes=pareto_front(Point(m.name, m.accuracy.top_1, m.model_bytes) for m in models),
        pareto_latency=pareto_front(Point(m.name, m.accuracy.top_1, m.latency.teacher_ratio) for m in models),
        provenance=dict(provenance),
        quantizations=quantizations,
        made_with={student.report.name: dict(student.versions) for student in students},
        data=data,
        front=front,
    )


def family_files(report: FamilyReport, students: Sequence[PushCandidate] = ()) -> dict[str, bytes]:
    """Makes the files of a whole family.

    Args:
      report: The decision.
      students: Those whose examples the page shows.

    Returns:
      Content of `family.json` and `report.html` by file name.
    """
    examples = {student.report.name: student.examples for student in students}
    return {FAMILY_FILE: json_bytes(report), PAGE_FILE: render_page(report, examples).encode()}


def version_files(report: FamilyReport, students: Sequence[PushCandidate], version: int) -> dict[str, bytes | Path]:
    """Returns the files of a pushed version: the family's at the top, a folder for each selected student.

    Args:
      report: The decision.
      students: The students it is about.
      version: Number of the version, which the report, the page and the cards name.

    Returns:
      Content, or a file to copy, by relative path.
    """
    report = replace(report, version=version)
    selected = {verdict.name for verdict in report.verdicts if verdict.selected}
    config = yaml.safe_dump(report.config, sort_keys=False, allow_unicode=True)
    files: dict[str, bytes | Path] = {**family_files(report, students), "config.yaml": config.encode()}
    task = parse(TaskConfig, report.config["task"], "task")
    is_text = task.kind is TaskKind.TEXT
    beside = text_files(task) if is_text else image_files(parse(DataConfig, report.config["data"], "data"))
    sample = inspect.getsource(sample_classifier).encode()
    for student in students:
        name = student.report.name
        if name in selected:
            files |= {
                f"{name}/{name}.tflite": student.model_path,
                f"{name}/labels.txt": "".join(f"{label}\n" for label in report.labels).encode(),
                f"{name}/report.json": json_bytes(student.report),
                f"{name}/config.json": json_bytes(dict(student.config)),
                f"{name}/quantization.json": json_bytes(student.quantization),
                f"{name}/model_card.md": render_model_card(report, name).encode(),
                f"{name}/{CLASSIFIER_FILE}": sample,
                **{f"{name}/{file}": content for file, content in beside.items()},
            }
    return files


def content_key(report: FamilyReport) -> str:
    """Returns the digest of what a version of this report would hold, apart from its number and the decision's time.

    The same measurements, decided again after a kill, have the same key. So do those of the same data, whatever data
    an earlier run had.
    """
    data = None if report.data is None else replace(report.data, changes=(), previous=None)
    return hashlib.sha256(json_bytes(replace(report, version=0, created="", data=data))).hexdigest()
