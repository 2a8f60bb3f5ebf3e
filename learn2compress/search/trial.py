"""One try of a search: prunes a student, then gives up, or makes its file."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Protocol

import keras

from learn2compress.config import SearchConfig, SearchSize
from learn2compress.litert.measure import download_bytes
from learn2compress.litert.operators import model_cost
from learn2compress.quantization.quantize import QuantizedStudent
from learn2compress.results.quantization import QuantizationReport
from learn2compress.results.reports import EpochRecord
from learn2compress.search.study import CompressionSettings, TrialResult, hopeless

History = tuple[EpochRecord, ...]


@dataclasses.dataclass(frozen=True)
class Trial:
    """What came of one try.

    Attributes:
      result: What the search goes on with.
      history: The student's epochs up to there.
      student: Pruned.
      file: Its file; `None` where the try was stopped.
    """

    result: TrialResult
    history: History
    student: keras.Model
    file: QuantizedStudent | None


class Steps(Protocol):
    """What a try is made of; the same number and arguments give the same result, also after a kill."""

    def prune(self, number: int, variant: CompressionSettings) -> tuple[keras.Model, History]:
        """A pruned copy of the student, and its epochs so far."""
        ...

    def top_1(self, student: keras.Model) -> float:
        """Accuracy of a float student on the training examples that choices may look at."""
        ...

    def quantize(
        self, number: int, variant: CompressionSettings, student: keras.Model
    ) -> tuple[QuantizedStudent, History]:
        """The file of a pruned student, and the epochs that it took."""
        ...


def size_of(model_bytes: bytes, size: SearchSize) -> int:
    """What a file has of what a search minimizes."""
    if size is SearchSize.MACS:
        return model_cost(model_bytes).macs
    return download_bytes(model_bytes) if size is SearchSize.DOWNLOAD_BYTES else len(model_bytes)


def _shipped_top_1(report: QuantizationReport) -> float:
    return next(candidate.top_1 for candidate in report.candidates if candidate.recipe == report.shipped)


def try_variant(
    number: int,
    variant: CompressionSettings,
    results: Sequence[TrialResult],
    search: SearchConfig,
    steps: Steps,
) -> Trial:
    """Makes one try.

    Args:
      number: From 0.
      variant: What to try.
      results: Of the tries before.
      search: What is looked for.
      steps: What a try is made of.
    """
    student, history = steps.prune(number, variant)
    top_1 = steps.top_1(student)
    stopped = hopeless(search, top_1, results, variant)
    if stopped is not None:
        return Trial(TrialResult(number, variant, top_1, stopped=stopped), history, student, None)
    file, records = steps.quantize(number, variant, student)
    size = size_of(file.model_bytes, search.minimize)
    return Trial(TrialResult(number, variant, _shipped_top_1(file.report), size), history + records, student, file)
