"""The teacher inside the training step: it sees what the students see, and may learn beside them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tensorflow as tf

from learn2compress.config import Precision, TaskConfig
from learn2compress.config.parsing import ConfigError
from learn2compress.teachers.hints import HintTap
from learn2compress.teachers.network import Member, joint_output, joint_scores, log_scores
from learn2compress.teachers.stored import load_stored, store_keras


class LiveTeacher:
    """A teacher that runs inside a graph; made by `LiveTeacher.load`.

    Call it outside of the `tf.GradientTape` where it does not learn: a tape makes
    TensorFlow keep what it computes on the way.

    Attributes:
      hint_channels: Channels of the hint features; None for a teacher that has
        none: a SavedModel or an ensemble.
    """

    def __init__(
        self,
        members: tuple[Member, ...],
        hint_layer: str | None,
        input_shape: tuple[int, ...],
        precision: Precision = Precision.FLOAT32,
    ) -> None:
        self._members = members
        self._model = members[0].network.model if len(members) == 1 else None
        # Views of the same weights; the members themselves are measured and saved.
        self._signalling = tuple(member.computed_in(precision) for member in members)
        computed = None if self._model is None else self._signalling[0].network.model
        self._tap = None if computed is None else HintTap(computed, hint_layer)
        # Traced once without running: the features' shape is known, and what does not work is found now.
        traced = tf.function(self.__call__, input_signature=[tf.TensorSpec([None, *input_shape], tf.uint8)])
        _, features = traced.get_concrete_function().structured_outputs
        self.hint_channels: int | None = None if features is None else int(features.shape[-1])

    @classmethod
    def load(
        cls,
        folder: Path,
        task: TaskConfig,
        num_classes: int,
        hint_layer: str | None = None,
        needs_hints: bool = False,
        precision: Precision = Precision.FLOAT32,
    ) -> LiveTeacher:
        """Loads what `TeacherLoad` or `save` stored, after the same checks as the first time.

        Args:
          folder: Holds `teacher.json` and the files that it names.
          task: The examples' kind and shape.
          num_classes: Classes of the data.
          hint_layer: The layer whose output the hint features are; None for what the
            last layer with weights takes.
          needs_hints: Whether a teacher without hint features is an error.
          precision: What its convolutions are computed in when it is called.

        Returns:
          The teacher, traced once.

        Raises:
          UnsafeTeacherError: before anything of it is loaded.
          ConfigError: it does not fit the task, has no such layer, or can't do what is needed.
        """
        members = load_stored(folder, task, num_classes)
        _check_inputs(members, task)
        teacher = cls(members, hint_layer, task.input_shape, precision)
        if needs_hints and teacher.hint_channels is None:
            found = "a SavedModel or a batch of one" if len(members) == 1 else "an ensemble"
            raise ConfigError(
                f"training.distillation.hint_weight: found hints from {found}, accepted is 0, or one teacher that is "
                "a .keras or .h5 file and takes batches"
            )
        return teacher

    def __call__(self, inputs: Any, training: bool = False) -> tuple[Any, Any]:
        """Runs one forward pass.

        Args:
          inputs: Raw examples, uint8 `[batch, *input_shape]`; the input scaling is applied here.
          training: Whether dropout and batch statistics are on; for a single
            Keras teacher, others ignore it.

        Returns:
          Logits float32 `[batch, num_classes]`, or log-probabilities of at least
          log(1e-7), and hint features float32 `[batch, hint_channels]` or None.
          Gradients flow through both.
        """
        if self._tap is None:
            return _log_scores(self._signalling, inputs), None
        (member,) = self._signalling
        with self._tap.listening():
            logits = log_scores(member.scores(inputs, training), member.output)
        return logits, self._tap.features()

    def float32_logits(self, inputs: Any) -> Any:
        """Runs one forward pass of inference in float32, whatever the signal is computed in: for measuring.

        Args:
          inputs: As for `__call__`.

        Returns:
          Logits or log-probabilities float32 `[batch, num_classes]`.
        """
        return _log_scores(self._members, inputs)

    @property
    def trainable_variables(self) -> list[Any]:
        """Returns the trainable weights; none of a SavedModel and of an ensemble."""
        return [] if self._model is None else list(self._model.trainable_variables)

    @property
    def variables(self) -> list[Any]:
        """Returns all state that training changes, batch statistics and random seeds of dropout too; none as above."""
        return [] if self._model is None else list(self._model.variables)

    def save(self, folder: Path) -> None:
        """Stores a Keras teacher with the weights it has now, in the layout that `load` reads.

        Args:
          folder: A folder; made if needed.

        Raises:
          ConfigError: it is a SavedModel or an ensemble, which are not trained.
        """
        if self._model is None:
            raise ConfigError("teacher.training: found a teacher that can't learn, accepted is one .keras or .h5 file")
        store_keras(folder, self._model, self._members[0])


def _log_scores(members: tuple[Member, ...], inputs: Any) -> Any:
    return log_scores(joint_scores(members, inputs), joint_output(members))


def _check_inputs(members: tuple[Member, ...], task: TaskConfig) -> None:
    for member in members:
        if member.network.takes_text:
            raise ConfigError(
                f"{member.network.name}: found a teacher that takes strings inside the training step, accepted is one "
                f"that takes the {task.kind} features"
            )
