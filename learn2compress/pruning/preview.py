"""Tells before anything is trained which students pruning will leave as they are."""

from __future__ import annotations

import bisect
import dataclasses
from collections.abc import Sequence

import keras

from learn2compress.config import CompressionConfig, PruneConfig, PruneMethod, StudentConfig
from learn2compress.config.parsing import ConfigError
from learn2compress.pruning.channels import why_no_channels
from learn2compress.pruning.sparsity import why_no_zeros
from learn2compress.students.joint import build_joint_network, standalone_student

# How many classes there are is known when the examples have been read.
_NUM_CLASSES = range(2, 1001)


def unpruned_students(config: CompressionConfig, trunk: keras.Model | None = None) -> tuple[str, ...]:
    """Returns a sentence for each student that pruning will leave as it is although the configuration asks for it.

    Students are built, not trained. Left out are those that can't be built yet:
    with a budget, whose width is still to be found, and on a pretrained trunk that is not given.

    Args:
      config: A whole configuration.
      trunk: From `load_pretrained`, where `training.pretrained` names a model.

    Raises:
      ConfigError: a student has none of the layers that `layer_sparsity_ratios` names, or no scales to rank its
        channels by; the message names the field.
    """
    if config.training.pretrained is not None and trunk is None:
        return ()
    sentences = []
    for student in config.trained_students:
        for prune in _attempts(config, student) if student.budget is None else []:
            reason = None if prune.changes_nothing else _reason(config, student, prune, trunk)
            if reason is not None:
                sentences.append(_sentence(config, student, prune, reason))
    return tuple(sentences)


def why_unpruned(config: CompressionConfig, student: StudentConfig, network: keras.Model) -> tuple[str, ...]:
    """Returns why pruning will leave a student of a known network as it is, a sentence for each method that is tried.

    Args:
      config: A whole configuration.
      student: Of its students.
      network: The student, with all its classes.

    Raises:
      ConfigError: as `unpruned_students`.
    """
    sentences = []
    for prune in _attempts(config, student):
        reason = None if prune.changes_nothing else _why_unpruned(network, prune)
        if reason is not None:
            sentences.append(_sentence(config, student, prune, f": {reason}"))
    return tuple(sentences)


def _sentence(config: CompressionConfig, student: StudentConfig, prune: PruneConfig, reason: str) -> str:
    tries = "" if config.trials is None else f" in tries of prune.method {prune.method.value}"
    return f"student {student.name} will not be pruned{tries}{reason}"


def _attempts(config: CompressionConfig, student: StudentConfig) -> Sequence[PruneConfig]:
    """Returns how a student is pruned; by a search, the strongest that it may try of each method."""
    prune, search = config.prune_of(student), config.trials
    if search is None:
        return [prune]
    strongest = search.sparsity_ratios[-1]
    return [
        dataclasses.replace(prune, method=method, sparsity_ratio=strongest, layer_sparsity_ratios={})
        for method in search.method
    ]


def _reason(
    config: CompressionConfig, student: StudentConfig, prune: PruneConfig, trunk: keras.Model | None
) -> str | None:
    """Returns for which numbers of classes a student is not pruned, and why; `None` where it is pruned for any.

    Args:
      config: A whole configuration.
      student: The student.
      prune: How it is pruned.
      trunk: Of a pretrained model, where there is one.
    """

    def why(num_classes: int) -> str | None:
        return _why_unpruned(_built(config, student, num_classes, trunk), prune)

    def fails(num_classes: int) -> str | None:
        try:
            return why(num_classes)
        except ConfigError as error:
            return str(error)

    fewest, most = _NUM_CLASSES[0], _NUM_CLASSES[-1]
    if (reason := fails(fewest)) is None:
        return None
    # What is refused for the most classes is for any number, and said at once.
    if (certain := why(most)) is not None:
        return f" with up to {most} classes: {certain}"
    enough = bisect.bisect_left(_NUM_CLASSES, True, key=lambda number: fails(number) is None)
    return f" with fewer than {_NUM_CLASSES[enough]} classes: {reason}"


def _why_unpruned(student: keras.Model, prune: PruneConfig) -> str | None:
    if prune.method is PruneMethod.CHANNELS:
        return why_no_channels(student, prune)
    return why_no_zeros(student, prune)


def _built(
    config: CompressionConfig, student: StudentConfig, num_classes: int, trunk: keras.Model | None
) -> keras.Model:
    joint = build_joint_network(config.task, num_classes, config.training, [student], trunk)
    return standalone_student(joint, student.name)
