"""Runs the joint training and writes each student apart."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tfx.types import artifact_utils
from tfx.types.artifact import Artifact

from components.artifacts import COST_FILE, TRAINED_TEACHER_OUTPUT, TRAINING_LOGS_OUTPUT
from components.examples_artifact import read_labels
from components.parameters import from_json
from components.step_executor import StepExecutor
from components.student_artifact import write_student
from components.training_inputs import TrainingInputs
from learn2compress import progress
from learn2compress.config import StudentConfig
from learn2compress.config.parsing import to_dict
from learn2compress.quantization.qat_network import check_quantizable
from learn2compress.results.reports import EpochRecord, returned_epoch, write_json
from learn2compress.search.width_for_budget import resolve_budgets
from learn2compress.students.joint import build_joint_network, standalone_student
from learn2compress.students.pretrained import frozen_layers, load_pretrained
from learn2compress.students.sharing import JointCost, joint_cost
from learn2compress.training.loop import Training, make_deterministic
from learn2compress.training.step import TEACHER
from learn2compress.training.tensorboard import write_tensorboard


class Executor(StepExecutor):
    """See `JointDistillTrainerSpec`."""

    def run(
        self,
        input_dict: dict[str, list[Artifact]],
        output_dict: dict[str, list[Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Trains, and writes one Student for each name.

        Args:
          input_dict: Artifacts by the names of `TRAINING_INPUTS`.
          output_dict: A Student by each student's name, the training's logs, and the teacher where it learns.
          exec_properties: Values by the names of `JointDistillTrainerSpec.PARAMETERS`.

        Raises:
          ConfigError: early stopping has too few examples to decide by, no width is within a budget, or a pretrained
            trunk does not fit.
        """
        inputs = TrainingInputs.open(input_dict, exec_properties)
        training, num_classes = inputs.settings.training, inputs.examples.num_classes
        if (sentence := training.why_fewer_a_step(inputs.examples.num_train)) is not None:
            progress.notice("train", sentence)
        students = _sized(inputs, from_json(tuple[StudentConfig, ...], exec_properties["students"]))
        pretrained = load_pretrained(training, inputs.settings.task, exec_properties["pretrained_sha256"])
        if pretrained is not None:
            check_quantizable(pretrained)
        # Looking for sizes built networks, too; what follows starts from the seed whether it was done now or before.
        make_deterministic(inputs.settings.seed)
        network = build_joint_network(inputs.settings.task, num_classes, training, students, pretrained)
        cost = joint_cost(network)
        progress.report("joint network", 1, 1, _describe(cost))

        run = Training(
            network,
            inputs.data,
            inputs.joint_plan(students, cost.largest),
            teacher=inputs.teacher,
            frozen_at=lambda epoch: frozen_layers(training, network, epoch),
        )
        for _ in run.epochs(inputs.checkpoint):
            pass
        history = run.finish()
        for student in students:
            artifact = artifact_utils.get_single_instance(output_dict[student.name])
            run.assign_weights_of(student.name)
            write_student(artifact, standalone_student(run.network, student.name), student.name, history[student.name])
        _write_logs(artifact_utils.get_single_instance(output_dict[TRAINING_LOGS_OUTPUT]), history, cost)
        if TRAINED_TEACHER_OUTPUT in output_dict and inputs.teacher is not None:
            artifact = artifact_utils.get_single_instance(output_dict[TRAINED_TEACHER_OUTPUT])
            run.assign_weights_of(TEACHER)
            inputs.teacher.save(Path(artifact.uri))
            artifact.accuracy = returned_epoch(history[TEACHER]).held_out_top_1
        inputs.checkpoint.discard()


def _sized(inputs: TrainingInputs, students: Sequence[StudentConfig]) -> Sequence[StudentConfig]:
    """Returns students with widths instead of budgets. No latency is measured twice alike: the first width stays."""

    def resolve() -> str:
        settings = inputs.settings
        sized = resolve_budgets(settings.task, read_labels(inputs.examples), settings.training, students)
        return json.dumps([to_dict(student) for student in sized])

    if all(student.budget is None for student in students):
        return students
    sized: tuple[StudentConfig, ...] = from_json(tuple[StudentConfig, ...], inputs.checkpoint.once("students", resolve))
    return sized


def _describe(cost: JointCost) -> str:
    return (
        f"{cost.joint_macs / 1e6:.1f} M MACs: {cost.joint_over_largest:.2f} times the largest student, "
        f"{cost.joint_over_separate:.2f} times all apart"
    )


def _write_logs(artifact: Artifact, history: dict[str, tuple[EpochRecord, ...]], cost: JointCost) -> None:
    folder = Path(artifact.uri)
    write_tensorboard(folder, history)
    write_json(folder / COST_FILE, dataclasses.asdict(cost))
    artifact.joint_macs = cost.joint_macs
    artifact.joint_over_largest = cost.joint_over_largest
    artifact.joint_over_separate = cost.joint_over_separate
