"""Which held-out examples a report shows, from the predictions of teacher and student alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from learn2compress.data.chosen_examples import beginning_of, end_of, picture_uri, read_chosen
from learn2compress.data.examples import StoredExample
from learn2compress.litert.predictions import Predictions
from learn2compress.results.shown_examples import ExampleGroup, ShownExample

# Examples of each group at most, and the bytes of all together: a page is to be mailed.
MOST_MISTAKES = 8
MOST_OF_ONE_ALONE = 6
MOST_CORRECT = 10
MOST_CONFUSIONS = 20
MAX_BYTES = 64_000

Choice = tuple[int, ExampleGroup]
"""The place of an example in the split, and why it is shown."""
Places = npt.NDArray[np.int64]


def shown_examples(
    student: Predictions, teacher: Predictions, folder: Path, input_shape: tuple[int, ...], seed: int
) -> tuple[ShownExample, ...]:
    """Chooses held-out examples and makes them small enough to be shown.

    Args:
      student: One prediction for each example.
      teacher: The same of the teacher, in the same order.
      folder: The split's shards.
      input_shape: `task.input_shape`.
      seed: Of the examples that are taken at random.

    Returns:
      Examples in the order of their choice, as many as `MAX_BYTES` holds.

    Raises:
      SourceError: a shard is missing, truncated or corrupted.
      ValueError: the predictions are not those of the split.
    """
    choices = choose_examples(student, teacher, seed)
    stored = read_chosen(folder, [place for place, _ in choices])
    shown: list[ShownExample] = []
    num_bytes = 0
    for place, group in choices:
        example = _shown(stored[place], input_shape, place, group, student, teacher)
        num_bytes += example.num_bytes
        if num_bytes > MAX_BYTES:
            break
        shown.append(example)
    return tuple(shown)


def choose_examples(student: Predictions, teacher: Predictions, seed: int) -> tuple[Choice, ...]:
    """Chooses examples, each once: the surest mistakes, where student and teacher differ, right ones, confusions.

    The same predictions and seed give the same choice. Of equally sure ones those
    come first that are stored first.

    Args:
      student: One prediction for each example.
      teacher: The same of the teacher, in the same order.
      seed: Of the right ones, which are taken at random, each of another class where there are enough.

    Returns:
      The most telling first.

    Raises:
      ValueError: the two are not about equally many examples.
    """
    if len(student.labels) != len(teacher.labels):
        raise ValueError(f"teacher: found {len(teacher.labels)} predictions, accepted are {len(student.labels)}")
    chosen: dict[int, ExampleGroup] = {}
    wrong, teacher_right = ~student.correct, teacher.correct

    def take(places: Places, most: int, group: ExampleGroup) -> None:
        fresh = [int(place) for place in places if int(place) not in chosen][:most]
        chosen.update(dict.fromkeys(fresh, group))

    take(_surest(wrong, student.confidence), MOST_MISTAKES, ExampleGroup.MISTAKE)
    take(_surest(wrong & teacher_right, teacher.confidence), MOST_OF_ONE_ALONE, ExampleGroup.TEACHER_ONLY)
    take(_surest(~wrong & ~teacher_right, student.confidence), MOST_OF_ONE_ALONE, ExampleGroup.STUDENT_ONLY)
    take(_one_of_each_class(student, seed), MOST_CORRECT, ExampleGroup.CORRECT)
    take(_one_of_each_confusion(student, chosen), MOST_CONFUSIONS, ExampleGroup.CONFUSION)
    return tuple(chosen.items())


def _surest(where: npt.NDArray[np.bool_], confidence: npt.NDArray[np.float32]) -> Places:
    """Returns places, those of the highest confidence first.

    Args:
      where: bool `[n]`.
      confidence: float32 `[n]`.
    """
    places = np.flatnonzero(where)
    return places[np.argsort(-confidence[places], kind="stable")]


def _one_of_each_class(student: Predictions, seed: int) -> Places:
    """Returns the place of a right example of each class that has one, in an order of classes drawn at random."""
    random = np.random.default_rng(seed)
    order = random.permutation(np.flatnonzero(student.correct))
    _, first = np.unique(student.labels[order], return_index=True)
    return order[np.sort(first)]


def _one_of_each_confusion(student: Predictions, chosen: dict[int, ExampleGroup]) -> Places:
    """Returns the place of an example of each confusion that has none yet, the most frequent confusion first."""
    known = {(int(student.labels[place]), int(student.predicted[place])) for place in chosen}
    wrong = np.flatnonzero(~student.correct)
    pairs = np.stack([student.labels[wrong], student.predicted[wrong]], axis=1)
    found, first, counts = np.unique(pairs, axis=0, return_index=True, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    fresh = [index for index in order if (int(found[index][0]), int(found[index][1])) not in known]
    return wrong[first[np.array(fresh, np.int64)]]


def _shown(
    stored: StoredExample,
    input_shape: tuple[int, ...],
    place: int,
    group: ExampleGroup,
    student: Predictions,
    teacher: Predictions,
) -> ShownExample:
    is_text = stored.text is not None
    return ShownExample(
        group=group,
        label=int(student.labels[place]),
        predicted=int(student.predicted[place]),
        confidence=round(float(student.confidence[place]), 6),
        teacher_predicted=int(teacher.predicted[place]),
        teacher_confidence=round(float(teacher.confidence[place]), 6),
        source=end_of(stored.source),
        picture=None if is_text else picture_uri(np.frombuffer(stored.input, np.uint8).reshape(input_shape)),
        text=beginning_of(stored.text) if stored.text is not None else None,
    )
