"""One trial prunes, stops where a finished one is better, and otherwise makes a file and measures it."""

from __future__ import annotations

import dataclasses

import keras
import pytest

from learn2compress.config import PruneMethod, QuantizationRecipe, SearchConfig, SearchSize
from learn2compress.litert.measure import download_bytes
from learn2compress.litert.operators import model_cost
from learn2compress.quantization.convert import to_float_litert
from learn2compress.quantization.quantize import QuantizedStudent
from learn2compress.results.quantization import QuantizationReport
from learn2compress.results.reports import EpochRecord
from learn2compress.search.study import CompressionSettings, TrialResult
from learn2compress.search.trial import History, run_trial, size_of

SETTINGS = CompressionSettings(PruneMethod.MAGNITUDE, 0.5, QuantizationRecipe.FLOAT32)
REPORT = QuantizationReport("float32", "float32", "named by the configuration", 1, (), "the float32 file", 1, ())
PRUNED, QUANTIZED = EpochRecord("prune", 1, 0.5, 0.8, 0.5), EpochRecord("quantize", 1, 0.4, 0.8, 0.5)


@pytest.fixture(scope="module")
def student() -> keras.Model:
    inputs = keras.Input((8, 8, 1))
    return keras.Model(inputs, keras.layers.Dense(10)(keras.layers.Flatten()(inputs)))


@dataclasses.dataclass
class Steps:
    """A real student and its real file; accuracies are told."""

    student: keras.Model
    float_top_1: float
    num_files: int = 0

    def prune(self, number: int, settings: CompressionSettings) -> tuple[keras.Model, History]:
        return self.student, (PRUNED,)

    def quantize(
        self, number: int, settings: CompressionSettings, student: keras.Model
    ) -> tuple[QuantizedStudent, History]:
        self.num_files += 1
        return QuantizedStudent(to_float_litert(student).pack(), REPORT), (QUANTIZED,)

    def student_top_1(self, student: keras.Model) -> float:
        return self.float_top_1

    def file_top_1(self, model_bytes: bytes) -> float:
        return self.float_top_1 - 0.01


def test_a_trial_has_the_size_and_the_accuracy_of_its_file(student: keras.Model) -> None:
    search = SearchConfig(minimize=SearchSize.MODEL_BYTES)
    trial = run_trial(3, SETTINGS, [], search, Steps(student, 0.8))
    assert trial.file is not None
    assert trial.result == TrialResult(3, SETTINGS, pytest.approx(0.79), len(trial.file.model_bytes))
    assert trial.history == (PRUNED, QUANTIZED)
    assert trial.student is student


def test_a_trial_that_a_sparser_one_beats_is_stopped_before_its_file(student: keras.Model) -> None:
    better = TrialResult(0, dataclasses.replace(SETTINGS, sparsity_ratio=0.6), 0.9, 100)
    steps = Steps(student, 0.8)
    trial = run_trial(1, SETTINGS, [better], SearchConfig(), steps)
    assert (trial.file, trial.history, steps.num_files) == (None, (PRUNED,), 0)
    assert not trial.result.is_finished
    assert trial.result.top_1 == 0.8
    assert "trial 0 has 0.9000 at a sparsity of 0.60" in str(trial.result.stopped)


def test_each_size_is_that_of_the_file(student: keras.Model) -> None:
    model = to_float_litert(student).pack()
    sizes = {size: size_of(model, size) for size in SearchSize}
    assert sizes == {
        SearchSize.MODEL_BYTES: len(model),
        SearchSize.DOWNLOAD_BYTES: download_bytes(model),
        SearchSize.MACS: model_cost(model).macs,
    }
    assert sizes[SearchSize.MACS] == 640
