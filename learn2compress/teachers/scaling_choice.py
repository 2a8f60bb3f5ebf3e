"""Finds out how a teacher takes pixels or text features: usual input scalings are tried against labelled examples."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np

from learn2compress.config import InputScaling, TaskConfig
from learn2compress.data.labelled_sample import LabelledSample
from learn2compress.results.guessing import GuessingCheck
from learn2compress.teachers.input_scaling import NO_SCALING
from learn2compress.teachers.network import Member
from learn2compress.teachers.readings import answers_by_reading, first_rescaling
from learn2compress.teachers.yardstick import check_answers, explain

_BATCH = 32
# Of readings that make nearly as many answers right, the one that supposes least is taken.
_NEARLY = 0.02


@dataclasses.dataclass(frozen=True)
class ScalingChoice:
    """The way to read a teacher that makes most of its answers right.

    Attributes:
      scaling: How bytes become its inputs.
      classes: Class names in the order of its outputs; empty where that is the data's order.
      check: Its answers with both, held against guesses.
      others: What other scalings say of the teacher, such as "takes pixels as 0..1", that are about as right: the
        examples can't tell them from this one.
    """

    scaling: InputScaling
    classes: tuple[str, ...]
    check: GuessingCheck
    others: tuple[str, ...] = ()


def choose_scaling(member: Member, task: TaskConfig, sample: LabelledSample, labels: Sequence[str]) -> ScalingChoice:
    """Tries the usual input scalings, the orders of channels, and whether the outputs are in another order.

    Args:
      member: The teacher, with the scaling to prefer where others do no better.
      task: The examples' kind and shape.
      sample: At least one labelled example.
      labels: Class names in index order.

    Returns:
      The best way; `check` says whether it is better than guessing.
    """
    found: list[tuple[int, str, ScalingChoice]] = []
    for scaling, unlikelihood, words, answers in _answers(member, task, sample):
        check = check_answers(sample.labels, answers, len(labels))
        found.append((unlikelihood, words, ScalingChoice(scaling, (), check)))
        reordered = explain(sample.labels, answers, (), 1, labels, None)
        if reordered is not None:
            index_of = {name: index for index, name in enumerate(labels)}
            assigned = np.array([index_of[name] for name in reordered.classes])[answers]
            check = check_answers(sample.labels, assigned, len(labels))
            choice = ScalingChoice(scaling, reordered.classes, check)
            found.append((unlikelihood + reordered.unlikelihood, words, choice))
    best = max(choice.check.accuracy for _, _, choice in found)
    good = [entry for entry in found if entry[2].check.accuracy >= best - _NEARLY]
    chosen = min(good, key=lambda entry: (entry[0], -entry[2].check.accuracy))[2]
    others = dict.fromkeys(words for _, words, choice in good if choice.scaling != chosen.scaling)
    return dataclasses.replace(chosen, others=tuple(others))


def _answers(
    member: Member, task: TaskConfig, sample: LabelledSample
) -> Iterator[tuple[InputScaling, int, str, np.ndarray]]:
    """Yields input scalings, how much must be supposed for each, what each says, and the answers by it, int `[n]`.

    The teacher's own is the first.
    """
    as_ratios = "takes them as 0..1"
    own = member.scaling
    words = as_ratios if own == InputScaling() else f"takes bytes times {own.multiply} plus {own.add}"
    batches = (sample.inputs[start : start + _BATCH] for start in range(0, len(sample), _BATCH))
    scores = np.concatenate([np.asarray(member.scores(batch)) for batch in batches])
    yield own, 0, words, np.nan_to_num(scores, nan=-np.inf).argmax(axis=1)
    model = member.network.model
    rescales = model is not None and first_rescaling(model) is not None
    for reading, answers in answers_by_reading(member, task, "teacher", sample.inputs, _BATCH):
        # Who put a layer in front that rescales handed over the pixels as they are.
        unlikelihood = -1 if rescales and reading.scaling == NO_SCALING else reading.unlikelihood
        yield reading.scaling, unlikelihood, reading.explanation, answers
