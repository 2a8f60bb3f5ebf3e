"""Reads a whole source into memory, as `Ingest` stores it.

For notebooks, examples and benchmarks. `Ingest` does the same by Apache Beam,
for data that fit no memory.
"""

from __future__ import annotations

from learn2compress.config import CompressionConfig
from learn2compress.data.assignment import arrange, assigned_split, class_index, read_prepared, settled_names
from learn2compress.data.prepare import PreparedRecord
from learn2compress.data.records import Split
from learn2compress.data.sources import plan

__all__ = ["class_index", "read_records"]


def read_records(config: CompressionConfig) -> tuple[dict[Split, list[PreparedRecord]], tuple[str, ...]]:
    """Reads every good labelled record of both splits.

    Bad records, unlabelled ones, and training images whose content is held out are left out.

    Example:
      >>> from learn2compress.config.file import parse_config
      >>> from learn2compress.data.reading import read_records
      >>> from learn2compress.data.records import Split
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
      >>> {split.value: len(records[split]) for split in Split}
      {'train': 1412, 'held_out': 385}
      >>> len(records[Split.TRAIN][0].content)  # the bytes of 8 x 8 pixels
      64

    Args:
      config: Its `data` and `task`.

    Returns:
      Records by split, in the order of their content's hash; and the names of the classes in index order.

    Raises:
      ConfigError: the source can't be read.
    """
    data, task = config.data, config.task
    reading = plan(data, task)
    found: dict[Split, list[PreparedRecord]] = {split: [] for split in Split}
    for unit in reading.units:
        # Whether an unlabelled record is there decides nothing about a labelled one.
        for record in read_prepared(unit, data, task) if unit.labelled else ():
            if isinstance(record, PreparedRecord):
                found[assigned_split(record, unit, data)].append(record)
    names = settled_names(reading.names, (r.label for rows in found.values() for r in rows if r.label is not None))
    held_out = arrange(found[Split.HELD_OUT], task.kind).stored
    train = arrange(found[Split.TRAIN], task.kind, {record.content_sha256 for record in held_out}).stored
    return {Split.TRAIN: train, Split.HELD_OUT: held_out}, names
