"""The joint training of all students, and each of them apart."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence

import keras

from learn2compress import progress
from learn2compress.config import StudentConfig
from learn2compress.config.parsing import parse, to_dict
from learn2compress.search.width_for_budget import resolve_budgets
from learn2compress.steps.student_folder import History
from learn2compress.steps.training_inputs import TrainingInputs
from learn2compress.students.joint import build_joint_network, standalone_student
from learn2compress.students.pretrained import frozen_layers, load_pretrained
from learn2compress.students.sharing import JointCost, joint_cost
from learn2compress.training.loop import Training, make_deterministic
from learn2compress.training.step import TEACHER


@dataclasses.dataclass(frozen=True)
class JointlyTrained:
    """What the joint training left.

    Attributes:
      students: Each as a plain model with weights of its own, by name.
      history: Epochs by student name; under "teacher" those of one that learned.
      cost: What the joint network costs beside students trained apart.
    """

    students: Mapping[str, keras.Model]
    history: Mapping[str, History]
    cost: JointCost


def train_students(
    inputs: TrainingInputs,
    labels: Sequence[str],
    students: Sequence[StudentConfig],
    pretrained_sha256: str = "",
) -> JointlyTrained:
    """Trains all students at once; a teacher that learns has the weights that it leaves with afterwards.

    Args:
      inputs: What to train with.
      labels: Class names in index order.
      students: Names and sizes.
      pretrained_sha256: Of the trunk that `training.pretrained` names; empty, it is not compared.

    Raises:
      ConfigError: early stopping has too few examples to decide by, no width is within a budget, or a pretrained
        trunk does not fit.
    """
    training, num_classes = inputs.settings.training, inputs.examples.num_classes
    if (sentence := training.why_fewer_a_step(inputs.examples.num_train)) is not None:
        progress.notice("train", sentence)
    students = _sized(inputs, labels, students)
    pretrained = load_pretrained(training, inputs.settings.task, pretrained_sha256)
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
    apart = {}
    for student in students:
        run.assign_weights_of(student.name)
        apart[student.name] = standalone_student(run.network, student.name)
    run.assign_weights_of(TEACHER)
    return JointlyTrained(apart, history, cost)


def _sized(inputs: TrainingInputs, labels: Sequence[str], students: Sequence[StudentConfig]) -> Sequence[StudentConfig]:
    """Returns students with widths instead of budgets. No latency is measured twice alike: the first width stays."""

    def resolve() -> str:
        settings = inputs.settings
        sized = resolve_budgets(settings.task, labels, settings.training, students)
        return json.dumps([to_dict(student) for student in sized])

    if all(student.budget is None for student in students):
        return students
    sized: tuple[StudentConfig, ...] = parse(
        tuple[StudentConfig, ...], json.loads(inputs.checkpoint.once("students", resolve))
    )
    return sized


def _describe(cost: JointCost) -> str:
    return (
        f"{cost.joint_macs / 1e6:.1f} M MACs: {cost.joint_over_largest:.2f} times the largest student, "
        f"{cost.joint_over_separate:.2f} times all apart"
    )
