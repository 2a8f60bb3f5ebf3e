"""One step of training: a forward and a backward pass of all students that take part, and of the teacher where it runs.

Each network is run once. The teacher's logits come with the batch, or from a
teacher that sees the very inputs that the students see; a teacher that is
optimised jointly learns from the labels alone, and the students' targets are
cut off from its gradient.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import keras
import tensorflow as tf

from learn2compress.config import DistillationConfig, Optimizer, Precision
from learn2compress.data.batches import TrainingBatch
from learn2compress.precision.view import faster_view
from learn2compress.teachers.live import LiveTeacher
from learn2compress.training.adamw import AdamW
from learn2compress.training.frozen_prefix import split_frozen_prefix
from learn2compress.training.losses import cross_entropy, exits_mean, hint_loss, student_loss
from learn2compress.training.optimizer import StepCountingOptimizer
from learn2compress.training.sgd import Sgd

TEACHER = "teacher"


class Step(Protocol):
    """The steps of one training, as `learn2compress.training.loop` makes them.

    Attributes:
      students: Names of what is trained, measured and recorded; each is an output of the network.
      optimizer: Moves the students' weights.
      teacher_optimizer: Moves those of a teacher that is optimised jointly; `None` without one.
    """

    students: list[str]
    optimizer: StepCountingOptimizer
    teacher_optimizer: AdamW | None

    @property
    def variables(self) -> list[keras.Variable]:
        """Returns all state that a step changes besides the network's own variables."""
        ...

    def losses_of(self, active: Sequence[str]) -> list[str]:
        """Returns whose losses a step with these students returns, in their order."""
        ...

    def run(self, batch: TrainingBatch, active: Sequence[str]) -> Any:
        """Runs one step, and returns losses `[len(losses_of(active))]`, on the device."""
        ...


def optimizer_kind(
    optimizer: Optimizer, momentum: float, distillation: DistillationConfig
) -> tuple[Callable[..., StepCountingOptimizer], float]:
    """Returns what makes an optimizer of students, and what their losses are divided by.

    Args:
      optimizer: Its name. SGD's steps are as long as its gradients: it takes those of the losses over the sum of their
        weights.
      momentum: With SGD, share of the sum of gradients that a step keeps.
      distillation: The loss.
    """
    if optimizer is Optimizer.SGD:
        return functools.partial(Sgd, momentum=momentum), distillation.total_weight
    return AdamW, 1.0


