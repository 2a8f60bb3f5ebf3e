"""What every training of a run works with: settings, examples beside the teacher's signal, and a checkpoint."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

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
from learn2compress.steps.examples_folder import ExamplesFolder
from learn2compress.teachers.live import LiveTeacher
from learn2compress.training.checkpoint import Checkpoint
from learn2compress.training.loop import make_deterministic
from learn2compress.training.plan import TrainingPlan, joint_plan, phase_plan


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
    """What a step trains with.

    Attributes:
      examples: The examples, for their counts.
      data: The same as batches, beside the teacher's logits unless the teacher is live.
      teacher: The live teacher.
      settings: What every training of the run is told.
      checkpoint: State of this very training; the same settings and inputs find it again after a kill.
    """

    examples: ExamplesFolder
    data: TrainingData
    teacher: LiveTeacher | None
    settings: TrainingSettings
    checkpoint: Checkpoint

    @classmethod
    def open(
        cls,
        examples: ExamplesFolder,
        teacher_logits: Path,
        teacher: Path,
        settings: TrainingSettings,
        checkpoint_name: str,
    ) -> TrainingInputs:
        """Opens the inputs, and makes all that follows in this process a function of the seed.

        Args:
          examples: Where they are.
          teacher_logits: Folder with a folder of logits for each split; a live teacher needs none.
          teacher: Folder of the files of a live teacher; read for that alone.
          settings: What every training of the run is told.
          checkpoint_name: Name of this training below `settings.checkpoint_root`: a digest of all that it depends on.

        Raises:
          ConfigError: the checkpoint's URL can't be read and written, or the teacher can't run in a step.
        """
        make_deterministic(settings.seed)
        training, use = settings.training, settings.teacher_use
        data = TrainingData(
            train=examples.shards(Split.TRAIN),
            train_logits=None if use.is_live else teacher_logits / Split.TRAIN,
            held_out=examples.shards(Split.HELD_OUT),
            num_train=examples.num_train,
            num_held_out=examples.num_held_out,
            num_classes=examples.num_classes,
            input_shape=settings.task.input_shape,
            batch_size=training.batch_size_for(examples.num_train),
            shuffle_buffer=training.shuffle_buffer,
            augment=training.augment,
            num_views=use.cached_views if training.augment.is_active and not use.is_live else 1,
            shows_fresh_views=use.shows_fresh_views,
            seed=settings.seed,
            num_validation=examples.num_to_choose_by(training),
            validation=examples.validation,
        )
        live = None
        if use.is_live:
            distillation = training.distillation
            live = LiveTeacher.load(
                teacher,
                settings.task,
                examples.num_classes,
                hint_layer=distillation.hint_layer,
                needs_hints=bool(distillation.hint_weight),
                precision=use.precision_in(training),
            )
        return cls(examples, data, live, settings, Checkpoint.at(settings.checkpoint_root, checkpoint_name))

    def sample(self, min_examples: int) -> TrainingSample:
        """Reads examples to calibrate with and to choose by; nobody trained on the first ones.

        Args:
          min_examples: Reads at least so many that were trained on, where there are as many.
        """
        return TrainingSample.read(
            self.examples.shards(Split.TRAIN),
            self.settings.task.input_shape,
            min_examples,
            self.examples.num_to_choose_by(self.settings.training),
            self.examples.validation,
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
