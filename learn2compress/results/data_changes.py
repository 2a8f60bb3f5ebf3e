"""How the data differ in number from those of the run before, in sentences: what was lost on the way is seen here."""

from __future__ import annotations

import math
from collections.abc import Sequence

from learn2compress.results.data import ClassCounts, DataReport, PreviousData
from learn2compress.results.data_words import named

# Below this share of what was there, data are much smaller.
_MUCH_SMALLER = 0.8
_MAX_CLASSES = 3
_TRAIN = "training"


def count_changes(now: DataReport, before: PreviousData) -> tuple[str, ...]:
    """Compares numbers of examples and classes.

    Args:
      now: What this run counted.
      before: What the run of the same name counted that read data last.

    Returns:
      One sentence for each difference; nothing where the content is the same.
    """
    sentences = []
    shrunk: set[str] = set()
    for split, count, old in (
        (_TRAIN, now.num_train, before.num_train),
        ("validation", now.num_validation, before.num_validation),
        ("held-out", now.num_held_out, before.num_held_out),
    ):
        if count is None or old is None:
            continue
        if is_much_smaller(count, old):
            shrunk.add(split)
            sentences.append(
                f"the {split} split is much smaller than in the previous run: {count:,} examples, "
                f"{100 * count / old:.0f}% of {old:,}; see that nothing is missing"
            )
        elif count != old:
            sentences.append(f"the {split} split has {count:,} examples, {old:,} in the previous run")
    sentences += _class_changes(now, before, shrunk)
    if now.split_content_sha256.held_out != before.split_content_sha256.held_out:
        sentences.append(
            "the held-out split is not the previous run's: figures of the two runs are not of the same examples"
        )
    return tuple(sentences)


def is_much_smaller(count: int, before: int) -> bool:
    """Returns whether a count fell by so much that something may be missing, and not by chance.

    Args:
      count: Examples now.
      before: Examples then.
    """
    return count < _MUCH_SMALLER * before and before - count > 2 * math.sqrt(before)


def _class_changes(now: DataReport, before: PreviousData, shrunk: set[str]) -> list[str]:
    gone = [label for label in before.labels if label not in set(now.labels)]
    added = [label for label in now.labels if label not in set(before.labels)]
    sentences = []
    if gone:
        sentences.append(f"{named(gone)} of the previous run missing")
    if added:
        sentences.append(f"{named(added)} new since the previous run")
    if not gone and not added and now.labels != before.labels:
        sentences.append("the classes are in another order than in the previous run")
    if _TRAIN not in shrunk:
        old = _by_name(before.labels, before.class_counts)
        found = [
            (label, count, old[label])
            for label, count in _by_name(now.labels, now.class_counts).items()
            if label in old and is_much_smaller(count, old[label])
        ]
        found.sort(key=lambda row: (row[1] / row[2], row[0]))
        sentences += [
            f"class {label!r} has {count:,} training examples, {then:,} in the previous run"
            for label, count, then in found[:_MAX_CLASSES]
        ]
    return sentences


def _by_name(labels: Sequence[str], counts: ClassCounts) -> dict[str, int]:
    return dict(zip(labels, counts.train, strict=True))