class TrainStep:
    """Makes and keeps the compiled steps of one training.

    Args:
      network: Returns a dict of logits `[batch, num_classes]` by student name.
      distillation: The loss.
      learning_rate: The optimizer's first; `learning_rate` sets later ones.
      weight_decay: Of kernels alone; with AdamW decoupled (arXiv:1711.05101).
      gradient_clip_norm: Longest gradient of all students' weights together.
      loss_weights: By student name; 1 where left out.
      largest: The student whose logits the others follow by `largest_weight`.
      teacher: Runs in each step; left out, logits come with the batch.
      train_teacher: Optimise the teacher, too.
      precision: What the students are computed in.
      optimizer: What moves the students' weights. SGD's steps are as long as its
        gradients: it takes those of the losses over the sum of their weights.
      momentum: With SGD, share of the sum of gradients that a step keeps.
      batch_norm_bias_rate: Multiplies the students' learning rate of batch normalization's biases.
    """

    def __init__(
        self,
        network: keras.Model,
        distillation: DistillationConfig,
        *,
        learning_rate: float,
        weight_decay: float = 0.0,
        gradient_clip_norm: float | None = None,
        loss_weights: Mapping[str, float] | None = None,
        largest: str | None = None,
        teacher: LiveTeacher | None = None,
        train_teacher: bool = False,
        precision: Precision = Precision.FLOAT32,
        optimizer: Optimizer = Optimizer.ADAMW,
        momentum: float = 0.9,
        batch_norm_bias_rate: float = 1.0,
    ):
        self.students = list(network.output)
        self._network = network
        self._distillation = distillation
        self._loss_weights = loss_weights or {}
        self._largest = largest
        self._teacher = teacher
        self._train_teacher = train_teacher
        self._precision = precision
        self._moving_means = _means_by_student(network)
        self._hints = self._make_hints() if distillation.hint_weight else {}

        settings: dict[str, Any] = {"weight_decay": weight_decay, "gradient_clip_norm": gradient_clip_norm}
        kind, self._divisor = optimizer_kind(optimizer, momentum, distillation)
        self._new_optimizer = functools.partial(
            kind, learning_rate=learning_rate, batch_norm_bias_rate=batch_norm_bias_rate, **settings
        )
        self.optimizer = self._new_optimizer(self._student_variables())
        self.teacher_optimizer = (
            AdamW(teacher.trainable_variables, learning_rate, **settings)
            if teacher is not None and train_teacher
            else None
        )
        self._compiled: dict[tuple[Any, ...], Callable[..., tuple[Any, Any]]] = {}

    def on_network(self, network: keras.Model) -> TrainStep:
        """Returns the steps of the same training on another network of the same students.

        The students' optimizer begins anew, as its moments are those of other weights. Hints' projections, the teacher
        and its optimizer stay what they are.

        Args:
          network: As for the constructor.
        """
        step = copy.copy(self)
        step._network = network
        step._moving_means = _means_by_student(network)
        step._compiled = {}
        step.optimizer = self._new_optimizer(step._student_variables())
        return step

    @property
    def variables(self) -> list[keras.Variable]:
        """Returns all state that a step changes besides the network's own variables."""
        variables = [*self.optimizer.variables]
        for hint in self._hints.values():
            variables += hint.variables
        if self._teacher is not None and self.teacher_optimizer is not None:
            variables += [*self._teacher.variables, *self.teacher_optimizer.variables]
        return variables

    def losses_of(self, active: Sequence[str]) -> list[str]:
        """Returns whose losses a step with these students returns, in their order."""
        return [*active, *([TEACHER] if self._train_teacher else [])]

    def run(self, batch: TrainingBatch, active: Sequence[str]) -> Any:
        """Runs one step.

        Args:
          batch: Examples, targets, and the teacher's logits where it is not live.
          active: Students that take part.

        Returns:
          Losses `[len(losses_of(active))]`, on the device.
        """
        # What is trainable decides the graph, and freezing changes it between epochs.
        trainable = self._student_variables()
        key = (tuple(active), tuple(id(variable) for variable in trainable))
        if key not in self._compiled:
            self._compiled[key] = self._compile(tuple(active), trainable)
        return self._compiled[key](*batch)

    def _compile(self, active: tuple[str, ...], trainable: list[keras.Variable]) -> Callable[..., Any]:
        outputs: dict[str, Any] = {name: self._network.output[name] for name in active}
        features = {name: self._network.get_layer(f"{name}_logits").input for name in active if name in self._hints}
        taking_part = faster_view(keras.Model(self._network.input, (outputs, features)), self._precision)
        frozen_prefix, learning = split_frozen_prefix(taking_part)

        @tf.function(reduce_retracing=True)
        def step(inputs: Any, targets: Any, teacher_logits: Any) -> Any:
            teacher_features = None
            if self._teacher is not None and not self._train_teacher:
                # Before the tape, which would keep all that the teacher computes on the way.
                teacher_logits, teacher_features = self._teacher(inputs)
            frozen_outputs = as_float(inputs)
            if frozen_prefix is not None:
                frozen_outputs = frozen_prefix(frozen_outputs, training=True)
            with tf.GradientTape(persistent=self._train_teacher) as tape:
                if self._teacher is not None and self._train_teacher:
                    teacher_logits, teacher_features = self._teacher(inputs, training=True)
                logits, hints = learning(frozen_outputs, training=True)
                losses = self._losses(targets, logits, teacher_logits, hints, teacher_features)
                total = tf.add_n([self._loss_weights.get(name, 1.0) * loss for name, loss in losses.items()])
                if self._divisor != 1.0:
                    total /= self._divisor
                if self._train_teacher:
                    losses[TEACHER] = tf.reduce_mean(cross_entropy(targets, teacher_logits))
            # Weights of students that don't take part have no gradient.
            self.optimizer.apply(tape.gradient(total, trainable), trainable)
            if self.teacher_optimizer is not None and self._teacher is not None:
                variables = self._teacher.trainable_variables
                self.teacher_optimizer.apply(tape.gradient(losses[TEACHER], variables), variables)
            return tf.stack([losses[name] + self._nan_of_statistics(name) for name in self.losses_of(active)])

        return step

    def _nan_of_statistics(self, name: str) -> Any:
        return nan_of(self._moving_means.get(name, ()))

    def _losses(
        self, targets: Any, logits: dict[str, Any], teacher_logits: Any, hints: dict[str, Any], teacher_features: Any
    ) -> dict[str, Any]:
        losses = {}
        exits_logits = exits_mean(list(logits.values())) if self._distillation.exits_weight else None
        for name, student_logits in logits.items():
            largest_logits = logits.get(self._largest) if self._largest not in (None, name) else None
            losses[name] = student_loss(
                targets, student_logits, teacher_logits, self._distillation, largest_logits, exits_logits
            )
            if name in hints:
                distance = tf.reduce_mean(hint_loss(self._hints[name](hints[name]), teacher_features))
                losses[name] += self._distillation.hint_weight * distance
        return losses

    def _make_hints(self) -> dict[str, keras.layers.Dense]:
        channels = self._teacher.hint_channels if self._teacher else None
        if channels is None:
            raise ValueError("found hint_weight and no teacher that gives features, accepted is a live Keras teacher")
        hints = {}
        for name in self.students:
            hints[name] = keras.layers.Dense(channels, use_bias=False, name=f"{name}_hint")
            hints[name].build(self._network.get_layer(f"{name}_logits").input.shape)
        return hints

    def _student_variables(self) -> list[keras.Variable]:
        variables = [*self._network.trainable_variables]
        for hint in self._hints.values():
            variables += hint.trainable_variables
        return variables


def as_float(inputs: Any) -> Any:
    """Returns examples as students take them.

    Args:
      inputs: uint8 of any shape.

    Returns:
      float32 0..1 of that shape.
    """
    return tf.cast(inputs, tf.float32) / 255.0


def _means_by_student(network: keras.Model) -> dict[str, list[keras.Variable]]:
    return {name: moving_means(keras.Model(network.input, logits)) for name, logits in network.output.items()}


def moving_means(network: keras.Model) -> list[keras.Variable]:
    """Returns the moving means of a network's normalization, for `nan_of`."""
    return [layer.moving_mean for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization)]


def nan_of(means: Sequence[keras.Variable]) -> Any:
    """Returns 0, or NaN where normalization met one: a ReLU fused with it hides it from the loss.

    Args:
      means: From `moving_means`.
    """
    return 0.0 * tf.add_n([tf.reduce_sum(mean) for mean in means]) if means else 0.0
