"""Checks the teacher, measures it, and writes its logits, or its files for a teacher that is live."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils
from tfx.types.artifact import Artifact

from components.artifacts import ANSWERS_FILE, LITERT_FILE, REPORT_FILE
from components.examples_files import read_labels
from components.held_out_answers import AnswerWork, held_out_answers
from components.parameters import config_from, from_json
from components.teacher_load.logits import LogitsWork, write_logits
from learn2compress.config import EvaluateConfig, TaskConfig, TeacherConfig, TeacherOutput
from learn2compress.config_file import ConfigError
from learn2compress.litert.answers import Questions
from learn2compress.litert.measure import measure_file
from learn2compress.results import write_json
from learn2compress.teachers.loading import load_teacher
from learn2compress.teachers.members import fetch_members
from learn2compress.teachers.stored import store_copies
from learn2compress.teachers.teacher import Teacher
from learn2compress.teachers.views import ViewPlan

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
        """Writes the measured teacher; and its logits, or its files for one that is live.

        Raises:
          ConfigError: the teacher is unsafe, does not fit the data, or is not the one the run was started with.
        """
        config = config_from(TeacherConfig, exec_properties)
        task = from_json(TaskConfig, exec_properties["task"])
        examples = artifact_utils.get_single_instance(input_dict["examples"])
        artifact = artifact_utils.get_single_instance(output_dict["teacher"])
        logits = artifact_utils.get_single_instance(output_dict["teacher_logits"])
        for output in (artifact, logits):
            Path(output.uri).mkdir(parents=True, exist_ok=True)

        # Below the pipeline root, which the workers of a cluster can read.
        with tempfile.TemporaryDirectory(dir=artifact.uri) as folder:
            paths = fetch_members(config, Path(folder))
            teacher = load_teacher(paths, config, task, examples.num_classes)
            teacher.check_content(exec_properties["teacher_sha256"])
            evaluate = from_json(EvaluateConfig, exec_properties["evaluate"])
            beam_options = json.loads(exec_properties["beam_options"])
            self._measure(artifact, teacher, examples, task, evaluate, beam_options)
            artifact.source_uri = config.uri
            logits.num_classes = teacher.num_classes
            logits.num_examples = 0
            if config.is_live:
                store_copies(Path(artifact.uri), paths, teacher.members)
                return
            work = LogitsWork(
                teacher_paths=paths,
                teacher=config,
                teacher_sha256=teacher.content_sha256,
                task=task,
                num_classes=teacher.num_classes,
                views=from_json(ViewPlan, exec_properties["views"]),
                examples=Path(examples.uri),
                logits=Path(logits.uri),
            )
            num_passes = examples.num_train * work.views.num_views + examples.num_held_out
            logits.num_examples = write_logits(work, num_passes, beam_options)

    def _measure(
        self,
        artifact: Artifact,
        teacher: Teacher,
        examples: Artifact,
        task: TaskConfig,
        config: EvaluateConfig,
        beam_options: list[str],
    ) -> None:
        model = teacher.to_litert()
        if model is None:
            raise ConfigError(
                "teacher.uri: found a teacher that takes strings, accepted is one that takes the hashed features: "
                "students are measured against the teacher's LiteRT file"
            )
        folder = Path(artifact.uri)
        path = folder / LITERT_FILE
        path.write_bytes(model)
        names = read_labels(examples)
        work = AnswerWork(
            model_path=path,
            task=task,
            questions=Questions.of(config, len(names), _RAW_INPUT_SCALE, teacher.output is TeacherOutput.LOGITS),
            examples=Path(examples.uri),
            num_examples=examples.num_held_out,
        )
        report, answers = measure_file(
            "teacher", path, path, names, config, lambda: held_out_answers(work, folder, beam_options)
        )
        write_json(folder / REPORT_FILE, report)
        answers.save(folder / ANSWERS_FILE)
        artifact.content_sha256 = teacher.content_sha256
        artifact.output = teacher.output.value
        artifact.accuracy = report.accuracy.top_1
        artifact.model_bytes = report.model_bytes
        artifact.num_parameters = report.num_parameters
        artifact.macs = report.macs
        artifact.latency_ms = report.latency.median_ms
