"""TFDV statistics of each split, the schema of the training split, and how the other splits depart from it.

Statistics are made of a few measures of each record, not of its pixels: they
show what is wrong with data (a dark split, an unknown label, another image
size) and cost little. They count every good record that was read, also one
that stays out of training later since its content is held out.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import apache_beam as beam
import pyarrow as pa  # type: ignore[import-untyped]
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

from components.artifacts import ANOMALIES_FILE, SCHEMA_FILE, STATISTICS_FILE, VALIDATION_ANOMALIES_FILE
from components.ingest.tfdv import tfdv
from learn2compress.data.prepare import PreparedRecord
from learn2compress.data.records import MAX_CLASSES, Split

LABEL_FEATURE = "label"


def record_batch(records: list[PreparedRecord], labels: list[str | None]) -> pa.RecordBatch:
    """Returns measures of some records as TFDV takes them: a list of one value for each record.

    Args:
      records: At least one.
      labels: Class name of each; an unlabelled one counts as missing.

    Returns:
      A column for the label and one for each measure, a row for each record.
    """
    names = list(records[0].measures)
    encoded = [None if label is None else [label.encode()] for label in labels]
    columns = [pa.array(encoded, pa.large_list(pa.large_binary()))]
    for name in names:
        values = [[record.measures[name]] for record in records]
        columns.append(pa.array(values, pa.large_list(pa.float32())))
    return pa.RecordBatch.from_arrays(columns, [LABEL_FEATURE, *names])


def write_split_statistics(batches: beam.PCollection, split: Split, folder: str) -> None:
    """Adds to the pipeline what computes the statistics of one split and writes them.

    Args:
      batches: From `record_batch`.
      split: The split.
      folder: An existing folder.
    """
    # Labels must keep their whole domain in the statistics, or rare ones would look unknown.
    options = tfdv.StatsOptions(num_rank_histogram_buckets=MAX_CLASSES)
    statistics = batches | f"Statistics.{split}" >> tfdv.GenerateStatistics(options)
    _ = statistics | f"WriteStatistics.{split}" >> beam.Map(_write, path=_partial_path(folder, split))


def read_counts(folder: str) -> dict[Split, int]:
    """Reads how many examples the statistics of each split were made of.

    Args:
      folder: Where `write_split_statistics` wrote; a split whose statistics are not there counts as empty.
    """
    counts = {}
    for split in Split:
        path = Path(_partial_path(folder, split))
        found = statistics_pb2.DatasetFeatureStatisticsList.FromString(path.read_bytes() if path.exists() else b"")
        counts[split] = sum(int(dataset.num_examples) for dataset in found.datasets)
    return counts


def remove_partial(folder: str) -> None:
    """Removes what `write_split_statistics` wrote, of a run that failed before `validate`.

    Args:
      folder: Where it wrote.
    """
    for split in Split:
        Path(_partial_path(folder, split)).unlink(missing_ok=True)


@dataclasses.dataclass(frozen=True)
class Validated:
    """What the statistics say.

    Attributes:
      by_split: A `DatasetFeatureStatisticsList` of one data set for each split that there is.
      schema: Of the training split.
      anomalies: By split one line for each way in which it departs from the schema, sorted; of the training split none.
    """

    by_split: dict[Split, Any]
    schema: schema_pb2.Schema
    anomalies: dict[Split, list[str]]


def validate(folder: str) -> Validated:
    """Infers the schema, validates the other splits, and writes statistics, schema and anomalies.

    Args:
      folder: Where `write_split_statistics` wrote.
    """
    merged = statistics_pb2.DatasetFeatureStatisticsList()
    by_split: dict[Split, Any] = {}
    for split in Split:
        path = Path(_partial_path(folder, split))
        if split is Split.VALIDATION and not path.exists():
            continue
        by_split[split] = statistics_pb2.DatasetFeatureStatisticsList.FromString(path.read_bytes())
        by_split[split].datasets[0].name = split.value
        merged.datasets.add().CopyFrom(by_split[split].datasets[0])
        path.unlink()
    schema = tfdv.infer_schema(by_split[Split.TRAIN], max_string_domain_size=MAX_CLASSES)
    (Path(folder) / STATISTICS_FILE).write_bytes(merged.SerializeToString(deterministic=True))
    tfdv.write_schema_text(schema, str(Path(folder) / SCHEMA_FILE))
    anomalies = {
        split: _anomalies(by_split[split], schema, Path(folder) / name)
        for split, name in ((Split.HELD_OUT, ANOMALIES_FILE), (Split.VALIDATION, VALIDATION_ANOMALIES_FILE))
        if split in by_split
    }
    return Validated(by_split, schema, anomalies)


def _anomalies(statistics: Any, schema: schema_pb2.Schema, path: Path) -> list[str]:
    anomalies = tfdv.validate_statistics(statistics, schema)
    tfdv.write_anomalies_text(anomalies, str(path))
    found = [f"{name}: {info.description.strip()}" for name, info in anomalies.anomaly_info.items()]
    if anomalies.HasField("dataset_anomaly_info"):
        found.append(f"split: {anomalies.dataset_anomaly_info.description.strip()}")
    return sorted(" ".join(line.split()) for line in found)


def _write(statistics: Any, path: str) -> None:
    Path(path).write_bytes(statistics.SerializeToString(deterministic=True))


def _partial_path(folder: str, split: Split) -> str:
    return str(Path(folder) / f".statistics-{split}.pb")
