"""Asks a teacher for some labelled examples before anything is trained, and stops where it is no yardstick."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

from learn2compress.config import TaskConfig, TaskKind, TeacherConfig
from learn2compress.config.parsing import ConfigError, about
from learn2compress.data.labelled_sample import LabelledSample
from learn2compress.results.guessing import GuessingCheck, Knowledge
from learn2compress.teachers.members import member_field, members_of
from learn2compress.teachers.network import Member
from learn2compress.teachers.readings import answers_by_reading
from learn2compress.teachers.steadiness import check_steady
from learn2compress.teachers.teacher import LoadedTeacher
from learn2compress.teachers.yardstick import Attempt, Explanation, can_be_explained, check_answers, explain, percent

_FEWEST_EXAMPLES, _MOST_EXAMPLES = 384, 2048
# An order of classes shows in a few examples of each.
_OF_EACH_CLASS = 4
# Another scaling shows in fewer, and there are a dozen to try.
_MOST_TRIED = 256
# A teacher that is right on most examples may be right on some more when it is read otherwise, too: by coincidence.
_STOPPING_GAIN = 0.2


def sample_size(num_classes: int) -> int:
    """Returns how many labelled examples a teacher is checked on.

    Args:
      num_classes: Classes of the data.
    """
    return min(max(_FEWEST_EXAMPLES, _OF_EACH_CLASS * num_classes), _MOST_EXAMPLES)


@dataclasses.dataclass(frozen=True)
class Finding:
    """What the check of one network found.

    Attributes:
      sentence: What it is right on, and what speaks against it or could not be told.
      is_doubtful: Whether a person must read it.
    """

    sentence: str
    is_doubtful: bool


def check_teacher_answers(
    teacher: LoadedTeacher,
    config: TeacherConfig,
    task: TaskConfig,
    labels: Sequence[str],
    sample: LabelledSample,
) -> tuple[Finding, ...]:
    """Checks each network of a teacher on labelled training examples.

    Args:
      teacher: The teacher.
      config: How poor it may be, and its batch size.
      task: The examples' kind and shape.
      labels: Class names in index order.
      sample: Labelled examples, about equally many of each class.

    Returns:
      A finding for each network.

    Raises:
      ConfigError: a network's outputs are no function of the example; it is no better than
        guessing, less accurate than `config.min_accuracy`, or far better when it is read
        otherwise, and `config.accept_poor` is not set.
    """
    findings = []
    for index, member in enumerate(teacher.members):
        field = member_field(index)
        alone = LoadedTeacher([member], task.input_shape, config.batch_size)
        with about(f"{field}.uri"):
            check_steady(alone, sample)
            findings.append(_check_member(alone, member, field, config, task, labels, sample))
    return tuple(findings)


def _check_member(
    alone: LoadedTeacher,
    member: Member,
    field: str,
    config: TeacherConfig,
    task: TaskConfig,
    labels: Sequence[str],
    sample: LabelledSample,
) -> Finding:
    if not len(sample):
        return Finding(f"{alone.name}: there is no labelled training example to check it on", True)
    answers = alone.logits(sample.inputs, sample.texts if alone.takes_text else None).argmax(axis=1)
    check = check_answers(sample.labels, answers, len(labels))
    step = -(-len(sample) // _MOST_TRIED)
    found = None
    if can_be_explained(check.accuracy):
        attempts = tuple(_attempts(member, field, config, task, sample, step))
        order = member.network.class_scores.outputs
        by_number = members_of(config)[field].outputs is not None
        found = explain(sample.labels, answers, attempts, step, labels, order, by_number=by_number)
    sentence = f"{alone.name}: right on {percent(check.accuracy)} of {len(sample):,} labelled training examples"
    trouble = _trouble(check, config.min_accuracy, found, field, labels, task.kind)
    if is_stop(check, config.min_accuracy, found) and not config.accept_poor:
        raise ConfigError(f"{sentence}{trouble} (teacher.accept_poor: true goes on all the same)")
    unknown = f", {check.knowledge.value}" if check.knowledge is Knowledge.UNKNOWN else ""
    return Finding(sentence + (trouble or unknown), bool(trouble or unknown))


def is_stop(check: GuessingCheck, min_accuracy: float | None, found: Explanation | None) -> bool:
    """Returns whether a teacher is no yardstick. One that is right on most may be a little more so by coincidence.

    Args:
      check: Its answers held against guesses.
      min_accuracy: The lowest accuracy that is accepted, 0..1, if one is set.
      found: What would make clearly more right, if anything.
    """
    is_far_better = found is not None and found.accuracy - check.accuracy >= _STOPPING_GAIN
    return check.is_guessing or _is_low(check, min_accuracy) or is_far_better


def _is_low(check: GuessingCheck, min_accuracy: float | None) -> bool:
    return min_accuracy is not None and check.accuracy < min_accuracy


def _attempts(
    member: Member, field: str, config: TeacherConfig, task: TaskConfig, sample: LabelledSample, step: int
) -> Iterator[Attempt]:
    """Yields what a network answers when it is read otherwise."""
    few = sample.rows(slice(None, None, step)).inputs
    for reading, answers in answers_by_reading(member, task, field, few, config.batch_size):
        yield Attempt(reading.explanation, reading.setting, answers, reading.unlikelihood)


def _trouble(
    check: GuessingCheck,
    min_accuracy: float | None,
    found: Explanation | None,
    field: str,
    labels: Sequence[str],
    kind: TaskKind,
) -> str:
    """Returns what speaks against a teacher, to follow "right on 24% of 300 examples"; empty where nothing does.

    Args:
      check: Its answers held against guesses.
      min_accuracy: The lowest accuracy that is accepted, 0..1, if one is set.
      found: What would make clearly more right, if anything.
      field: Where the teacher stands in the configuration, such as "teacher".
      labels: Class names in index order.
      kind: What the examples are.
    """
    poor = ""
    if check.is_guessing:
        share = f"{percent(check.largest_share)} are {labels[check.largest_class]!r}"
        poor = f", no better than guessing ({share})"
    elif _is_low(check, min_accuracy):
        poor = f", less than teacher.min_accuracy {percent(min_accuracy or 0.0)}"
    if found is not None:
        return poor + found.sentence(field)
    if not poor:
        return ""
    if kind is TaskKind.TEXT:
        return (
            f"{poor}, and no other input scaling or order of classes explains it: see that it was trained on these "
            "classes, and on task.text_features as they are here"
        )
    return (
        f"{poor}, and no other input scaling, order of channels or order of classes explains it: see that it was "
        "trained on these classes, and that images are resized and turned here as they were then"
    )
