"""How the students of one run share parameters: named strategies behind one interface.

- `prefix`: one trunk, which each student leaves after its own stage through its
  own head (multi-exit networks; Huang et al., MSDNet, arXiv:1703.09844). The
  deepest student's forward pass computes every trunk layer of the others.
- `width`: each narrower student uses the first channels of the widest one's
  kernels, with normalization and head of its own (arXiv:1812.08928); a stage
  that only a narrower one has is its own. Each is a forward pass of its own.
- `hybrid`: the first stages are one trunk; behind it each student has a branch
  of its own width and depth.

`joint_cost` counts what a strategy costs before anything is trained.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import keras

from learn2compress.config import Sharing, StageConfig, StudentConfig, TrainingConfig
from learn2compress.students.architecture import Architecture
from learn2compress.students.cost import count_macs
from learn2compress.students.layers import Layers
from learn2compress.students.sliced import SlicedLayers

Logits = dict[str, keras.KerasTensor]


@dataclasses.dataclass(frozen=True)
class _Plan:
    """Arguments of every strategy; students have a stage each, and widths are known."""

    architecture: Architecture
    num_classes: int
    training: TrainingConfig
    students: Sequence[StudentConfig]

    def stages(self, first: int, last: int) -> list[tuple[int, StageConfig]]:
        return [(number, self.training.stages[number - 1]) for number in range(first, last + 1)]

    def head(self, features: keras.KerasTensor, student: StudentConfig) -> keras.KerasTensor:
        return self.architecture.head(features, self.num_classes, Layers(student.width, f"{student.name}_"))


def connect(
    inputs: keras.KerasTensor,
    architecture: Architecture,
    num_classes: int,
    training: TrainingConfig,
    students: Sequence[StudentConfig],
) -> Logits:
    """Connects the students of one run, as `training.sharing` says.

    Args:
      inputs: float32 in 0..1, `[batch, *input_shape]`.
      architecture: Builds stages and heads.
      num_classes: Length of each student's logits.
      training: Stages and the strategy.
      students: With a stage each; widths are known.

    Returns:
      Logits `[batch, num_classes]` by student name.
    """
    return _STRATEGIES[training.sharing](inputs, _Plan(architecture, num_classes, training, students))


@dataclasses.dataclass(frozen=True)
class JointCost:
    """Multiply-accumulate operations of one forward pass for one example.

    Attributes:
      joint_macs: Of the network that trains all students.
      student_macs: Of each student alone, by name.
    """

    joint_macs: int
    student_macs: dict[str, int]

    @property
    def largest(self) -> str:
        """The student of the most operations."""
        return max(self.student_macs, key=lambda name: self.student_macs[name])

    @property
    def joint_over_largest(self) -> float:
        """Operations of the joint network as a multiple of the most expensive student's."""
        return self.joint_macs / max(self.student_macs.values())

    @property
    def joint_over_separate(self) -> float:
        """Operations of the joint network as a multiple of those of all students apart."""
        return self.joint_macs / sum(self.student_macs.values())


def joint_cost(network: keras.Model) -> JointCost:
    """Returns the cost of a joint network, counted from its layers."""
    views = {name: keras.Model(network.input, logits) for name, logits in network.output.items()}
    return JointCost(count_macs(network), {name: count_macs(view) for name, view in views.items()})


def _prefix(inputs: keras.KerasTensor, plan: _Plan) -> Logits:
    leaving = {student.stage: student for student in plan.students}
    layers = Layers(plan.students[0].width)
    features, logits = inputs, {}
    for number, stage in plan.stages(1, max(student.stage or 0 for student in plan.students)):
        features = plan.architecture.stage(features, stage, number, layers)
        if number in leaving:
            logits[leaving[number].name] = plan.head(features, leaving[number])
    return logits


def _width(inputs: keras.KerasTensor, plan: _Plan) -> Logits:
    logits: Logits = {}
    sources: dict[str, keras.Layer] = {}
    for student in sorted(plan.students, key=lambda student: -student.width):
        layers, features = SlicedLayers(student.width, f"{student.name}_", sources), inputs
        for number, stage in plan.stages(1, student.stage or 0):
            features = plan.architecture.stage(features, stage, number, layers)
        logits[student.name] = plan.head(features, student)
    return logits


def _hybrid(inputs: keras.KerasTensor, plan: _Plan) -> Logits:
    shared, shared_stages = inputs, plan.training.shared_stages
    for number, stage in plan.stages(1, shared_stages):
        shared = plan.architecture.stage(shared, stage, number, Layers())
    logits: Logits = {}
    for student in plan.students:
        features, layers = shared, Layers(student.width, f"{student.name}_")
        for number, stage in plan.stages(shared_stages + 1, student.stage or 0):
            features = plan.architecture.stage(features, stage, number, layers)
        logits[student.name] = plan.head(features, student)
    return logits


_STRATEGIES: dict[Sharing, Callable[[keras.KerasTensor, _Plan], Logits]] = {
    Sharing.PREFIX: _prefix,
    Sharing.WIDTH: _width,
    Sharing.HYBRID: _hybrid,
}
