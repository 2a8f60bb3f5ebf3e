"""One trial of a search: prunes a student, then stops early, or makes its file."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Protocol

import keras

from learn2compress.config import SearchConfig, SearchSize
from learn2compress.litert.measure import download_bytes
from learn2compress.litert.operators import model_cost
from learn2compress.quantization.quantize import QuantizedStudent
from learn2compress.results.reports import EpochRecord
from learn2compress.search.study import CompressionSettings, TrialResult, why_stop

History = tuple[EpochRecord, ...]


@dataclasses.dataclass(frozen=True)
class Trial:
    """One trial with all that it made.

    Attributes:
      result: What the search decides by.
      history: The student's epochs up to there.
      student: The pruned student.
      file: Its file; `None` where the trial was stopped.
    """

    result: TrialResult
    history: History
    student: keras.Model
    file: QuantizedStudent | None


class TrialSteps(Protocol):
    """The steps of a trial; the same number and arguments have the same result, also after a kill."""

    def prune(self, number: int, settings: CompressionSettings) -> tuple[keras.Model, History]:
        """Returns a pruned copy of the student, and its epochs so far.

        Args:
          number: Of the trial, from 0.
          settings: How to prune it.
        """
        ...

    def quantize(
        self, number: int, settings: CompressionSettings, student: keras.Model
    ) -> tuple[QuantizedStudent, History]:
        """Returns the file of a pruned student, and the epochs of its training in 8 bits.

        Args:
          number: Of the trial, from 0.
          settings: How to quantize it.
          student: From `prune`.
        """
        ...

    def student_top_1(self, student: keras.Model) -> float:
        """Returns a float student's accuracy, 0..1, on the training examples that the search decides by."""
        ...

    def file_top_1(self, model_bytes: bytes) -> float:
        """Returns a file's accuracy, 0..1, on the same examples."""
        ...


def size_of(model_bytes: bytes, size: SearchSize) -> int:
    """Returns the size of a file that a search minimizes.

    Args:
      model_bytes: The file.
      size: Which size: bytes as stored, bytes as downloaded, or multiply-accumulate operations.
    """
    if size is SearchSize.MACS:
        return model_cost(model_bytes).macs
    return download_bytes(model_bytes) if size is SearchSize.DOWNLOAD_BYTES else len(model_bytes)


def run_trial(
    number: int,
    settings: CompressionSettings,
    results: Sequence[TrialResult],
    search: SearchConfig,
    steps: TrialSteps,
) -> Trial:
    """Runs one trial.

    Args:
      number: From 0.
      settings: What to try.
      results: Of the trials before.
      search: What is minimized, and whether to stop early.
      steps: Prune, quantize and measure.

    Returns:
      The trial, with a file unless it was stopped.
    """
    student, history = steps.prune(number, settings)
    top_1 = steps.student_top_1(student)
    stopped = why_stop(search, top_1, results, settings)
    if stopped is not None:
        return Trial(TrialResult(number, settings, top_1, stopped=stopped), history, student, None)
    file, records = steps.quantize(number, settings, student)
    size = size_of(file.model_bytes, search.minimize)
    result = TrialResult(number, settings, steps.file_top_1(file.model_bytes), size)
    return Trial(result, history + records, student, file)
