"""What a file predicts for the held-out examples of a folder of shards, beside the network that it was made from."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import numpy.typing as npt

from learn2compress.config import EvaluateConfig, TaskConfig
from learn2compress.data.completeness import check_count
from learn2compress.data.examples import read_batches
from learn2compress.data.records import Split
from learn2compress.litert.flatbuffer import read_file
from learn2compress.litert.interpreter import PIXEL_SCALE, Scorer
from learn2compress.litert.predictions import Predictions, PredictionSettings, Reference, predict_examples
from learn2compress.steps.student_folder import read_network

# The teacher's file takes raw bytes as floats: its own scaling is inside.
_RAW_INPUT_SCALE = 1.0


@dataclasses.dataclass(frozen=True)
class PredictionWork:
    """All that a worker needs to know; small, and safe to pickle.

    Attributes:
      model_path: The LiteRT file.
      task: The examples' kind and shape.
      settings: Which figures the predictions are made for.
      examples: Folder with a folder of shards for each split.
      num_examples: Examples in the held-out split, as they were counted.
      student: Folder of the student that the file was made from, to compare predictions with, if any.
    """

    model_path: Path
    task: TaskConfig
    settings: PredictionSettings
    examples: Path
    num_examples: int
    student: Path | None = None


def student_settings(config: EvaluateConfig, num_classes: int) -> PredictionSettings:
    """Returns which figures the predictions of a student's file are made for.

    Args:
      config: How to measure.
      num_classes: Scores of each example.
    """
    return PredictionSettings.of(config, num_classes, PIXEL_SCALE)


def teacher_settings(config: EvaluateConfig, num_classes: int, gives_logits: bool) -> PredictionSettings:
    """Returns which figures the predictions of the teacher's file are made for.

    Args:
      config: How to measure.
      num_classes: Scores of each example.
      gives_logits: Whether its scores are logits.
    """
    return PredictionSettings.of(config, num_classes, _RAW_INPUT_SCALE, gives_logits)


class Predictor:
    """A file and the student it came from, opened once.

    Args:
      work: What to do.

    Raises:
      ModelFileError: the file can't be loaded, or does not take such examples.
    """

    def __init__(self, work: PredictionWork) -> None:
        self._work = work
        shape = work.task.input_shape
        self._scorer = Scorer(read_file(work.model_path), shape, work.settings.input_scale)
        self._reference = None if work.student is None else _reference(work.student)

    def predict(self, shards: Path) -> Predictions:
        """Runs the file on the examples of a folder of shards, or of one shard.

        Args:
          shards: The folder or file.

        Raises:
          ConfigError: a shard is damaged, or the file does not run.
        """
        work = self._work
        stored = read_batches(shards, work.task.input_shape, with_origin=work.settings.needs_origin)
        batches = (batch.graded for batch in stored)
        return predict_examples(self._scorer, batches, work.num_examples, work.settings, self._reference)


def predict_split(work: PredictionWork) -> Predictions:
    """Runs a file on the whole held-out split, in this process.

    Args:
      work: What to do.

    Raises:
      ConfigError: a shard is damaged, or the file does not run.
      RecordsLostError: there is not one prediction for each example.
    """
    predictions = Predictor(work).predict(work.examples / Split.HELD_OUT)
    check_count("predictions of the held_out split", work.num_examples, len(predictions.labels))
    return predictions


def _reference(folder: Path) -> Reference:
    network = read_network(folder)

    def scores(inputs: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        return np.asarray(network.predict_on_batch(inputs.astype(np.float32) / 255.0))

    return scores
