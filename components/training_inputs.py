"""The common part of the components that train: settings, inputs on disk, checkpoints."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tfx.types import artifact_utils
from tfx.types.artifact import Artifact
from tfx.types.component_spec import ChannelParameter

from components.artifacts import Examples, Teacher, TeacherLogits
from components.parameters import from_json
from learn2compress.config import (
    Precision,
    StudentConfig,
    StudentViews,
    TaskConfig,
    TeacherConfig,
    TeacherTraining,
    TrainingConfig,
)
from learn2compress.data.batches import TrainingData
from learn2compress.data.records import Split
from learn2compress.quantization.choice_sample import TrainingSample
from learn2compress.teachers.live import LiveTeacher
from learn2compress.training.checkpoint import Checkpoint
from learn2compress.training.loop import make_deterministic
from learn2compress.training.plan import TrainingPlan, joint_plan, phase_plan

TRAINING_PARAMETERS = {
    "task": str,
    "training": str,
    "teacher_use": str,
    "seed": int,
    "checkpoint_root": str,
    "code_digest": str,
}
TRAINING_INPUTS = {
    "examples": ChannelParameter(type=Examples),
    "teacher": ChannelParameter(type=Teacher),
    "teacher_logits": ChannelParameter(type=TeacherLogits),
}

# Where state is kept does not change what is computed.
_NOT_IN_DIGEST = frozenset({"checkpoint_root"})


@dataclasses.dataclass(frozen=True)
class TeacherUse:
    """How trainings use the teacher. Where it came from is left out: moving it must not retrain anything.

    Attributes:
      is_live: It runs in every step.
      cached_views: Augmentations of each example that its stored logits cover.
      shows_fresh_views: Students see views of their own beside the mean of the stored logits.
      learning_rate: Highest in joint training; `None` for a teacher that stays as it is.
      precision: What a live teacher that stays as it is is computed in.
    """

    is_live: bool
    cached_views: int
    shows_fresh_views: bool
    learning_rate: float | None
    precision: Precision = Precision.FLOAT32

    @classmethod
    def of(cls, config: TeacherConfig) -> TeacherUse:
        """Reads it from the configuration."""
        joint = config.training is TeacherTraining.JOINT
        fresh = config.student_views is StudentViews.FRESH
        rate = config.learning_rate if joint else None
        return cls(config.is_live, config.cached_views, fresh, rate, config.precision)

    def precision_in(self, training: TrainingConfig) -> Precision:
        """Returns what a live teacher is computed in: one that learns in what the students are.

        Args:
          training: The joint training.
        """
        return self.precision if self.learning_rate is None else training.precision


@dataclasses.dataclass(frozen=True)
class TrainingSettings:
    """What every training of one run is told.

    Attributes:
      task: Shape of an example.
      training: Batches, losses, weight decay.
      teacher_use: How the teacher takes part.
      seed: Seed of everything random.
      checkpoint_root: Folder, or fsspec URL of one, for state that survives a kill.
    """

    task: TaskConfig
    training: TrainingConfig
    teacher_use: TeacherUse
    seed: int
    checkpoint_root: str


@dataclasses.dataclass(frozen=True)
class TrainingInputs:
    """What an executor trains with.

    Attributes:
      examples: The artifact, for its labels and counts.
      data: Its examples, beside the teacher's logits unless the teacher is live.
      teacher: The live teacher.
      settings: What every training of the run is told.
      checkpoint: State of this very training; the same parameters and inputs find it again after a kill.
    """

    examples: Artifact
    data: TrainingData
    teacher: LiveTeacher | None
    settings: TrainingSettings
    checkpoint: Checkpoint

    @classmethod
    def open(cls, input_dict: Mapping[str, list[Artifact]], exec_properties: Mapping[str, Any]) -> TrainingInputs:
        """Opens the inputs, and makes all that follows in this process a function of the seed.

        Args:
          input_dict: Artifacts by the names of `TRAINING_INPUTS`.
          exec_properties: Values by the names of `TRAINING_PARAMETERS`, and others, which the checkpoint depends on.

        Raises:
          ConfigError: the checkpoint's URL can't be read and written, or the teacher can't run in a step.
        """
        settings = TrainingSettings(
            from_json(TaskConfig, exec_properties["task"]),
            from_json(TrainingConfig, exec_properties["training"]),
            from_json(TeacherUse, exec_properties["teacher_use"]),
            int(exec_properties["seed"]),
            exec_properties["checkpoint_root"],
        )
        make_deterministic(settings.seed)
        examples = artifact_utils.get_single_instance(input_dict["examples"])
        teacher_logits = artifact_utils.get_single_instance(input_dict["teacher_logits"])
        training, is_live = settings.training, settings.teacher_use.is_live
        data = TrainingData(
            train=Path(examples.uri) / Split.TRAIN,
            train_logits=None if is_live else Path(teacher_logits.uri) / Split.TRAIN,
            held_out=Path(examples.uri) / Split.HELD_OUT,
            num_train=examples.num_train,
            num_held_out=examples.num_held_out,
            num_classes=examples.num_classes,
            input_shape=settings.task.input_shape,
            batch_size=training.batch_size_for(examples.num_train),
            shuffle_buffer=training.shuffle_buffer,
            augment=training.augment,
            num_views=settings.teacher_use.cached_views if training.augment.is_active and not is_live else 1,
            shows_fresh_views=settings.teacher_use.shows_fresh_views,
            seed=settings.seed,
            num_validation=training.num_validation(examples.num_train, examples.num_unlabelled),
        )
        teacher = None
        if is_live:
            folder = Path(artifact_utils.get_single_instance(input_dict["teacher"]).uri)
            distillation = training.distillation
            teacher = LiveTeacher.load(
                folder,
                settings.task,
                examples.num_classes,
                hint_layer=distillation.hint_layer,
                needs_hints=bool(distillation.hint_weight),
                precision=settings.teacher_use.precision_in(training),
            )
        digest = _digest(exec_properties, input_dict)
        return cls(examples, data, teacher, settings, Checkpoint.at(settings.checkpoint_root, digest))

    def sample(self, min_examples: int) -> TrainingSample:
        """Reads training examples to calibrate with and to choose by; the first ones were kept back from training."""
        return TrainingSample.read(
            Path(self.examples.uri) / Split.TRAIN,
            self.settings.task.input_shape,
            min_examples,
            self.settings.training.num_validation(self.examples.num_train, self.examples.num_unlabelled),
        )

    def plan(self, phase: str, epochs: int, learning_rate: float) -> TrainingPlan:
        """Returns the plan of a phase of training of one student, with the run's common settings.

        Args:
          phase: "prune" or "quantize".
          epochs: Passes over the training split.
          learning_rate: Highest learning rate.
        """
        return phase_plan(self.settings.training, phase, epochs, learning_rate, self.settings.seed)

    def joint_plan(self, students: Sequence[StudentConfig], largest: str) -> TrainingPlan:
        """Returns the plan of the joint training.

        Args:
          students: All of them.
          largest: Name of the one whose signal the others may follow.
        """
        settings = self.settings
        return joint_plan(settings.training, students, largest, settings.seed, settings.teacher_use.learning_rate)


def _digest(exec_properties: Mapping[str, Any], input_dict: Mapping[str, list[Artifact]]) -> str:
    parameters = {name: value for name, value in exec_properties.items() if name not in _NOT_IN_DIGEST}
    inputs = {name: [artifact.uri for artifact in artifacts] for name, artifacts in input_dict.items()}
    return hashlib.sha256(json.dumps([parameters, inputs], sort_keys=True, default=str).encode()).hexdigest()[:32]
