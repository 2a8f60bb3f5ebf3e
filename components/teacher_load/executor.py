"""Checks the teacher, measures it, and writes its logits."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils
from tfx.types.artifact import Artifact

from components.artifacts import LITERT_FILE, REPORT_FILE
from components.examples_files import read_held_out, read_labels, write_logits
from components.parameters import config_from, from_json
from learn2compress import progress
from learn2compress.config import EvaluateConfig, TaskConfig, TeacherConfig
from learn2compress.config_file import ConfigError, about
from learn2compress.data.records import Split
from learn2compress.litert.measure import measure_model
from learn2compress.results import write_json
from learn2compress.teachers.fetching import fetch_teacher
from learn2compress.teachers.loading import load_teacher
from learn2compress.teachers.teacher import Teacher

# The teacher's file takes raw bytes as floats: its own scaling is inside.
_RAW_INPUT_SCALE = 1.0


class Executor(base_executor.BaseExecutor):
    """See `TeacherLoadSpec`."""

    def Do(
        self,
        input_dict: dict[str, list[Artifact]],
        output_dict: dict[str, list[Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Writes the measured teacher and its logits.

        Raises:
          ConfigError: the teacher is unsafe, does not fit the data, or is not the one the run was started with.
        """
        config = config_from(TeacherConfig, exec_properties)
        task = from_json(TaskConfig, exec_properties["task"])
        examples = artifact_utils.get_single_instance(input_dict["examples"])
        with about("teacher.uri"), tempfile.TemporaryDirectory() as folder:
            path = fetch_teacher(config.uri, Path(folder))
            teacher = load_teacher(path, config, task, examples.num_classes)
        if teacher.content_sha256 != exec_properties["teacher_sha256"]:
            raise ConfigError(
                f"teacher.uri: {config.uri} changed while the run was going on, accepted is one that stays"
            )

        evaluate = from_json(EvaluateConfig, exec_properties["evaluate"])
        self._measure(artifact_utils.get_single_instance(output_dict["teacher"]), teacher, examples, task, evaluate)
        artifact = artifact_utils.get_single_instance(output_dict["teacher"])
        artifact.source_uri = config.uri
        self._write_logits(artifact_utils.get_single_instance(output_dict["teacher_logits"]), teacher, examples, task)

    def _measure(
        self, artifact: Artifact, teacher: Teacher, examples: Artifact, task: TaskConfig, config: EvaluateConfig
    ) -> None:
        model = teacher.to_litert()
        if model is None:
            raise ConfigError(
                "teacher.uri: found a teacher that takes strings, accepted is one that takes the hashed features: "
                "students are measured against the teacher's LiteRT file"
            )
        folder = Path(artifact.uri)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / LITERT_FILE
        path.write_bytes(model)
        inputs, labels, _ = read_held_out(examples, task)
        report = measure_model(
            "teacher", path, path, inputs, labels, read_labels(examples), config, input_scale=_RAW_INPUT_SCALE
        )
        write_json(folder / REPORT_FILE, report)
        artifact.content_sha256 = teacher.content_sha256
        artifact.output = teacher.output.value
        artifact.accuracy = report.accuracy.top_1
        artifact.model_bytes = report.model_bytes
        artifact.num_parameters = report.num_parameters
        artifact.macs = report.macs
        artifact.latency_ms = report.latency.median_ms

    def _write_logits(self, artifact: Artifact, teacher: Teacher, examples: Artifact, task: TaskConfig) -> None:
        total = examples.num_train + examples.num_held_out
        done = 0

        def logits_of(inputs: Any, texts: list[bytes]) -> Any:
            nonlocal done
            logits = teacher.logits(inputs, texts if teacher.takes_text else None)
            done += len(inputs)
            progress.report("teacher's logits", done, total)
            return logits

        artifact.num_examples = sum(
            write_logits(Path(examples.uri) / split, Path(artifact.uri) / split, task, logits_of) for split in Split
        )
        artifact.num_classes = teacher.num_classes
