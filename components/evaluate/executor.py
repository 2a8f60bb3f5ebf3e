"""Measures one LiteRT file and writes the report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils
from tfx.types.artifact import Artifact

from components.artifacts import LITERT_FILE, REPORT_FILE
from components.examples_files import read_held_out, read_labels
from components.parameters import config_from, from_json
from components.student_files import read_student
from learn2compress.config import EvaluateConfig, TaskConfig
from learn2compress.litert.measure import measure_model
from learn2compress.results import write_json


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
        examples = artifact_utils.get_single_instance(input_dict["examples"])
        teacher = artifact_utils.get_single_instance(input_dict["teacher"])
        model = artifact_utils.get_single_instance(input_dict["model"])
        student, _ = read_student(artifact_utils.get_single_instance(input_dict["student"]))

        inputs, labels, _ = read_held_out(examples, task)
        report = measure_model(
            name,
            Path(model.uri) / LITERT_FILE,
            Path(teacher.uri) / LITERT_FILE,
            inputs,
            labels,
            read_labels(examples),
            config,
            keras_scores=student.predict(inputs.astype(np.float32) / 255.0, batch_size=512, verbose=0),
        )
        artifact = artifact_utils.get_single_instance(output_dict["evaluation"])
        folder = Path(artifact.uri)
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / REPORT_FILE, report)
        artifact.student = name
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
