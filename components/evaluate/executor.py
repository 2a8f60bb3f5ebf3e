"""Measures one LiteRT file and writes the report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils
from tfx.types.artifact import Artifact

from components.artifacts import ANSWERS_FILE, LITERT_FILE, REPORT_FILE
from components.examples_files import read_labels
from components.held_out_answers import AnswerWork, held_out_answers
from components.parameters import config_from, from_json
from learn2compress.config import EvaluateConfig, TaskConfig
from learn2compress.litert.answers import Answers, Questions
from learn2compress.litert.measure import measure_file
from learn2compress.results import ModelReport, write_json


class Executor(base_executor.BaseExecutor):
    """See `EvaluateSpec`."""

    def Do(
        self,
        input_dict: dict[str, list[Artifact]],
        output_dict: dict[str, list[Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Measures the file beside the teacher's, and writes an Evaluation."""
        config = config_from(EvaluateConfig, exec_properties)
        task = from_json(TaskConfig, exec_properties["task"])
        name = exec_properties["student_name"]
        beam_options: list[str] = json.loads(exec_properties["beam_options"])
        examples = artifact_utils.get_single_instance(input_dict["examples"])
        teacher = Path(artifact_utils.get_single_instance(input_dict["teacher"]).uri)
        artifact = artifact_utils.get_single_instance(output_dict["evaluation"])
        folder = Path(artifact.uri)
        folder.mkdir(parents=True, exist_ok=True)
        labels = read_labels(examples)
        work = AnswerWork(
            model_path=Path(artifact_utils.get_single_instance(input_dict["model"]).uri) / LITERT_FILE,
            task=task,
            questions=Questions.of(config, len(labels)),
            examples=Path(examples.uri),
            num_examples=examples.num_held_out,
            student=Path(artifact_utils.get_single_instance(input_dict["student"]).uri),
        )
        report, answers = measure_file(
            name,
            work.model_path,
            teacher / LITERT_FILE,
            labels,
            config,
            lambda: held_out_answers(work, folder, beam_options),
            teacher_correct=Answers.load(teacher / ANSWERS_FILE).correct,
        )
        write_json(folder / REPORT_FILE, report)
        answers.save(folder / ANSWERS_FILE)
        _set_properties(artifact, report)


def _set_properties(artifact: Artifact, report: ModelReport) -> None:
    artifact.student = report.name
    artifact.model_sha256 = report.model_sha256
    artifact.accuracy = report.accuracy.top_1
    artifact.model_bytes = report.model_bytes
    artifact.download_bytes = report.download_bytes
    artifact.num_parameters = report.num_parameters
    artifact.num_nonzero_parameters = report.num_nonzero_parameters
    artifact.macs = report.macs
    artifact.latency_ms = report.latency.median_ms
    artifact.latency_p90_ms = report.latency.p90_ms
    artifact.peak_memory_bytes = report.peak_memory_bytes
    artifact.keras_agreement = report.keras_agreement
    if report.calibration is not None:
        artifact.calibration_error = report.calibration.expected_error
