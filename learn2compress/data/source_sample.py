"""A few labelled examples straight from a source, as `Ingest` would make them: to look at before it runs."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence

import numpy as np

from learn2compress.config import DataConfig, DataFormat, TaskConfig
from learn2compress.data.labelled_sample import LabelledSample
from learn2compress.data.prepare import PreparedRecord, prepare
from learn2compress.data.records import NamedIndex, RawRecord, Split, Unit
from learn2compress.data.sources import plan, read_unit

# Records that are read for each that is looked for: a file may have one class after the other.
_MOST_READ_TIMES = 40


def sample_source(data: DataConfig, task: TaskConfig, labels: Sequence[str], num_examples: int) -> LabelledSample:
    """Reads about equally many training examples of each class, as far as a bounded reading finds them.

    Args:
      data: Where labelled examples are, and how images are turned and resized.
      task: Their kind and shape.
      labels: Class names in index order.
      num_examples: Examples to read, about; at least 2 of each class are looked for.

    Returns:
      At most about `num_examples`, fewer of rare classes. What can't be used is left out.

    Raises:
      SourceError: the source as a whole can't be used.
    """
    index_of = {name: index for index, name in enumerate(labels)}
    most = max(2, math.ceil(num_examples / len(labels)))
    counts = np.zeros(len(labels), np.int64)
    inputs, found = [], []
    units = [unit for unit in plan(data, task).units if unit.split in (None, Split.TRAIN) and unit.labelled]
    for record in itertools.islice(_in_turn(units, task, data, most), _MOST_READ_TIMES * most * len(labels)):
        label = record.label
        index = label.index if isinstance(label, NamedIndex) else label
        index = index_of.get(index, -1) if isinstance(index, str) else index
        if index is None or not 0 <= index < len(labels) or counts[index] >= most:
            continue
        prepared = prepare(record, task, data)
        if isinstance(prepared, PreparedRecord):
            counts[index] += 1
            inputs.append(np.frombuffer(prepared.content, np.uint8).reshape(task.input_shape))
            found.append(index)
        if counts.min() >= most:
            break
    stacked = np.stack(inputs) if inputs else np.empty((0, *task.input_shape), np.uint8)
    return LabelledSample(stacked, np.array(found, np.int64), [])


def _in_turn(units: Sequence[Unit], task: TaskConfig, data: DataConfig, most: int) -> Iterator[RawRecord]:
    """Yields records; of each unit of a folder of images, which has one class, no more than are looked for."""
    for unit in units:
        records = (record for record in read_unit(unit, task) if isinstance(record, RawRecord))
        yield from itertools.islice(records, most if data.format is DataFormat.IMAGE_FOLDER else None)
