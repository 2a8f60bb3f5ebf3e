"""Reads a whole source into memory, with the split that the pipeline uses.

For notebooks, examples and benchmarks. `Ingest` does the same by Apache Beam,
for data that fit no memory.
"""

from __future__ import annotations

from learn2compress.config import CompressionConfig
from learn2compress.data.prepare import PreparedRecord, prepare, split_of
from learn2compress.data.records import RawRecord, Split, class_names
from learn2compress.data.sources import plan, read_unit


def read_records(config: CompressionConfig) -> tuple[dict[Split, list[PreparedRecord]], tuple[str, ...]]:
    """Every good record of both splits in the order of their content's hash, and the names of the classes.

    Bad records and unlabelled ones are left out.

    Raises:
      ConfigError: the source can't be read.
    """
    reading = plan(config.data, config.task)
    records: dict[Split, list[PreparedRecord]] = {split: [] for split in Split}
    for unit in reading.units:
        if not unit.labelled:
            continue
        for raw in read_unit(unit, config.task):
            record = prepare(raw, config.task, resize=config.data.resize) if isinstance(raw, RawRecord) else raw
            if isinstance(record, PreparedRecord):
                split = unit.split or split_of(record.content_sha256, config.data.held_out_ratio)
                records[split].append(record)
    for rows in records.values():
        rows.sort(key=lambda record: (record.content_sha256, record.source))
    names = reading.names or class_names(
        record.label for rows in records.values() for record in rows if record.label is not None
    )
    return records, names


def class_index(record: PreparedRecord, names: tuple[str, ...]) -> int:
    """Index of a labelled record's class."""
    return record.label if isinstance(record.label, int) else names.index(str(record.label))
