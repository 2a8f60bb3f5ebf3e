"""Runs `Ingest`: plans, runs the Beam pipeline, and decides whether the data will do."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from tfx.types import artifact_utils

from components.artifacts import BAD_RECORDS_FILE, INGEST_REPORT_FILE, LABELS_FILE
from components.beam_runner import make_pipeline
from components.ingest import statistics, steps
from components.parameters import config_from, from_json
from components.step_executor import StepExecutor
from learn2compress.config import DataConfig, TaskConfig
from learn2compress.config.parsing import ConfigError
from learn2compress.data.records import MAX_CLASSES, ReadPlan, Split
from learn2compress.data.sources import plan as plan_reading
from learn2compress.data.sources import source_uri
from learn2compress.progress import report
from learn2compress.results.reports import write_json

_TALLY_FILE = ".tally.json"
# Workers that are processes of their own import it before anything of TFDV.
_PLUGIN = "components.ingest.tfdv"
_NUM_STAGES = 3


class Executor(StepExecutor):
    """Executor of `Ingest`."""

    def run(self, input_dict: Any, output_dict: Any, exec_properties: dict[str, Any]) -> None:
        """Reads, validates, splits and writes the examples, and sets the artifacts' properties.

        Raises:
          ConfigError: the data can't be used: a source is missing or damaged, too
            many records are bad, a class has no training example, or the held-out
            split departs from the schema of the training split.
        """
        data = config_from(DataConfig, exec_properties)
        task = from_json(TaskConfig, exec_properties["task"])
        examples = artifact_utils.get_single_instance(output_dict["examples"])
        stats = artifact_utils.get_single_instance(output_dict["statistics"])

        report("ingest: list the data", 0, _NUM_STAGES)
        plan = plan_reading(data, task)
        report("ingest: read and validate", 1, _NUM_STAGES, f"{len(plan.units)} units of work")
        beam_options: list[str] = json.loads(exec_properties["beam_options"])
        tally = _run_beam(plan, data, task, Path(examples.uri), Path(stats.uri), beam_options)
        bad = _write_bad_records(plan, tally, Path(examples.uri) / BAD_RECORDS_FILE)
        if tally["failures"]:
            raise ConfigError(tally["failures"][0])
        summary = summarize(tally, len(bad))
        _check_bad_ratio(bad, summary, data.max_bad_ratio)
        _check_splits(summary)

        report("ingest: check the statistics", 2, _NUM_STAGES, f"{summary['num_train']} examples to train on")
        anomalies = statistics.validate(stats.uri)
        if anomalies:
            raise ConfigError(f"data: the held-out split departs from the training split: {'; '.join(anomalies[:3])}")
        _check_classes(summary)

        (Path(examples.uri) / LABELS_FILE).write_text("".join(f"{name}\n" for name in summary["labels"]), "utf-8")
        write_json(Path(examples.uri) / INGEST_REPORT_FILE, summary)
        examples.num_train = summary["num_train"]
        examples.num_held_out = summary["num_held_out"]
        examples.num_unlabelled = summary["num_unlabelled"]
        examples.num_bad = summary["num_bad"]
        examples.num_classes = len(summary["labels"])
        examples.content_sha256 = summary["content_sha256"]
        examples.source_uri = source_uri(data)
        stats.num_anomalies = len(anomalies)
        report("ingest: done", _NUM_STAGES, _NUM_STAGES, f"{summary['num_bad']} bad records")


def summarize(tally: dict[str, Any], num_bad: int) -> dict[str, Any]:
    """The content of `ingest.json`.

    Args:
      tally: What `steps.tally_findings` returned.
      num_bad: Records refused.
    """
    splits = tally["splits"]
    labels = tally["names"]
    hashes = {split: splits[split]["content_sha256"] for split in Split}
    combined = json.dumps({"labels": list(labels), **hashes}, sort_keys=True)
    held_out_counts = splits[Split.HELD_OUT]["class_counts"]
    return {
        "labels": list(labels),
        "num_train": sum(splits[Split.TRAIN]["class_counts"]) + splits[Split.TRAIN]["num_unlabelled"],
        "num_held_out": sum(held_out_counts),
        "num_unlabelled": splits[Split.TRAIN]["num_unlabelled"],
        "num_unlabelled_left_out": tally["num_left_out"],
        "num_bad": num_bad,
        "num_duplicates": sum(splits[split]["num_duplicates"] for split in Split),
        "num_shared_by_splits": tally["num_shared"],
        "class_counts": {split.value: splits[split]["class_counts"] for split in Split},
        "labels_not_held_out": [name for name, count in zip(labels, held_out_counts, strict=True) if not count],
        "split_content_sha256": {split.value: hashes[split] for split in Split},
        "content_sha256": hashlib.sha256(combined.encode()).hexdigest(),
    }


def _run_beam(
    plan: ReadPlan, data: DataConfig, task: TaskConfig, examples: Path, stats: Path, beam_options: list[str]
) -> dict[str, Any]:
    pipeline = make_pipeline(beam_options, [_PLUGIN])
    tally = examples / _TALLY_FILE
    try:
        for folder in (*(examples / split.value for split in Split), stats):
            folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{error.filename} can't be made: {error.strerror}") from error
    steps.build(pipeline, plan, data, task, str(examples), str(stats), str(tally))
    pipeline.run().wait_until_finish()
    counted: dict[str, Any] = json.loads(tally.read_text(encoding="utf-8"))
    tally.unlink()
    return counted


def _write_bad_records(plan: ReadPlan, tally: dict[str, Any], path: Path) -> list[dict[str, str]]:
    refused = [{"field": record.field, "source": record.source, "reason": record.reason} for record in plan.refused]
    found = [{"field": field, "source": source, "reason": reason} for field, source, reason in tally["bad"]]
    bad = sorted(refused + found, key=lambda record: (record["field"], record["source"], record["reason"]))
    path.write_text("".join(f"{json.dumps(record, sort_keys=True)}\n" for record in bad), encoding="utf-8")
    return bad


def _check_bad_ratio(bad: list[dict[str, str]], summary: dict[str, Any], max_bad_ratio: float) -> None:
    num_records = summary["num_train"] + summary["num_held_out"] + summary["num_unlabelled_left_out"] + len(bad)
    if bad and len(bad) / num_records > max_bad_ratio:
        reasons = "; ".join(f"{record['source']}: {record['reason']}" for record in bad[:3])
        raise ConfigError(
            f"data.max_bad_ratio: found {len(bad)} bad records of {num_records}, accepted is a ratio of "
            f"{max_bad_ratio} at most: {reasons}"
        )


def _check_splits(summary: dict[str, Any]) -> None:
    for split in Split:
        if not summary[f"num_{split}"]:
            raise ConfigError(f"data: found no example for the {split} split, accepted is one at least")
    if not 2 <= len(summary["labels"]) <= MAX_CLASSES:
        raise ConfigError(f"data: found {len(summary['labels'])} classes, accepted are 2 to {MAX_CLASSES}")


def _check_classes(summary: dict[str, Any]) -> None:
    counts = summary["class_counts"]
    for name, train, held_out in zip(summary["labels"], counts[Split.TRAIN], counts[Split.HELD_OUT], strict=True):
        if not train:
            where = f"all {held_out} of its examples are held out" if held_out else "it has no valid example"
            raise ConfigError(f"data: class {name!r} is empty for training: {where}; accepted is one example at least")
