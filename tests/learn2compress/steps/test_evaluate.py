from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from learn2compress.config import EvaluateConfig, TaskConfig
from learn2compress.data.completeness import RecordsLostError
from learn2compress.quantization.convert import to_float_litert
from learn2compress.steps.evaluate import PredictionWork, predict_split, student_settings, teacher_settings
from learn2compress.steps.examples_folder import ExamplesFolder
from learn2compress.steps.student_folder import write_student_folder


@pytest.fixture
def work(student: Any, examples: ExamplesFolder, tmp_path: Path) -> PredictionWork:
    write_student_folder(tmp_path, student, ())
    (tmp_path / "small.tflite").write_bytes(to_float_litert(student).pack())
    settings = student_settings(EvaluateConfig(), 10)
    return PredictionWork(
        tmp_path / "small.tflite", TaskConfig(), settings, examples.path, examples.num_held_out, student=tmp_path
    )


def test_a_float_file_predicts_what_its_network_does(work: PredictionWork) -> None:
    predictions = predict_split(work)
    assert len(predictions.labels) == 256
    np.testing.assert_array_equal(predictions.predicted, predictions.reference)


def test_examples_that_are_missing_are_found(work: PredictionWork) -> None:
    with pytest.raises(RecordsLostError, match="predictions of the held_out split"):
        predict_split(dataclasses.replace(work, num_examples=257))


def test_the_teacher_takes_bytes_as_they_are() -> None:
    settings = teacher_settings(EvaluateConfig(), 10, gives_logits=True)
    assert (settings.input_scale, settings.gives_logits) == (1.0, True)
    assert student_settings(EvaluateConfig(), 10).input_scale == pytest.approx(1 / 255)
