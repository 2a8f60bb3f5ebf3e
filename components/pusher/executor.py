"""Reads what was measured, decides, pushes, and records what left."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from tfx.types import artifact_utils
from tfx.types.artifact import Artifact

from components.artifacts import EXAMPLES_FILE
from components.examples_artifact import read_labels
from components.parameters import config_from, from_json
from components.step_executor import StepExecutor, versions_of
from learn2compress.config import CompressionConfig, ConstraintsConfig, PushConfig
from learn2compress.config.parsing import ConfigError
from learn2compress.file_names import (
    CONFIG_FILE,
    FRONT_FILE,
    HISTORY_FILE,
    INGEST_REPORT_FILE,
    LITERT_FILE,
    QUANTIZATION_FILE,
    REPORT_FILE,
)
from learn2compress.release.push import push_version, read_pushed_file
from learn2compress.release.version import (
    PushCandidate,
    check_measured,
    content_key,
    decide,
    family_files,
    version_files,
)
from learn2compress.results.data import DataReport
from learn2compress.results.quantization import QuantizationReport
from learn2compress.results.reports import FAMILY_FILE, PAGE_FILE, EpochRecord, ModelReport, read_json
from learn2compress.results.shown_examples import ShownExample
from learn2compress.results.sub_networks import FamilyFront

Artifacts = dict[str, list[Artifact]]

FAMILY_KEY = "family"


def model_key(student_name: str) -> str:
    """Returns the name of the input that carries a student's file."""
    return f"model_{student_name}"


def evaluation_key(student_name: str) -> str:
    """Returns the name of the input that carries what was measured on it."""
    return f"evaluation_{student_name}"


class Executor(StepExecutor):
    """See `PusherSpec`."""

    def run(self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]) -> None:
        """Checks that each file is the one measured, selects, pushes, and writes the PushedVersion.

        A retry after a kill finds what the killed push completed: see `push_version`.
        Without a selected student nothing is pushed, and the version is 0.

        Args:
          input_dict: See `PusherSpec`; of each student by `model_key` and `evaluation_key`.
          output_dict: See `PusherSpec`.
          exec_properties: Parameters of `PusherSpec`.

        Raises:
          ConfigError: the destination can't be written.
        """
        push = config_from(PushConfig, exec_properties)
        constraints = from_json(ConstraintsConfig, exec_properties["constraints"])
        config = replace(from_json(CompressionConfig, exec_properties["config"]), constraints=constraints, push=push)
        names: list[str] = json.loads(exec_properties["students"])
        examples = artifact_utils.get_single_instance(input_dict["examples"])
        baseline = artifact_utils.get_single_instance(input_dict["baseline"])
        students = [_read_student(input_dict, name) for name in names]
        check_measured(students)
        # Found while reading, so it is not among what was known before the run.
        provenance = json.loads(exec_properties["provenance"]) | {"data_sha256": examples.content_sha256}
        teacher = read_json(ModelReport, _folder(baseline) / REPORT_FILE)
        data = read_json(DataReport, _folder(examples) / INGEST_REPORT_FILE)
        front = _read_front(input_dict)
        report = decide(config, read_labels(examples), teacher, students, provenance, data=data, front=front)
        selected = [verdict.name for verdict in report.verdicts if verdict.selected]

        pushed = artifact_utils.get_single_instance(output_dict["pushed"])
        folder = _folder(pushed)
        folder.mkdir(parents=True, exist_ok=True)
        pushed.version, pushed.destination = 0, ""
        pushed.num_selected, pushed.num_refused = len(selected), len(names) - len(selected)
        family = family_files(report, students)
        if selected:
            location = push_version(
                lambda version: version_files(report, students, version),
                push.uri,
                idempotency_key=content_key(report),
            )
            pushed.version, pushed.destination = location.version, location.uri
            for name in selected:
                pushed.set_string_custom_property(f"sha256.{name}", location.sha256[f"{name}/{name}.tflite"])
            # What was pushed, which may be older than this execution.
            family = {name: read_pushed_file(location, name) for name in (FAMILY_FILE, PAGE_FILE)}
        for name, content in family.items():
            (folder / name).write_bytes(content)


def _read_student(input_dict: Artifacts, name: str) -> PushCandidate:
    artifact = artifact_utils.get_single_instance(input_dict[model_key(name)])
    model = _folder(artifact)
    evaluation = _folder(artifact_utils.get_single_instance(input_dict[evaluation_key(name)]))
    report = read_json(ModelReport, evaluation / REPORT_FILE)
    if report.name != name:
        raise ConfigError(f"{evaluation_key(name)}: the report is on {report.name!r} instead of {name!r}; run again")
    return PushCandidate(
        model_path=model / LITERT_FILE,
        config=json.loads((model / CONFIG_FILE).read_bytes()),
        report=report,
        history=read_json(tuple[EpochRecord, ...], model / HISTORY_FILE),
        quantization=read_json(QuantizationReport, model / QUANTIZATION_FILE),
        versions=versions_of(artifact),
        examples=_read_examples(evaluation / EXAMPLES_FILE),
    )


def _read_front(input_dict: Artifacts) -> FamilyFront | None:
    """Returns what was measured on the family that students were picked from; `None` where each was trained."""
    if FAMILY_KEY not in input_dict:
        return None
    folder = _folder(artifact_utils.get_single_instance(input_dict[FAMILY_KEY]))
    front: FamilyFront = read_json(FamilyFront, folder / FRONT_FILE)
    return front


def _read_examples(path: Path) -> tuple[ShownExample, ...]:
    """Returns the examples that may be shown: none where there is no such file, as none may be."""
    found: tuple[ShownExample, ...] = read_json(tuple[ShownExample, ...], path) if path.is_file() else ()
    return found


def _folder(artifact: Artifact) -> Path:
    return Path(artifact.uri)
