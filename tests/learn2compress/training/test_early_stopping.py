"""Early stopping decides by numbers alone: accuracies on examples kept back, of students that join when they join."""

from __future__ import annotations

from learn2compress.results.reports import EpochRecord, returned_epoch
from learn2compress.training.early_stopping import (
    is_best,
    last_change,
    stops,
    with_returned,
)


def history(*accuracies: float, first_epoch: int = 1) -> list[EpochRecord]:
    """Epochs of these validation accuracies; the held-out split says the reverse."""
    return [
        EpochRecord("train", first_epoch + place, 0.1, 1.0 - accuracy, validation_top_1=accuracy)
        for place, accuracy in enumerate(accuracies)
    ]


def test_it_stops_when_the_mean_has_not_risen_for_so_many_epochs() -> None:
    assert not stops([history()], 2)
    assert not stops([history(0.5, 0.4)], 2)
    assert stops([history(0.5, 0.4, 0.5)], 2)
    assert not stops([history(0.5, 0.4, 0.6)], 2)
    assert stops([history(0.5, 0.4, 0.4), history(0.3, 0.3, 0.4)], 2)
    assert not stops([history(0.5, 0.1, 0.1, 0.1)], None)


def test_patience_counts_from_the_last_change() -> None:
    large, small = history(0.9, 0.8, 0.8, 0.7), history(0.1, first_epoch=4)
    # A student that has just joined lowers the mean, and is not to be stopped for it.
    assert not stops([large, small], 2, counted_from_epoch=3)
    assert not stops([history(0.9, 0.8, 0.8, 0.8), []], 2, counted_from_epoch=4)
    large, small = history(0.9, 0.8, 0.8, 0.7, 0.7, 0.7), history(0.1, 0.1, 0.1, first_epoch=4)
    assert stops([large, small], 2, counted_from_epoch=3)
    rising = history(0.1, 0.2, 0.3, first_epoch=4)
    assert not stops([large, rising], 2, counted_from_epoch=3)


def test_the_last_change_is_the_last_join_or_release() -> None:
    frozen = [frozenset({"a", "b"}), frozenset({"a", "b"}), frozenset({"a"}), frozenset({"a"})]
    assert last_change({}, None, 4) == 0
    assert last_change({"large": 0, "small": 3}, None, 4) == 3
    assert last_change({"small": 1}, frozen.__getitem__, 4) == 2
    assert last_change({"small": 3}, frozen.__getitem__, 4) == 3
    assert last_change({"small": 1}, None, 4, unshared_from_epoch=3) == 3
    assert last_change({"small": 1}, None, 4, unshared_from_epoch=None) == 1


def test_the_best_epoch_is_the_first_of_the_most_accurate_and_the_students_own() -> None:
    records = history(0.2, 0.6, 0.4, 0.6, first_epoch=3)
    assert [is_best(records[:count]) for count in range(1, 5)] == [True, True, False, False]
    marked = with_returned(records, best=True)
    assert [record.returned for record in marked] == [False, True, False, False]
    assert returned_epoch(marked).epoch == 4
    assert returned_epoch(with_returned(records, best=False)).epoch == 6


def test_what_a_later_phase_returned_counts() -> None:
    trained = with_returned(history(0.6, 0.4), best=True)
    assert returned_epoch([*trained, EpochRecord("prune", 1, 0.1, 0.3), EpochRecord("prune", 2, 0.1, 0.2)]).epoch == 2
