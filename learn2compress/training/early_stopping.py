"""When a training stops early, and which epoch's weights it returns: pure functions of its history.

Both go by accuracy on the training examples that are kept back: the held-out
split is for the report, which could not be trusted if it had decided anything.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from learn2compress.results.reports import EpochRecord


def stops(
    histories: Iterable[Sequence[EpochRecord]], early_stopping_epochs: int | None, counted_from_epoch: int = 0
) -> bool:
    """Returns whether training ends after the epochs so far.

    It ends when the students' mean accuracy has not risen for
    `early_stopping_epochs` epochs. Epochs before `counted_from_epoch` don't
    count: a student that joined since, a trunk that was released since, or
    one that is shared no more, changed what the mean is of.

    Args:
      histories: The epochs of each student that decides; those of a student
        that joined later are fewer.
      early_stopping_epochs: `None` never ends it.
      counted_from_epoch: 0-based epoch from which on all students take part and
        all layers learn that ever will.
    """
    if early_stopping_epochs is None:
        return False
    accuracies: dict[int, list[float]] = {}
    for records in histories:
        for record in records:
            if record.epoch > counted_from_epoch and record.validation_top_1 is not None:
                accuracies.setdefault(record.epoch, []).append(record.validation_top_1)
    means = [float(np.mean(accuracies[epoch])) for epoch in sorted(accuracies)]
    return bool(means) and len(means) - 1 - int(np.argmax(means)) >= early_stopping_epochs


def is_best(records: Sequence[EpochRecord]) -> bool:
    """Returns whether the latest of a student's epochs is its most accurate so far; of equals the first is."""
    *before, latest = [-1.0 if record.validation_top_1 is None else record.validation_top_1 for record in records]
    return latest > max(before, default=-2.0)


def with_returned(records: Sequence[EpochRecord], *, best: bool) -> tuple[EpochRecord, ...]:
    """Marks the epoch whose weights a student leaves the training with.

    Args:
      records: The student's epochs; none where it never took part.
      best: Whether it is the most accurate one; otherwise it is the last.
    """
    places = range(1, len(records) + 1)
    returned = max((place for place in places if is_best(records[:place])), default=0) if best else len(records)
    return tuple(
        dataclasses.replace(record, returned=place == returned) for place, record in zip(places, records, strict=True)
    )


def last_change(
    joins_at_epoch: Mapping[str, int],
    frozen_at: Callable[[int], frozenset[str]] | None,
    num_epochs: int,
    unshared_from_epoch: int | None = None,
) -> int:
    """Returns the last 0-based epoch in which a student joins, a frozen layer is released or sharing ends; 0 for none.

    Args:
      joins_at_epoch: By student name.
      frozen_at: Returns the names of the layers that are frozen in an epoch; `None` where none ever is.
      num_epochs: Of the whole training.
      unshared_from_epoch: When students cease to share; `None` where they never do.
    """
    frozen = [frozen_at(epoch) for epoch in range(num_epochs)] if frozen_at is not None else []
    released = [epoch for epoch in range(1, len(frozen)) if frozen[epoch - 1] - frozen[epoch]]
    return max([0, *joins_at_epoch.values(), *released, unshared_from_epoch or 0])
