"""TFDV statistics of both splits, the schema of the training split, and how the held-out split departs from it.

Statistics are made of a few measures of each record, not of its pixels: they
show what is wrong with data (a dark split, an unknown label, another image
size) and cost little. They count every good record that was read, also an
unlabelled one that is left out later since its content is held out.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import apache_beam as beam
import pyarrow as pa  # type: ignore[import-untyped]
from tensorflow_metadata.proto.v0 import statistics_pb2

from components.artifacts import ANOMALIES_FILE, SCHEMA_FILE, STATISTICS_FILE
from components.ingest.tfdv import tfdv
from learn2compress.data.prepare import PreparedRecord
from learn2compress.data.records import MAX_CLASSES, Split

LABEL_FEATURE = "label"


def record_batch(records: list[PreparedRecord], labels: list[str | None]) -> pa.RecordBatch:
    """Measures of some records as TFDV takes them: a list of one value for each record.

    Args:
      records: At least one.
      labels: Class name of each; an unlabelled one counts as missing.
    """
    names = list(records[0].measures)
    encoded = [None if label is None else [label.encode()] for label in labels]
    columns = [pa.array(encoded, pa.large_list(pa.large_binary()))]
    for name in names:
        values = [[record.measures[name]] for record in records]
        columns.append(pa.array(values, pa.large_list(pa.float32())))
    return pa.RecordBatch.from_arrays(columns, [LABEL_FEATURE, *names])


def write_split_statistics(batches: beam.PCollection, split: Split, folder: str) -> None:
    """Adds to the pipeline what computes the statistics of one split and writes them into `folder`."""
    # Labels must keep their whole domain in the statistics, or rare ones would look unknown.
    options = tfdv.StatsOptions(num_rank_histogram_buckets=MAX_CLASSES)
    statistics = batches | f"Statistics.{split}" >> tfdv.GenerateStatistics(options)
    _ = statistics | f"WriteStatistics.{split}" >> beam.Map(_write, path=_partial_path(folder, split))


def validate(folder: str) -> list[str]:
    """Infers the schema, validates the held-out split, and writes statistics, schema and anomalies.

    Args:
      folder: Where `write_split_statistics` wrote.

    Returns:
      One line for each anomaly, sorted.
    """
    merged = statistics_pb2.DatasetFeatureStatisticsList()
    by_split: dict[Split, Any] = {}
    for split in Split:
        path = Path(_partial_path(folder, split))
        by_split[split] = statistics_pb2.DatasetFeatureStatisticsList.FromString(path.read_bytes())
        by_split[split].datasets[0].name = split.value
        merged.datasets.add().CopyFrom(by_split[split].datasets[0])
        path.unlink()
    schema = tfdv.infer_schema(by_split[Split.TRAIN], max_string_domain_size=MAX_CLASSES)
    anomalies = tfdv.validate_statistics(by_split[Split.HELD_OUT], schema)
    (Path(folder) / STATISTICS_FILE).write_bytes(merged.SerializeToString(deterministic=True))
    tfdv.write_schema_text(schema, str(Path(folder) / SCHEMA_FILE))
    tfdv.write_anomalies_text(anomalies, str(Path(folder) / ANOMALIES_FILE))
    found = [f"{name}: {info.description.strip()}" for name, info in anomalies.anomaly_info.items()]
    if anomalies.HasField("dataset_anomaly_info"):
        found.append(f"split: {anomalies.dataset_anomaly_info.description.strip()}")
    return sorted(" ".join(line.split()) for line in found)


def _write(statistics: Any, path: str) -> None:
    Path(path).write_bytes(statistics.SerializeToString(deterministic=True))


def _partial_path(folder: str, split: Split) -> str:
    return str(Path(folder) / f".statistics-{split}.pb")
