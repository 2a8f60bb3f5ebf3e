"""Looks at all labels of a source of texts: which classes there are, for a first configuration."""

from __future__ import annotations

from learn2compress.config import DataConfig, TaskConfig, TaskKind
from learn2compress.data.class_names import class_names, too_many_classes
from learn2compress.data.records import Label, RawRecord, SourceError
from learn2compress.data.sources import plan, read_unit, source_uri


def survey_texts(data: DataConfig) -> tuple[str, ...]:
    """Reads the labels of a source.

    Args:
      data: Where labelled texts are.

    Returns:
      Class names in index order.

    Raises:
      SourceError: the source as a whole can't be used, has no labelled text, or has too many labels for its texts.
    """
    task = TaskConfig(kind=TaskKind.TEXT, input_shape=(1024,))
    labels: set[Label] = set()
    num_records = 0
    refused = "no record"
    for unit in plan(data, task).units:
        for record in read_unit(unit, task):
            if not isinstance(record, RawRecord):
                refused = record.reason
            elif record.label is not None and record.payload:
                labels.add(record.label)
                num_records += 1
    if not labels:
        raise SourceError(f"data.uri: found no labelled text in {source_uri(data)}: {refused}")
    names = class_names(labels)
    if problem := too_many_classes(names, num_records):
        raise SourceError(f"data.uri: {source_uri(data)}: {problem}")
    return names
