"""Measures one LiteRT file and writes the report: a student's beside the teacher's, or the teacher's itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from tfx.types import artifact_utils
from tfx.types.artifact import Artifact

from components.artifacts import EXAMPLES_FILE
from components.examples_artifact import read_labels
from components.held_out_predictions import predict_held_out
from components.parameters import config_from, from_json
from components.step_executor import StepExecutor
from learn2compress.config import EvaluateConfig, ReportConfig, TaskConfig, TeacherOutput
from learn2compress.data.records import Split
from learn2compress.file_names import LITERT_FILE, PREDICTIONS_FILE, REPORT_FILE
from learn2compress.litert.example_choice import shown_examples
from learn2compress.litert.measure import measure_file
from learn2compress.litert.predictions import Predictions
from learn2compress.results.reports import ModelReport, write_json
from learn2compress.steps.evaluate import PredictionWork, student_settings, teacher_settings

Artifacts = dict[str, list[Artifact]]

# None of the students may have the name.
_TEACHER = "teacher"


class Executor(StepExecutor):
    """See `EvaluateSpec`."""

    def run(self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]) -> None:
        """Measures the file beside the teacher's, and writes an Evaluation, with examples where they may be shown.

        Args:
          input_dict: `examples`, `student`, `model`, `teacher` and `baseline`.
          output_dict: `evaluation`.
          exec_properties: Parameters of `EvaluateSpec`.

        Raises:
          ModelFileError: a file can't be read or run.
          ConfigError: its scores don't fit the labels, or a device that was asked for is not there.
        """
        config = config_from(EvaluateConfig, exec_properties)
        examples = artifact_utils.get_single_instance(input_dict["examples"])
        work = PredictionWork(
            model_path=_folder(input_dict, "model") / LITERT_FILE,
            task=from_json(TaskConfig, exec_properties["task"]),
            settings=student_settings(config, examples.num_classes),
            examples=Path(examples.uri),
            num_examples=examples.num_held_out,
            student=_folder(input_dict, "student"),
        )
        teacher = Predictions.load(_folder(input_dict, "baseline") / PREDICTIONS_FILE)
        evaluation = artifact_utils.get_single_instance(output_dict["evaluation"])
        predictions = _measure(
            exec_properties["student_name"],
            work,
            _folder(input_dict, "teacher") / LITERT_FILE,
            config,
            read_labels(examples),
            json.loads(exec_properties["beam_options"]),
            evaluation,
            teacher_correct=teacher.correct,
        )
        if config_from(ReportConfig, exec_properties).images:
            split, shape = work.examples / Split.HELD_OUT, work.task.input_shape
            shown = shown_examples(predictions, teacher, split, shape, int(exec_properties["seed"]))
            write_json(Path(evaluation.uri) / EXAMPLES_FILE, shown)


class TeacherExecutor(StepExecutor):
    """See `EvaluateTeacherSpec`."""

    def run(self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]) -> None:
        """Measures the teacher's file as a student's, and writes an Evaluation.

        Args:
          input_dict: `examples` and `teacher`.
          output_dict: `evaluation`.
          exec_properties: Parameters of `EvaluateTeacherSpec`.

        Raises:
          ModelFileError: the file can't be read or run.
          ConfigError: its scores don't fit the labels, or a device that was asked for is not there.
        """
        config = config_from(EvaluateConfig, exec_properties)
        examples = artifact_utils.get_single_instance(input_dict["examples"])
        gives_logits = artifact_utils.get_single_instance(input_dict["teacher"]).output == TeacherOutput.LOGITS
        work = PredictionWork(
            model_path=_folder(input_dict, "teacher") / LITERT_FILE,
            task=from_json(TaskConfig, exec_properties["task"]),
            settings=teacher_settings(config, examples.num_classes, gives_logits),
            examples=Path(examples.uri),
            num_examples=examples.num_held_out,
        )
        _measure(
            _TEACHER,
            work,
            work.model_path,
            config,
            read_labels(examples),
            json.loads(exec_properties["beam_options"]),
            artifact_utils.get_single_instance(output_dict["evaluation"]),
        )


def _measure(
    name: str,
    work: PredictionWork,
    teacher_path: Path,
    config: EvaluateConfig,
    labels: list[str],
    beam_options: list[str],
    artifact: Artifact,
    teacher_correct: npt.NDArray[np.bool_] | None = None,
) -> Predictions:
    folder = Path(artifact.uri)
    folder.mkdir(parents=True, exist_ok=True)
    report, predictions = measure_file(
        name,
        work.model_path,
        teacher_path,
        labels,
        config,
        lambda: predict_held_out(work, folder, beam_options),
        teacher_correct,
    )
    write_json(folder / REPORT_FILE, report)
    predictions.save(folder / PREDICTIONS_FILE)
    _set_properties(artifact, report)
    return predictions


def _set_properties(artifact: Artifact, report: ModelReport) -> None:
    artifact.student = report.name
    artifact.model_sha256 = report.model_sha256
    artifact.accuracy = report.accuracy.top_1
    artifact.model_bytes = report.model_bytes
    artifact.download_bytes = report.download_bytes
    artifact.num_parameters = report.num_parameters
    artifact.num_nonzero_parameters = report.num_nonzero_parameters
    artifact.macs = report.macs
    artifact.latency_ms = report.latency.time_ms
    artifact.latency_p90_ms = report.latency.p90_ms
    if report.peak_memory_bytes is not None:
        artifact.peak_memory_bytes = report.peak_memory_bytes
    if report.keras_agreement is not None:
        artifact.keras_agreement = report.keras_agreement
    if report.calibration is not None:
        artifact.calibration_error = report.calibration.expected_error


def _folder(input_dict: Artifacts, key: str) -> Path:
    return Path(artifact_utils.get_single_instance(input_dict[key]).uri)
