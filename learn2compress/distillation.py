"""Losses by which a student follows its teacher.

All take logits `[batch, num_classes]` and return one value per example
`[batch]`, in nats.
"""

from __future__ import annotations

from typing import Any

from keras import ops

from learn2compress.config import DistillationConfig, DistillationLoss

# Keeps the standard deviation of constant logits from dividing by zero.
_EPSILON = 1e-7


def student_loss(labels: Any, student_logits: Any, teacher_logits: Any, config: DistillationConfig) -> Any:
    """Loss of one student on one batch: labels and teacher, weighted.

    Args:
      labels: Class indices `[batch]`.
      student_logits: `[batch, num_classes]`.
      teacher_logits: `[batch, num_classes]`; log-probabilities serve, too. No
        gradient flows into them.
      config: Weights, temperature and form of the teacher's part.

    Returns:
      The mean over the batch, a scalar.
    """
    teacher_logits = ops.stop_gradient(teacher_logits)
    from_labels = ops.sparse_categorical_crossentropy(labels, student_logits, from_logits=True)
    match config.loss:
        case DistillationLoss.STANDARDIZED_LOGITS:
            from_teacher = standardized_logits_loss(student_logits, teacher_logits, config.temperature)
        case DistillationLoss.TEMPERATURE:
            from_teacher = temperature_loss(student_logits, teacher_logits, config.temperature)
    return ops.mean(config.label_weight * from_labels + config.weight * from_teacher)


def temperature_loss(student_logits: Any, teacher_logits: Any, temperature: float) -> Any:
    """KL divergence of softened distributions, times `temperature**2` (Hinton et al., arXiv:1503.02531)."""
    target = ops.softmax(teacher_logits / temperature)
    difference = ops.log_softmax(teacher_logits / temperature) - ops.log_softmax(student_logits / temperature)
    return ops.sum(target * difference, axis=-1) * temperature**2


def standardized_logits_loss(student_logits: Any, teacher_logits: Any, temperature: float) -> Any:
    """`temperature_loss` of z-scored logits (Sun et al., arXiv:2403.01427).

    Each example's logits are centred and divided by their standard deviation,
    so that the student matches the teacher's ranking and need not match its
    magnitude.
    """
    return temperature_loss(_standardize(student_logits), _standardize(teacher_logits), temperature)


def _standardize(logits: Any) -> Any:
    centred = logits - ops.mean(logits, axis=-1, keepdims=True)
    return centred / (ops.std(logits, axis=-1, keepdims=True) + _EPSILON)


def top_1(logits: Any, labels: Any) -> Any:
    """Number of examples whose largest logit is the label's, a scalar."""
    return ops.sum(ops.cast(ops.equal(ops.argmax(logits, axis=-1), ops.cast(labels, "int32")), "int32"))
