"""Reads a whole source into memory, as `Ingest` stores it.

For notebooks, examples and benchmarks. `Ingest` does the same by Apache Beam,
for data that fit no memory.
"""

from __future__ import annotations

from collections import Counter

from learn2compress.config import CompressionConfig
from learn2compress.data.assignment import (
    arrange,
    assigned_split,
    class_index,
    keeps_repeated,
    read_prepared,
    settled_names,
)
from learn2compress.data.completeness import check_declared
from learn2compress.data.prepare import PreparedRecord
from learn2compress.data.records import Label, Split, splits_of
from learn2compress.data.sources import plan

__all__ = ["class_index", "read_records"]


def read_records(config: CompressionConfig) -> tuple[dict[Split, list[PreparedRecord]], tuple[str, ...]]:
    """Reads every good labelled record of all splits.

    Bad records and unlabelled ones are left out, and so is what `learn2compress.data.assignment.arrange` leaves out:
    training records whose content is held out or has another label, among others.

    Example:
      >>> from learn2compress.config.file import parse_config
      >>> from learn2compress.data.reading import read_records
      >>> from learn2compress.data.records import Label, Split
      >>> config = parse_config('''
      ... name: digits
      ... data: {format: digits, held_out_ratio: 0.2}
      ... teacher: {uri: teacher.keras}
      ... students: [{name: small, stage: 1}]
      ... push: {uri: pushed}
      ... ''')
      >>> records, labels = read_records(config)
      >>> labels
      ('0', '1', '2', '3', '4', '5', '6', '7', '8', '9')
      >>> {split.value: len(found) for split, found in records.items()}
      {'train': 1412, 'held_out': 385}
      >>> len(records[Split.TRAIN][0].content)  # the bytes of 8 x 8 pixels
      64

    Args:
      config: Its `data` and `task`.

    Returns:
      Records by split, in the order of their content's hash; and the names of the classes in index order.

    Raises:
      ConfigError: the source can't be read, or holds another number of records than `data.num_records`.
    """
    data, task = config.data, config.task
    reading = plan(data, task)
    found: dict[Split, list[PreparedRecord]] = {split: [] for split in splits_of(reading.units)}
    read: Counter[int] = Counter()
    for index, unit in enumerate(reading.units):
        # Whether an unlabelled record is there decides nothing about a labelled one.
        for record in read_prepared(unit, data, task) if unit.labelled else ():
            read[index] += 1
            if isinstance(record, PreparedRecord):
                found[assigned_split(record, unit, data)].append(record)
    if data.num_records is not None:
        check_declared(reading, read.items(), data.num_records)
    names = settled_names(reading.names, (r.label for rows in found.values() for r in rows if r.label is not None))
    content: dict[Split, dict[str, set[Label]]] = {split: {} for split in found}
    for split, records in found.items():
        for record in records:
            labels = content[split].setdefault(record.content_sha256, set())
            labels.update(() if record.label is None else (record.label,))
    keep = keeps_repeated(data, task)
    return {
        split: arrange(records, split, content, keep_repeated=keep).stored for split, records in found.items()
    }, names
