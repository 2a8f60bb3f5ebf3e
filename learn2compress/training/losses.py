"""Losses by which a student learns from labels, from its teacher, and from the other students.

All take logits `[batch, num_classes]`. Those named after a method return one
value per example `[batch]`, in nats; `student_loss` weighs and averages them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from keras import ops

from learn2compress.config import DistillationConfig, DistillationLoss

# Keeps the standard deviation of constant logits, or the length of a zero vector, from dividing by zero.
_EPSILON = 1e-7
# Takes a class out of a softmax.
_EXCLUDED = -1e4


def student_loss(
    targets: Any,
    student_logits: Any,
    teacher_logits: Any,
    config: DistillationConfig,
    largest_logits: Any = None,
    exits_logits: Any = None,
) -> Any:
    """Returns the loss of one student on one batch: labels, teacher and other students, weighted.

    The teacher's part is the loss against the teacher and, by `exits_weight`, the one against `exits_logits` (Lee &
    Lee, arXiv:2104.00299). A divergence is linear in its target but for a constant, so that its gradient is that of one
    target: the mixture of both distributions, each taken as the loss takes logits (softened or standardized).

    Args:
      targets: Probability of each class by the label, `[batch, num_classes]`:
        one-hot, mixed where images were mixed, all zero where there is no label.
      student_logits: `[batch, num_classes]`.
      teacher_logits: `[batch, num_classes]`; log-probabilities serve, too. No
        gradient flows into them.
      config: Weights, temperature and form of each part.
      largest_logits: The largest student's logits for in-place distillation;
        no gradient flows into them.
      exits_logits: `[batch, num_classes]`, see `exits_mean`; no gradient flows into them. Without them the teacher's
        part is the teacher's alone.

    Returns:
      The mean over the batch, a scalar; the labels' part is the mean over what
      is labelled.
    """
    loss = config.label_weight * _label_loss(targets, student_logits, config.label_smoothing)
    if config.weight:
        exits_weight = config.exits_weight if exits_logits is not None else 0.0
        teacher_part = ops.mean(_teacher_loss(targets, student_logits, teacher_logits, config))
        if exits_weight:
            exits_part = ops.mean(_teacher_loss(targets, student_logits, exits_logits, config))
            teacher_part = (1.0 - exits_weight) * teacher_part + exits_weight * exits_part
        loss += config.weight * teacher_part
    if config.largest_weight and largest_logits is not None:
        loss += config.largest_weight * ops.mean(_teacher_loss(targets, student_logits, largest_logits, config))
    return loss


def exits_mean(logits: Sequence[Any]) -> Any:
    """Returns what students follow by `exits_weight`: the mean of their logits.

    Of logits and not of probabilities: a student that has just joined is sure of nothing, and its small logits move the
    mean little.

    Args:
      logits: Those of each student that takes part, `[batch, num_classes]`.

    Returns:
      `[batch, num_classes]`; `None` for one student, which would follow itself.
    """
    return ops.mean(ops.stack(list(logits)), axis=0) if len(logits) > 1 else None


def cross_entropy(targets: Any, logits: Any, label_smoothing: float = 0.0) -> Any:
    """Returns the cross entropy with target probabilities, smoothed towards uniform (arXiv:1512.00567).

    Args:
      targets: `[batch, num_classes]`; rows of zeros count as nothing.
      logits: `[batch, num_classes]`.
      label_smoothing: Share of the probability that is spread over all classes, 0..1.

    Returns:
      `[batch]`, in nats.
    """
    spread = ops.sum(targets, axis=-1, keepdims=True) / targets.shape[-1]
    smoothed = (1.0 - label_smoothing) * targets + label_smoothing * spread
    return -ops.sum(smoothed * ops.log_softmax(logits), axis=-1)


def temperature_loss(student_logits: Any, teacher_logits: Any, temperature: float) -> Any:
    """Returns the KL divergence of softened distributions, times `temperature**2` (Hinton et al., arXiv:1503.02531).

    Args:
      student_logits: `[batch, num_classes]`.
      teacher_logits: `[batch, num_classes]`.
      temperature: Above 0.

    Returns:
      `[batch]`, in nats.
    """
    target = ops.softmax(teacher_logits / temperature)
    difference = ops.log_softmax(teacher_logits / temperature) - ops.log_softmax(student_logits / temperature)
    return ops.sum(target * difference, axis=-1) * temperature**2


def standardized_logits_loss(student_logits: Any, teacher_logits: Any, temperature: float) -> Any:
    """Returns the `temperature_loss` of z-scored logits (Sun et al., arXiv:2403.01427).

    Each example's logits are centred and divided by their standard deviation,
    so that the student matches the teacher's ranking and need not match its
    magnitude.

    Args:
      student_logits: `[batch, num_classes]`.
      teacher_logits: `[batch, num_classes]`.
      temperature: Above 0.

    Returns:
      `[batch]`, in nats.
    """
    return temperature_loss(_standardize(student_logits), _standardize(teacher_logits), temperature)


def decoupled_loss(
    targets: Any, student_logits: Any, teacher_logits: Any, temperature: float, non_target_weight: float
) -> Any:
    """Returns the loss of decoupled knowledge distillation (Zhao et al., arXiv:2203.08679), times `temperature**2`.

    The divergence is taken apart: target class against all others, and the
    others among themselves, which a confident teacher's plain divergence all
    but ignores. Where no label names the target class, the teacher's first
    choice does.

    Args:
      targets: `[batch, num_classes]`; a row of zeros has no label.
      student_logits: `[batch, num_classes]`.
      teacher_logits: `[batch, num_classes]`.
      temperature: Above 0.
      non_target_weight: Weight of the divergence of the other classes among themselves.

    Returns:
      `[batch]`, in nats.
    """
    labelled = ops.sum(targets, axis=-1) > 0.0
    target_class = ops.where(labelled, ops.argmax(targets, axis=-1), ops.argmax(teacher_logits, axis=-1))
    is_target = ops.one_hot(target_class, targets.shape[-1])
    student, teacher = student_logits / temperature, teacher_logits / temperature
    target_part = _divergence(_target_or_not(student, is_target), _target_or_not(teacher, is_target))
    excluded = _EXCLUDED * is_target
    others_part = _divergence(ops.log_softmax(student + excluded), ops.log_softmax(teacher + excluded))
    return (target_part + non_target_weight * others_part) * temperature**2


def hint_loss(projected: Any, teacher_features: Any) -> Any:
    """Returns the squared distance of features of length 1 (after FitNets; Romero et al., arXiv:1412.6550).

    Args:
      projected: The student's features through its learned projection, `[batch, channels]`.
      teacher_features: `[batch, channels]`; no gradient flows into them.

    Returns:
      0..4 for each example `[batch]`.
    """
    difference = _of_length_1(projected) - _of_length_1(ops.stop_gradient(teacher_features))
    return ops.sum(ops.square(difference), axis=-1)


def top_1(logits: Any, labels: Any) -> Any:
    """Returns the number of examples whose largest logit is the label's.

    Args:
      logits: `[batch, num_classes]`.
      labels: Class indices `[batch]`.

    Returns:
      int32, a scalar.
    """
    return ops.sum(ops.cast(ops.equal(ops.argmax(logits, axis=-1), ops.cast(labels, "int32")), "int32"))


def _label_loss(targets: Any, logits: Any, label_smoothing: float) -> Any:
    num_labelled = ops.maximum(ops.sum(targets), 1.0)
    return ops.sum(cross_entropy(targets, logits, label_smoothing)) / num_labelled


def _teacher_loss(targets: Any, student_logits: Any, teacher_logits: Any, config: DistillationConfig) -> Any:
    teacher_logits = ops.stop_gradient(teacher_logits)
    # AutoGraph, which reads this, knows no `match`.
    if config.loss is DistillationLoss.STANDARDIZED_LOGITS:
        return standardized_logits_loss(student_logits, teacher_logits, config.temperature)
    if config.loss is DistillationLoss.TEMPERATURE:
        return temperature_loss(student_logits, teacher_logits, config.temperature)
    return decoupled_loss(targets, student_logits, teacher_logits, config.temperature, config.non_target_weight)


def _standardize(logits: Any) -> Any:
    centred = logits - ops.mean(logits, axis=-1, keepdims=True)
    return centred / (ops.std(logits, axis=-1, keepdims=True) + _EPSILON)


def _target_or_not(logits: Any, is_target: Any) -> Any:
    """Returns log-probabilities of the target class and of all others together, `[batch, 2]`."""
    target = ops.sum(logits * is_target, axis=-1)
    others = ops.logsumexp(logits + _EXCLUDED * is_target, axis=-1)
    return ops.log_softmax(ops.stack([target, others], axis=-1))


def _divergence(student_log_probabilities: Any, teacher_log_probabilities: Any) -> Any:
    difference = teacher_log_probabilities - student_log_probabilities
    return ops.sum(ops.exp(teacher_log_probabilities) * difference, axis=-1)


def _of_length_1(features: Any) -> Any:
    return features / (ops.norm(features, axis=-1, keepdims=True) + _EPSILON)
