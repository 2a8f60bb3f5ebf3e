"""The trials of a search on disk: finished ones outlive a kill, and become artifacts in the end."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import keras
from tfx.types.artifact import Artifact

from components.artifacts import TRIAL_FILE
from learn2compress.file_names import HISTORY_FILE, KERAS_FILE, LITERT_FILE, QUANTIZATION_FILE
from learn2compress.quantization.quantize import QuantizedStudent
from learn2compress.results.quantization import QuantizationReport
from learn2compress.results.reports import EpochRecord, read_json, write_json
from learn2compress.search.study import TrialResult
from learn2compress.search.trial import History, Trial
from learn2compress.steps.student_folder import read_network
from learn2compress.training.checkpoint import Checkpoint


class TrialFiles:
    """Writes and reads folders of trials.

    Args:
      checkpoint: Where the search keeps its state.
    """

    def __init__(self, checkpoint: Checkpoint):
        self._checkpoint = checkpoint
        self._folder = checkpoint.folder / "trials"

    def write(self, trial: Trial) -> None:
        """Writes one trial; a kill leaves all of it or nothing that `read_result` finds."""
        folder = self._of(trial.result.number)
        partial = folder.with_suffix(".partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        trial.student.save(partial / KERAS_FILE)
        write_json(partial / HISTORY_FILE, trial.history)
        if trial.file is not None:
            (partial / LITERT_FILE).write_bytes(trial.file.model_bytes)
            write_json(partial / QUANTIZATION_FILE, trial.file.report)
        write_json(partial / TRIAL_FILE, trial.result)
        # What is left of one that was not kept whole.
        shutil.rmtree(folder, ignore_errors=True)
        partial.replace(folder)
        # The result last: a trial that has one is whole.
        for path in sorted(folder.iterdir(), key=lambda path: path.name == TRIAL_FILE):
            self._checkpoint.keep(path)

    def read_result(self, number: int) -> TrialResult | None:
        """Returns the result of a trial; `None` for one that is not done."""
        path = self._of(number) / TRIAL_FILE
        result: TrialResult | None = read_json(TrialResult, path) if path.exists() else None
        return result

    def read(self, number: int) -> tuple[keras.Model, History, QuantizedStudent]:
        """Returns student, epochs and file of a finished trial."""
        folder = self._of(number)
        history: History = read_json(tuple[EpochRecord, ...], folder / HISTORY_FILE)
        report = read_json(QuantizationReport, folder / QUANTIZATION_FILE)
        return read_network(folder), history, QuantizedStudent((folder / LITERT_FILE).read_bytes(), report)

    def copy(self, result: TrialResult, student_name: str, artifact: Artifact) -> None:
        """Writes a trial as an artifact.

        Args:
          result: Of the trial.
          student_name: Of the student that was compressed.
          artifact: A SearchTrial.
        """
        shutil.copytree(self._of(result.number), artifact.uri, dirs_exist_ok=True)
        artifact.student = student_name
        artifact.method = result.settings.method.value
        artifact.sparsity_ratio = result.settings.sparsity_ratio
        artifact.layer_sparsity_ratios = json.dumps(dict(result.settings.layer_sparsity_ratios))
        artifact.recipe = result.settings.recipe.value
        artifact.accuracy = result.top_1
        artifact.size = result.size or 0
        artifact.stopped = result.stopped or ""

    def _of(self, number: int) -> Path:
        return self._folder / f"{number:03}"
