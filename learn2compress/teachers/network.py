"""The networks that a teacher consists of, and the scores that they return together.

A teacher of one network returns what that network does. Several are an ensemble:
the mean of their probabilities is the distribution that students learn from
(Hinton et al., arXiv:1503.02531).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from learn2compress.config import InputScaling, Precision, TeacherOutput
from learn2compress.config.parsing import ConfigError
from learn2compress.precision.view import faster_view
from learn2compress.teachers.class_scores import ClassScores
from learn2compress.teachers.input_scaling import scaled_inputs

SMALLEST_PROBABILITY = 1e-7
"""Probabilities are clipped here before their logarithm is taken."""


@dataclasses.dataclass(frozen=True)
class Network:
    """The network of a teacher, whatever format it came in.

    Attributes:
      name: What to call it in messages: its path.
      forward: Takes a batch of scaled inputs, or of strings, and whether this is
        training, which a SavedModel ignores; returns `[batch, outputs]`.
      input_shape: Shape of one example; of a text teacher's string, `()` or `(1,)`.
      input_dtype: A float type, an integer type that takes bytes as they are, or string.
      fixed_batch: 1 where the network takes one example at a time, otherwise None.
      num_parameters: Weights in all.
      activation: The last activation, where it can be read.
      model: The Keras model, where it is one that takes batches: it can be trained, and its layers seen.
      class_scores: How its outputs become one score for each class.
    """

    name: str
    forward: Callable[[Any, bool], Any]
    input_shape: tuple[int, ...]
    input_dtype: Any
    fixed_batch: int | None
    num_parameters: int
    activation: str | None
    model: keras.Model | None = None
    class_scores: ClassScores = dataclasses.field(default_factory=ClassScores)

    @property
    def takes_text(self) -> bool:
        """Returns whether it reads the examples' text instead of their features."""
        return bool(self.input_dtype == tf.string)

    @property
    def closed_kind(self) -> str:
        """Returns what to call a network without a `model` in messages."""
        return "a SavedModel" if self.fixed_batch is None else "a network that takes one example at a time"

    def input_spec(self) -> tf.TensorSpec:
        """Returns the shape and type of a batch that the network takes at once, as `Member.scores` takes it."""
        return tf.TensorSpec([self.fixed_batch, *self.input_shape], tf.string if self.takes_text else tf.uint8)


@dataclasses.dataclass(frozen=True)
class Member:
    """One network that was found to fit the task, and how to feed and read it.

    Attributes:
      network: The network.
      scaling: How bytes become its inputs.
      output: What it returns.
      num_classes: Scores for each example.
      content_sha256: Hash of the file or folder it was loaded from.
    """

    network: Network
    scaling: InputScaling
    output: TeacherOutput
    num_classes: int
    content_sha256: str

    def scores(self, raw: Any, training: bool = False) -> Any:
        """Returns what the network returns, in the order of the data's classes; inside a graph.

        Args:
          raw: Numbers 0..255 of any type `[batch, *input_shape]`, or strings
            for a network that takes text.
          training: Whether dropout and batch statistics are on.

        Returns:
          float32 `[batch, num_classes]`.
        """
        if self.network.fixed_batch is None or raw.shape[0] == self.network.fixed_batch:
            return scaled_scores(self.network, self.scaling, raw, training)
        one = tf.TensorSpec([self.num_classes], tf.float32)
        return tf.map_fn(
            lambda example: scaled_scores(self.network, self.scaling, example[tf.newaxis], training)[0],
            raw,
            fn_output_signature=one,
        )

    def computed_in(self, precision: Precision) -> Member:
        """Returns the member whose network computes the same in a precision; its `model` is a view of the weights.

        Args:
          precision: float32 is the member itself. In bfloat16, layers that are not made for it stay in float32.

        Raises:
          ConfigError: its network can't be seen into: a SavedModel, or one that takes a batch of one.
        """
        network = self.network
        if precision is Precision.FLOAT32:
            return self
        if network.model is None:
            raise ConfigError(
                f"teacher.precision: found {precision.value!r} with {network.closed_kind} ({network.name}), accepted "
                "is 'float32', or a .keras or .h5 file that takes batches"
            )
        view = faster_view(network.model, precision)

        def forward(batch: Any, training: bool) -> Any:
            return view(batch, training=training)

        return dataclasses.replace(self, network=dataclasses.replace(network, forward=forward, model=view))

    def probabilities(self, raw: Any) -> Any:
        """Returns the network's probabilities, inside a graph.

        Args:
          raw: As for `scores`.

        Returns:
          float32 `[batch, num_classes]`, each row summing to 1.
        """
        scores = self.scores(raw)
        return scores if self.output is TeacherOutput.PROBABILITIES else tf.nn.softmax(scores)


def scaled_scores(network: Network, scaling: InputScaling, raw: Any, training: bool = False) -> Any:
    """Returns what a network returns for a batch that it takes at once.

    Args:
      network: The network.
      scaling: How bytes become its inputs.
      raw: Numbers 0..255 or strings, shaped as `network.input_spec()`.
      training: Whether dropout and batch statistics are on.

    Returns:
      float32 `[batch, num_classes]`.
    """
    if not network.takes_text:
        raw = tf.cast(scaled_inputs(raw, scaling), network.input_dtype)
    return network.class_scores(tf.cast(network.forward(raw, training), tf.float32))


def joint_scores(members: Sequence[Member], raw: Any, text: Any = None) -> Any:
    """Returns what one network returns, or the mean of the probabilities of several.

    Args:
      members: At least one.
      raw: As for `Member.scores`.
      text: Strings `[batch]`, where a member takes text.

    Returns:
      float32 `[batch, num_classes]`; `joint_output` says what it is.
    """
    inputs = [tf.reshape(text, [-1, *m.network.input_shape]) if m.network.takes_text else raw for m in members]
    if len(members) == 1:
        return members[0].scores(inputs[0])
    return tf.add_n([m.probabilities(x) for m, x in zip(members, inputs, strict=True)]) / len(members)


def joint_output(members: Sequence[Member]) -> TeacherOutput:
    """Returns whether `joint_scores` are logits or probabilities."""
    return members[0].output if len(members) == 1 else TeacherOutput.PROBABILITIES


def log_scores(scores: Any, output: TeacherOutput) -> Any:
    """Returns logits as they are, and the logarithms of probabilities; inside a graph.

    Args:
      scores: float32 `[batch, num_classes]`.
      output: What they are.

    Returns:
      float32 `[batch, num_classes]`; logarithms are at least log(1e-7).
    """
    if output is TeacherOutput.LOGITS:
        return scores
    return tf.math.log(tf.clip_by_value(scores, SMALLEST_PROBABILITY, 1.0))
