"""The classes with their examples, in this run and the one before, as the page shows them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from learn2compress.results.data import ClassCounts, DataReport, SplitCounts

_MAX_ROWS = 20


@dataclasses.dataclass(frozen=True)
class ClassRow:
    """A class's examples now, and in the run before; `None` where there was none."""

    label: str
    now: SplitCounts
    before: SplitCounts | None


def class_rows(data: DataReport | None) -> list[ClassRow]:
    """Returns the classes with their counts: all where they are few, else those that changed most, then the smallest.

    Args:
      data: What `Ingest` counted; `None` in a report of an older version.
    """
    if data is None:
        return []
    previous = data.previous
    labels = [*data.labels, *(() if previous is None else sorted(set(previous.labels) - set(data.labels)))]
    now = _by_name(data.labels, data.class_counts)
    before = {} if previous is None else _by_name(previous.labels, previous.class_counts)
    none = SplitCounts(0, 0)
    rows = [
        ClassRow(label, now.get(label, none), None if previous is None else before.get(label, none)) for label in labels
    ]
    if len(rows) <= _MAX_ROWS:
        return rows
    return sorted(rows, key=lambda row: (-_change(row), row.now.total, row.label))[:_MAX_ROWS]


def _by_name(labels: Sequence[str], counts: ClassCounts) -> dict[str, SplitCounts]:
    return {label: counts.of(index) for index, label in enumerate(labels)}


def _change(row: ClassRow) -> int:
    return 0 if row.before is None else abs(row.now.train - row.before.train)
