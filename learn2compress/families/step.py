"""One step of a family's training: the widest sub-networks on the whole batch, narrower ones on a part of it.

The widest view trains with all of its exits at the largest size. Beside it, two narrower or smaller views train on a
quarter of the batch, and follow the widest's deepest exit, too (in-place distillation; Yu et al., arXiv:2003.11142). So
a step costs little more than the widest alone. Each set of views that train together has a compiled step of its own.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from learn2compress.config import FamilyConfig
from learn2compress.data.batches import TrainingBatch
from learn2compress.families.network import FamilyNetwork, View
from learn2compress.families.turns import views_at
from learn2compress.precision.view import faster_view
from learn2compress.teachers.live import LiveTeacher
from learn2compress.training.adamw import AdamW
from learn2compress.training.losses import exits_mean, student_loss
from learn2compress.training.plan import TrainingPlan
from learn2compress.training.step import as_float, moving_means, nan_of, optimizer_kind

_NARROW_SHARE, _LEAST_NARROW = 4, 16


class StepNumber:
    """Notes which step of the training it is, as a `StepHook`; what is drawn for a step derives from it.

    Attributes:
      number: From 0.
      variables: None: a resumed training tells the number anew.
    """

    def __init__(self) -> None:
        self.number = 0
        self.variables: list[keras.Variable] = []

    def before_step(self, step: int) -> None:
        """Notes the number of the step that comes."""
        self.number = step


class FamilyStep:
    """Makes and keeps the compiled steps of a family's training; a `learn2compress.training.step.Step`.

    Args:
      network: The family.
      plan: Loss, optimizer and seed; `joins_at_epoch` says when the narrower ones join.
      family: How much they follow the widest.
      step: Tells which step it is.
      teacher: Runs in each step; left out, logits come with the batch.

    Attributes:
      students: Outputs that are measured and recorded: the deepest exits of the widest and of the narrowest.
      optimizer: Moves the weights.
      teacher_optimizer: None: the teacher stays as it is.
    """

    teacher_optimizer: AdamW | None = None

    def __init__(
        self,
        network: FamilyNetwork,
        plan: TrainingPlan,
        family: FamilyConfig,
        step: StepNumber,
        teacher: LiveTeacher | None = None,
    ):
        self.students = list(dict.fromkeys(map(network.deepest_of, (network.widest, network.narrowest))))
        self._network, self._seed, self._precision, self._step = network, plan.seed, plan.precision, step
        self._distillation = self._narrow_distillation = plan.distillation
        if plan.distillation.weight:
            self._narrow_distillation = dataclasses.replace(plan.distillation, exits_weight=family.widest_share)
        kind, self._divisor = optimizer_kind(plan.optimizer, plan.momentum, plan.distillation)
        self.optimizer = kind(
            network.whole.trainable_variables,
            plan.learning_rate,
            weight_decay=plan.weight_decay,
            gradient_clip_norm=plan.gradient_clip_norm,
            batch_norm_bias_rate=plan.batch_norm_bias_rate,
        )
        self._teacher = teacher
        self._compiled: dict[tuple[View, ...], Callable[..., Any]] = {}

    @property
    def variables(self) -> list[keras.Variable]:
        """Returns all state that a step changes besides the network's own variables."""
        return self.optimizer.variables

    def losses_of(self, active: Sequence[str]) -> list[str]:
        """Returns the outputs that take part, whose losses a step returns."""
        return list(active)

    def run(self, batch: TrainingBatch, active: Sequence[str]) -> Any:
        """Runs one step.

        Args:
          batch: Examples, targets, and the teacher's logits where it is not live.
          active: The widest's output, and with that of the narrowest all other views, too.

        Returns:
          Losses `[len(active)]`, on the device: of the widest, and of those that took part beside it.
        """
        joined = len(active) == len(self.students)
        narrower = views_at(list(self._network.views), self._seed, self._step.number) if joined else ()
        if narrower not in self._compiled:
            self._compiled[narrower] = self._compile(narrower)
        losses = self._compiled[narrower](*batch)
        return losses[: len(active)]

    def _compile(self, narrower: tuple[View, ...]) -> Callable[..., Any]:
        widest, deepest = self._network.widest, self._network.exits[-1].name
        models = {view: self._network.views[view] for view in (widest, *narrower)}
        faster = {view: faster_view(model, self._precision) for view, model in models.items()}
        means = {view: moving_means(model) for view, model in models.items()}

        @tf.function(reduce_retracing=True)
        def step(inputs: Any, targets: Any, teacher_logits: Any) -> Any:
            if self._teacher is not None:
                teacher_logits, _ = self._teacher(inputs)
            losses, gradients = [], _Gradients()
            widest_logits: Any = None
            for view, model in models.items():
                size = inputs.shape[0] if view == widest else max(_LEAST_NARROW, inputs.shape[0] // _NARROW_SHARE)
                with tf.GradientTape() as tape:
                    logits = faster[view](as_float(inputs[:size]), training=True)
                    followed = None if widest_logits is None else widest_logits[:size]
                    loss = self._loss(targets[:size], logits, teacher_logits[:size], followed)
                    divided = loss / self._divisor
                gradients.add(model.trainable_variables, tape.gradient(divided, model.trainable_variables))
                widest_logits = logits[deepest] if view == widest else widest_logits
                losses.append(loss + nan_of(means[view]))
            self.optimizer.apply(gradients.sums(), gradients.variables())
            # What is not a number anywhere must be found.
            others = tf.reduce_mean(losses[1:]) if narrower else 0.0
            return tf.stack([losses[0] + 0.0 * others, others])

        return step

    def _loss(self, targets: Any, logits: dict[str, Any], teacher_logits: Any, widest_logits: Any) -> Any:
        """Returns the loss of one view.

        Args:
          targets: `[batch, num_classes]`.
          logits: By exit name, `[batch, num_classes]` each.
          teacher_logits: `[batch, num_classes]`.
          widest_logits: Of the widest's deepest exit for the same examples; `None` for the widest itself.
        """
        deepest, is_widest = self._network.exits[-1].name, widest_logits is None
        distillation = self._distillation if is_widest else self._narrow_distillation
        if is_widest:
            exits_logits = exits_mean(list(logits.values())) if distillation.exits_weight else None
            widest_logits = logits[deepest]
        else:
            exits_logits = widest_logits
        losses = {}
        for name, found in logits.items():
            followed = None if is_widest and name == deepest else widest_logits
            losses[name] = student_loss(targets, found, teacher_logits, distillation, followed, exits_logits)
        # The deepest counts as much as all others together, so that their number changes little.
        others = [loss for name, loss in losses.items() if name != deepest]
        return 0.5 * (losses[deepest] + tf.reduce_mean(others)) if others else losses[deepest]


class _Gradients:
    """Sums the gradients of several losses; a variable that a loss does not depend on has none of it."""

    def __init__(self) -> None:
        self._found: dict[int, tuple[keras.Variable, list[Any]]] = {}

    def add(self, variables: Sequence[keras.Variable], gradients: Sequence[Any]) -> None:
        """Adds those of one loss, one for each variable or `None`."""
        for variable, gradient in zip(variables, gradients, strict=True):
            if gradient is not None:
                self._found.setdefault(id(variable), (variable, []))[1].append(tf.convert_to_tensor(gradient))

    def variables(self) -> list[keras.Variable]:
        """Returns the variables that have a gradient."""
        return [variable for variable, _ in self._found.values()]

    def sums(self) -> list[Any]:
        """Returns their gradients."""
        return [tf.add_n(parts) for _, parts in self._found.values()]
