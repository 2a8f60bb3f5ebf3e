"""Checks the teacher, writes it as a LiteRT file, and its logits, or its files for a teacher that is live."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from tfx.types import artifact_utils
from tfx.types.artifact import Artifact

from components.examples_artifact import read_labels
from components.parameters import config_from, from_json
from components.step_executor import StepExecutor
from components.teacher_load.logits import write_logits
from learn2compress.config import TaskConfig, TeacherConfig
from learn2compress.data.records import Split
from learn2compress.file_names import LITERT_FILE
from learn2compress.litert.operators import model_cost
from learn2compress.steps.teacher import LogitsWork, check_answers, litert_file
from learn2compress.teachers.augmented_views import ViewPlan
from learn2compress.teachers.loading import load_teacher
from learn2compress.teachers.members import fetch_members
from learn2compress.teachers.stored import store_copies
from learn2compress.teachers.teacher import LoadedTeacher


class Executor(StepExecutor):
    """See `TeacherLoadSpec`."""

    def run(
        self,
        input_dict: dict[str, list[Artifact]],
        output_dict: dict[str, list[Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Writes the teacher as LiteRT; and its logits, or its files for one that is live.

        Args:
          input_dict: `examples`.
          output_dict: `teacher` and `teacher_logits`.
          exec_properties: Parameters of the spec.

        Raises:
          ConfigError: the teacher is unsafe, does not fit the data, is no yardstick for it, or is not the one the run
            was started with.
        """
        task = from_json(TaskConfig, exec_properties["task"])
        examples = artifact_utils.get_single_instance(input_dict["examples"])
        config = config_from(TeacherConfig, exec_properties)
        artifact = artifact_utils.get_single_instance(output_dict["teacher"])
        logits = artifact_utils.get_single_instance(output_dict["teacher_logits"])
        for output in (artifact, logits):
            Path(output.uri).mkdir(parents=True, exist_ok=True)

        # Below the pipeline root, which the workers of a cluster can read.
        with tempfile.TemporaryDirectory(dir=artifact.uri) as folder:
            paths = fetch_members(config, Path(folder))
            labels = read_labels(examples)
            teacher = load_teacher(paths, config, task, len(labels), labels)
            teacher.check_content(exec_properties["teacher_sha256"])
            _check_answers(artifact, teacher, config, task, labels, Path(examples.uri) / Split.TRAIN)
            _write_litert(artifact, teacher)
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
                labels=tuple(labels),
                views=from_json(ViewPlan, exec_properties["views"]),
                examples=Path(examples.uri),
                logits=Path(logits.uri),
            )
            num_examples = {Split.TRAIN: examples.num_train, Split.HELD_OUT: examples.num_held_out}
            logits.num_examples = write_logits(work, num_examples, json.loads(exec_properties["beam_options"]))


def _check_answers(
    artifact: Artifact, teacher: LoadedTeacher, config: TeacherConfig, task: TaskConfig, labels: list[str], train: Path
) -> None:
    """Asks the teacher for some labelled training examples, and writes down what it is right on."""
    findings = check_answers(teacher, config, task, labels, train)
    artifact.set_string_custom_property("answer_check", "; ".join(finding.sentence for finding in findings))


def _write_litert(artifact: Artifact, teacher: LoadedTeacher) -> None:
    model = litert_file(teacher)
    (Path(artifact.uri) / LITERT_FILE).write_bytes(model)
    cost = model_cost(model)
    artifact.content_sha256 = teacher.content_sha256
    artifact.output = teacher.output.value
    artifact.model_bytes = len(model)
    artifact.num_parameters = cost.num_parameters
    artifact.macs = cost.macs
