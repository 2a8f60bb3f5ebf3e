"""Predictions of a LiteRT file for the whole held-out split, by Beam where the split is large and has several shards.

A shard is what one worker does at a time. Workers read the examples and the files
by their paths, and write what they found beside each other, so on a cluster the
pipeline root must be on storage that all of them mount.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import apache_beam as beam

from components.beam_runner import make_pipeline, read_findings
from learn2compress.config.parsing import ConfigError
from learn2compress.data.completeness import check_count, check_parts
from learn2compress.data.examples import shard_paths
from learn2compress.data.records import Split
from learn2compress.litert.predictions import Predictions
from learn2compress.steps.evaluate import PredictionWork, Predictor, predict_split

LARGE_SPLIT = 50_000

_FAILURES_FILE = "failures.json"


def predict_held_out(
    work: PredictionWork, scratch: Path, beam_options: Sequence[str], large_split: int = LARGE_SPLIT
) -> Predictions:
    """Runs the file on the held-out split, by Beam where the split is large.

    Args:
      work: What to do.
      scratch: A folder that the workers can write to.
      beam_options: Options of Apache Beam.
      large_split: Examples from which on Beam is used, whose start takes seconds.

    Returns:
      Predictions in the split's stored order, the same whoever computed them.

    Raises:
      ConfigError: a shard is damaged, the file does not run, or the options are not accepted.
      RecordsLostError: there is not one prediction for each example.
    """
    split = work.examples / Split.HELD_OUT
    shards = shard_paths(split)
    if len(shards) == 1 or work.num_examples < large_split:
        return predict_split(work)
    predictions = _predict_by_beam(work, shards, scratch, beam_options)
    check_count("predictions of the held_out split", work.num_examples, len(predictions.labels))
    return predictions


def _predict_by_beam(
    work: PredictionWork, shards: Sequence[Path], scratch: Path, beam_options: Sequence[str]
) -> Predictions:
    with tempfile.TemporaryDirectory(dir=scratch) as name:
        folder = Path(name)
        pipeline = make_pipeline(beam_options)
        _ = (
            pipeline
            | "Shards" >> beam.Create([(str(shard), str(_part(folder, i))) for i, shard in enumerate(shards)])
            | "Predict" >> beam.ParDo(_WritePredictions(work))
            | "Concatenate" >> beam.combiners.ToList()
            | "WriteFailures"
            >> beam.Map(lambda found, path: Path(path).write_text(json.dumps(found)), str(folder / _FAILURES_FILE))
        )
        pipeline.run().wait_until_finish()
        failures = sorted(read_findings(folder / _FAILURES_FILE, "predictions of the held_out split"))
        if failures:
            raise ConfigError(failures[0])
        found = {path.name for path in folder.glob("*.npz")}
        check_parts("parts of the predictions", (_part(folder, i).name for i in range(len(shards))), found)
        return Predictions.concatenate([Predictions.load(_part(folder, i)) for i in range(len(shards))])


def _part(folder: Path, index: int) -> Path:
    return folder / f"{index:05d}.npz"


class _WritePredictions(beam.DoFn):
    """Writes the predictions for a shard; yields what went wrong.

    A failure is a value: an exception inside a Beam worker would reach its user
    as a traceback of the worker.
    """

    def __init__(self, work: PredictionWork):
        self._work = work

    def setup(self) -> None:
        """Opens the file, once for each worker."""
        self._failure = ""
        try:
            self._predictor = Predictor(self._work)
        except ConfigError as error:
            self._failure = str(error)

    def process(self, paths: tuple[str, str]) -> Iterator[str]:
        shard, target = paths
        if self._failure:
            yield self._failure
            return
        try:
            self._predictor.predict(Path(shard)).save(Path(target))
        except ConfigError as error:
            yield str(error)
        except OSError as error:
            yield f"{target} can't be written: {error.strerror or error}; make room, or see who may write there"
