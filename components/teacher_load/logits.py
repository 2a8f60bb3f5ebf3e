"""The Beam pipeline that writes the teacher's logits, shard by shard beside the examples.

A shard is what one worker does at a time, and its batches are the same whoever
does it: the bytes written do not depend on how many workers there are. Workers
read the examples, the teacher's files and write the logits by their paths, so
on a cluster the pipeline root, and a teacher given as a path, must be on storage
that all workers mount.
"""

from __future__ import annotations

import contextlib
import contextvars
import json
import shutil
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import apache_beam as beam

from components.beam_runner import make_pipeline, read_findings
from learn2compress import progress
from learn2compress.config.parsing import ConfigError
from learn2compress.data.completeness import check_count, check_parts
from learn2compress.data.examples import shard_paths
from learn2compress.data.records import Split
from learn2compress.steps.teacher import LogitsWork, write_shard_logits
from learn2compress.teachers.loading import load_teacher
from learn2compress.teachers.teacher import LoadedTeacher

_TALLY_FILE = ".tally.json"
_PROGRESS_SUFFIX = ".progress"
_POLL_SECONDS = 0.5
# Keras keeps state of a loading that is under way in the process.
_LOADING = threading.Lock()


def write_logits(work: LogitsWork, num_examples: Mapping[Split, int], beam_options: Sequence[str]) -> int:
    """Writes a record of float32 logits for each example, views one after the other.

    Args:
      work: What to do.
      num_examples: Examples of each split to write logits of, as `Ingest` counted them: choices go by labels, so that
        the validation split needs none.
      beam_options: Options of Apache Beam.

    Returns:
      Records written, one for each example.

    Raises:
      ConfigError: the options are not accepted, a shard is damaged or can't be
        written, or the teacher answers with NaN.
      RecordsLostError: there is not one record for each example.
    """
    # Nothing half-written stays.
    num_written = 0
    try:
        num_written = _write_logits(work, num_examples, beam_options)
    finally:
        if not num_written:
            for split in num_examples:
                shutil.rmtree(work.logits / split, ignore_errors=True)
    return num_written


def _write_logits(work: LogitsWork, num_examples: Mapping[Split, int], beam_options: Sequence[str]) -> int:
    shards = [(split.value, path.name) for split in num_examples for path in shard_paths(work.examples / split)]
    for split in num_examples:
        (work.logits / split).mkdir(parents=True, exist_ok=True)
    tally = work.logits / _TALLY_FILE
    pipeline = make_pipeline(beam_options)
    _ = (
        pipeline
        | "Shards" >> beam.Create(shards)
        | "Logits" >> beam.ParDo(_WriteLogits(work))
        | "Together" >> beam.combiners.ToList()
        | "WriteTally" >> beam.Map(lambda found, path: Path(path).write_text(json.dumps(found)), str(tally))
    )
    num_passes = sum(num * work.views_of(split).num_views for split, num in num_examples.items())
    with _reporting(work.logits, num_passes):
        pipeline.run().wait_until_finish()
    found: list[list[Any] | str] = read_findings(tally, "teacher's logits")
    failures = sorted(result for result in found if isinstance(result, str))
    if failures:
        raise ConfigError(failures[0])
    written = [result for result in found if isinstance(result, list)]
    names = (f"{split}/{name}" for split, name in shards)
    check_parts("shards of logits", names, (f"{split}/{name}" for split, name, _ in written))
    for split, expected in num_examples.items():
        check_count(f"logits of the {split} split", expected, sum(count for of, _, count in written if of == split))
    return sum(count for _, _, count in written)


class _WriteLogits(beam.DoFn):
    """Writes the logits of a shard; yields its split, its name and the records in the file, or what went wrong.

    A failure is a value: an exception inside a Beam worker would reach its user
    as a traceback of the worker.
    """

    def __init__(self, work: LogitsWork):
        self._work = work

    def setup(self) -> None:
        """Loads the teacher, once for each worker, after the same checks as in the step itself."""
        work = self._work
        self._teacher: LoadedTeacher | None = None
        self._failure = ""
        try:
            with _LOADING:
                teacher = load_teacher(work.teacher_paths, work.teacher, work.task, work.num_classes, work.labels)
            teacher.check_content(work.teacher_sha256)
            self._teacher = teacher
        except ConfigError as error:
            self._failure = str(error)

    def process(self, shard: tuple[str, str]) -> Iterator[tuple[str, str, int] | str]:
        split, name = shard
        if self._teacher is None:
            yield self._failure
            return
        target = self._work.target(split, name)
        try:
            # Its size is how many forward passes are done: whoever sees the file system can follow.
            with target.with_name(f".{target.name}{_PROGRESS_SUFFIX}").open("wb", buffering=0) as tracker:
                count = write_shard_logits(
                    self._work, self._teacher, split, name, lambda num_done: tracker.write(b"." * num_done)
                )
        except OSError as error:
            yield f"{target} can't be written: {error.strerror or error}; make room, or see who may write there"
        except ConfigError as error:
            yield str(error)
        else:
            yield split, name, count


@contextlib.contextmanager
def _reporting(folder: Path, total: int) -> Iterator[None]:
    """Reports progress while Beam works in this thread, in others or in other processes.

    Args:
      folder: Where the workers write how far they are.
      total: Forward passes in all.
    """
    work = "teacher's logits"
    finished = threading.Event()

    def trackers() -> list[Path]:
        return sorted(folder.glob(f"*/.*{_PROGRESS_SUFFIX}"))

    def follow() -> None:
        while not finished.wait(_POLL_SECONDS):
            done = sum(path.stat().st_size for path in trackers())
            progress.report(work, min(done, total), total, unit="forward passes")

    # A thread hears what its context hears: the listener is a context variable.
    follower = threading.Thread(target=contextvars.copy_context().run, args=(follow,), daemon=True)
    progress.report(work, 0, total, unit="forward passes")
    follower.start()
    try:
        yield
    finally:
        finished.set()
        follower.join()
        for path in trackers():
            path.unlink()
    progress.report(work, total, total, unit="forward passes")
