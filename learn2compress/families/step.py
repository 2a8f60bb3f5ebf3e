"""One step of a family's training: the widest sub-networks on the whole batch, narrower ones on a part of it.

The widest view trains with all of its exits at the largest size. Beside it, two narrower or smaller views train on a
quarter of the batch, and follow the widest's deepest exit, too (in-place distillation; Yu et al., arXiv:2003.11142). So
a step costs little more than the widest alone. Each view has a compiled pass of its own.
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
    """Makes and keeps the compiled passes of a family's training; a `learn2compress.training.step.Step`.

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
        self._teacher_logits = None if teacher is None else tf.function(lambda inputs: teacher(inputs)[0])
        self._passes: dict[View, _Pass] = {}
        self._appliers: dict[tuple[View, ...], Callable[..., None]] = {}

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
        inputs, targets, teacher_logits = batch
        if self._teacher_logits is not None:
            teacher_logits = self._teacher_logits(inputs)
        widest = self._network.widest
        views = list(self._network.views)
        joined = len(active) == len(self.students)
        narrower = views_at(views, self._seed, self._step.number) if joined else ()

        loss, gradients, widest_logits = self._pass(widest)(inputs, targets, teacher_logits, teacher_logits)
        losses, all_gradients = [loss], [gradients]
        part = max(_LEAST_NARROW, len(inputs) // _NARROW_SHARE)
        for view in narrower:
            given = (inputs[:part], targets[:part], teacher_logits[:part], widest_logits[:part])
            loss, gradients, _ = self._pass(view)(*given)
            losses.append(loss)
            all_gradients.append(gradients)
        self._apply((widest, *narrower), all_gradients)
        if len(active) == 1:
            # What is not a number anywhere must be found.
            return tf.stack([losses[0] + 0.0 * tf.add_n(losses)])
        return tf.stack([losses[0], tf.reduce_mean(losses[1:])])

    def _pass(self, view: View) -> _Pass:
        if view not in self._passes:
            is_widest = view == self._network.widest
            distillation = self._distillation if is_widest else self._narrow_distillation
            deepest = self._network.exits[-1].name

            def loss_of(logits: dict[str, Any], targets: Any, teacher_logits: Any, widest_logits: Any) -> Any:
                if is_widest:
                    exits_logits = exits_mean(list(logits.values())) if distillation.exits_weight else None
                    widest_logits = logits[deepest]
                else:
                    exits_logits = widest_logits
                losses = {
                    name: student_loss(
                        targets,
                        found,
                        teacher_logits,
                        distillation,
                        None if is_widest and name == deepest else widest_logits,
                        exits_logits,
                    )
                    for name, found in logits.items()
                }
                # The deepest counts as much as all others together, so that their number changes little.
                others = [loss for name, loss in losses.items() if name != deepest]
                return 0.5 * (losses[deepest] + tf.reduce_mean(others)) if others else losses[deepest]

            model = self._network.views[view]
            self._passes[view] = _Pass(model, faster_view(model, self._precision), loss_of, self._divisor, deepest)
        return self._passes[view]

    def _apply(self, views: tuple[View, ...], gradients: list[list[Any]]) -> None:
        if views not in self._appliers:
            self._appliers[views] = self._compile_apply([self._passes[view].trained for view in views])
        self._appliers[views](gradients)

    def _compile_apply(self, trained: list[list[keras.Variable]]) -> Callable[..., None]:
        variables = {id(variable): variable for some in trained for variable in some}

        @tf.function
        def apply(gradients: list[list[Any]]) -> None:
            found: dict[int, list[Any]] = {}
            for some, theirs in zip(trained, gradients, strict=True):
                for variable, gradient in zip(some, theirs, strict=True):
                    found.setdefault(id(variable), []).append(gradient)
            self.optimizer.apply([tf.add_n(found[key]) for key in variables], list(variables.values()))

        return apply


class _Pass:
    """The forward and backward pass of one view, compiled when it is first called.

    Args:
      model: The view.
      view: The same, in layers that compute faster.
      loss_of: Returns the loss of logits by exit name, targets, the teacher's logits and those of the widest.
      divisor: Divides the loss that gradients are of.
      deepest: Name of the exit whose logits are returned.

    Attributes:
      trained: The variables that the gradients are of, in their order; known after the first call.
    """

    def __init__(
        self, model: keras.Model, view: keras.Model, loss_of: Callable[..., Any], divisor: float, deepest: str
    ):
        self.trained: list[keras.Variable] = []
        means = moving_means(model)

        @tf.function(reduce_retracing=True)
        def compiled(inputs: Any, targets: Any, teacher_logits: Any, widest_logits: Any) -> Any:
            variables = model.trainable_variables
            with tf.GradientTape() as tape:
                logits = view(as_float(inputs), training=True)
                loss = loss_of(logits, targets, teacher_logits, widest_logits)
                divided = loss / divisor
            found = tape.gradient(divided, variables)
            self.trained = [variable for variable, one in zip(variables, found, strict=True) if one is not None]
            gradients = [tf.convert_to_tensor(one) for one in found if one is not None]
            return loss + nan_of(means), gradients, logits[deepest]

        self._compiled = compiled

    def __call__(self, inputs: Any, targets: Any, teacher_logits: Any, widest_logits: Any) -> Any:
        """Returns the loss, a gradient for each of `trained`, and the logits of the deepest exit.

        Args:
          inputs: uint8 `[batch, *input_shape]`.
          targets: `[batch, num_classes]`.
          teacher_logits: `[batch, num_classes]`.
          widest_logits: `[batch, num_classes]`; not looked at by the widest.
        """
        return self._compiled(inputs, targets, teacher_logits, widest_logits)
