"""Runs `Ingest`: plans, runs the Beam pipeline, and decides whether the data will do."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import shutil
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter
from tfx.types import artifact_utils

from components.beam_runner import make_pipeline, read_findings
from components.ingest import statistics, steps
from components.ingest.drift import drift_sentences
from components.ingest.last_data import LastData, LastDataError, last_data_uri, read_last_data, write_last_data
from components.parameters import config_from, from_json
from components.step_executor import StepExecutor
from learn2compress.config import DataConfig, TaskConfig
from learn2compress.config.parsing import ConfigError
from learn2compress.data.assignment import keeps_repeated
from learn2compress.data.checks import check_held_out_classes, check_trained_classes, first_reasons
from learn2compress.data.conclusions import check_counts, record_notes, write_bad_records, write_repeated
from learn2compress.data.records import ReadPlan, Split, splits_of
from learn2compress.data.sources import plan as plan_reading
from learn2compress.data.sources import source_uri
from learn2compress.data.tally import check_complete, summarize
from learn2compress.file_names import BAD_RECORDS_FILE, INGEST_REPORT_FILE, LABELS_FILE, REPEATED_FILE
from learn2compress.progress import notice, report
from learn2compress.results.data import DataReport, PreviousData
from learn2compress.results.data_changes import count_changes
from learn2compress.results.data_words import data_sentences
from learn2compress.results.reports import write_json

_TALLY_FILE = ".tally.json"
# Workers that are processes of their own import it before anything of TFDV.
_PLUGIN = "components.ingest.tfdv"
_NUM_STAGES = 3


class Executor(StepExecutor):
    """Executor of `Ingest`."""

    def run(self, input_dict: Any, output_dict: Any, exec_properties: dict[str, Any]) -> None:
        """Reads, validates, splits and writes the examples, and sets the artifacts' properties.

        Args:
          input_dict: Empty.
          output_dict: `examples` and `statistics`.
          exec_properties: Parameters of the spec.

        Raises:
          ConfigError: the data can't be used: a source is missing or damaged, too
            many records are bad or have several labels, a class has no training or no
            held-out example, or the held-out split departs from the schema of the training split.
        """
        data = config_from(DataConfig, exec_properties)
        task = from_json(TaskConfig, exec_properties["task"])
        examples = artifact_utils.get_single_instance(output_dict["examples"])
        stats = artifact_utils.get_single_instance(output_dict["statistics"])

        report("list the data", 0, _NUM_STAGES)
        plan = plan_reading(data, task)
        for note in plan.notes:
            notice("data", note)
        report("read and check the examples", 1, _NUM_STAGES)
        beam_options: list[str] = json.loads(exec_properties["beam_options"])
        with _whole_or_nothing(Path(examples.uri), stats.uri):
            tally = _run_beam(plan, data, task, Path(examples.uri), Path(stats.uri), beam_options)
            bad = write_bad_records(plan, tally, Path(examples.uri) / BAD_RECORDS_FILE)
            if tally["failures"]:
                raise ConfigError(tally["failures"][0])
            check_complete(
                plan.units, keeps_repeated(data, task), data.num_shards, tally, statistics.read_counts(stats.uri)
            )
            summary = summarize(tally, len(bad))
            repeated = write_repeated(tally, Path(examples.uri) / REPEATED_FILE)
            check_counts(plan, data, task, tally, summary, bad, repeated)
            report("check the statistics", 2, _NUM_STAGES, f"{summary['num_train']} examples to train on")
            validated = statistics.validate(stats.uri)
            for split, anomalies in validated.anomalies.items():
                if anomalies:
                    raise ConfigError(
                        f"data: the {split.words} split departs from the training split: {'; '.join(anomalies[:3])}"
                    )
            check_trained_classes(summary)
            check_held_out_classes(summary, data)

        summary["notes"] = (*plan.notes, *record_notes(data, summary))
        last_uri = last_data_uri(exec_properties["checkpoint_root"], exec_properties["family_name"])
        found = _compared(TypeAdapter(DataReport).validate_python(summary), validated, last_uri)
        (Path(examples.uri) / LABELS_FILE).write_text("".join(f"{name}\n" for name in summary["labels"]), "utf-8")
        write_json(Path(examples.uri) / INGEST_REPORT_FILE, found)
        examples.num_train = summary["num_train"]
        examples.num_held_out = summary["num_held_out"]
        if found.num_validation is not None:
            examples.num_validation = found.num_validation
        examples.num_unlabelled = summary["num_unlabelled"]
        examples.num_bad = summary["num_bad"]
        examples.num_classes = len(summary["labels"])
        examples.content_sha256 = summary["content_sha256"]
        examples.source_uri = source_uri(data)
        stats.num_anomalies = 0  # or the step would have failed
        report("all examples written", _NUM_STAGES, _NUM_STAGES, f"{found.num_bad} bad records")
        _tell(found, bad, already_told=plan.notes)
        # Last: a run that fails before has read nothing that a later one should be compared with.
        with _told():
            write_last_data(last_uri, LastData.of(PreviousData.of(found), validated.by_split[Split.TRAIN]))


def _tell(found: DataReport, bad: list[dict[str, str]], already_told: Collection[str]) -> None:
    """Shows what a person must read: which records are bad, and what else was found."""
    if bad:
        notice("data", f"{len(bad)} bad records are left out: {first_reasons(bad)}")
    # Bad records were told with their reasons.
    for sentence in data_sentences(dataclasses.replace(found, num_bad=0)):
        if sentence not in already_told:
            notice("data", sentence)


def _compared(found: DataReport, validated: statistics.Validated, last_uri: str) -> DataReport:
    """Adds how the data differ from those of the last run of the same name, and the splits from each other."""
    train = validated.by_split[Split.TRAIN]
    others: dict[Split, Any] = {
        split: of_split for split, of_split in validated.by_split.items() if split is not Split.TRAIN
    }
    last, before = None, None
    with _told():
        last = read_last_data(last_uri)
        before = None if last is None else last.train_statistics()
    changes = () if last is None else count_changes(found, last.counts)
    drift = drift_sentences(train, others, before, validated.schema)
    return dataclasses.replace(
        found, changes=(*changes, *drift), previous=None if before is None or last is None else last.counts
    )


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """Tells what can't be compared, and continues: no example depends on it."""
    try:
        yield
    except LastDataError as error:
        notice("data", f"no comparison with another run's data: {error}")


@contextlib.contextmanager
def _whole_or_nothing(examples: Path, stats: str) -> Iterator[None]:
    """Removes the shards and what is unfinished of the statistics when the block fails, however it does."""
    done = False
    try:
        yield
        done = True
    finally:
        if not done:
            for folder in (examples / split.value for split in Split):
                shutil.rmtree(folder, ignore_errors=True)
            # A folder that can't be written holds nothing of ours, and what failed first is what to tell.
            with contextlib.suppress(OSError):
                (examples / _TALLY_FILE).unlink(missing_ok=True)
                statistics.remove_partial(stats)


def _run_beam(
    plan: ReadPlan, data: DataConfig, task: TaskConfig, examples: Path, stats: Path, beam_options: list[str]
) -> dict[str, Any]:
    pipeline = make_pipeline(beam_options, [_PLUGIN])
    tally = examples / _TALLY_FILE
    try:
        for folder in (*(examples / split.value for split in splits_of(plan.units)), stats):
            folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{error.filename} can't be made: {error.strerror}") from error
    steps.build(pipeline, plan, data, task, str(examples), str(stats), str(tally))
    pipeline.run().wait_until_finish()
    counted: dict[str, Any] = read_findings(tally, "data")
    return counted
