from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from learn2compress.config import Corruption
from learn2compress.config.parsing import ConfigError
from learn2compress.data.corruptions import corrupted
from learn2compress.litert.interpreter import Scorer, predict
from learn2compress.litert.predictions import (
    HeldOutBatch,
    Predictions,
    PredictionSettings,
    batch_size_for,
    predict_examples,
)

SETTINGS = PredictionSettings(4, 2, slice_by="{slice}/*", corruptions=(Corruption.GAUSSIAN_NOISE, Corruption.CONTRAST))


def batches(x: Any, labels: Any, size: int) -> Iterator[HeldOutBatch]:
    for start in range(0, len(x), size):
        rows = slice(start, start + size)
        sources = [f"{'night' if i % 3 else 'day'}/{i}.png" for i in range(start, min(start + size, len(x)))]
        yield x[rows], labels[rows], sources, [hashlib.sha256(row.tobytes()).hexdigest() for row in x[rows]]


def predictions_of(models: Any, size: int, count: int = 90) -> Predictions:
    x, labels = models.x[:count], models.keras_scores[:count].argmax(axis=1)

    def reference(inputs: Any) -> Any:
        return predict(models.float32, inputs)

    return predict_examples(Scorer(models.int8, x.shape[1:]), batches(x, labels, size), count, SETTINGS, reference)


def same(one: Predictions, other: Predictions) -> bool:
    names = [field.name for field in dataclasses.fields(Predictions)]
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in names)


def test_predictions_are_what_the_file_scores(models: Any) -> None:
    found, scores = predictions_of(models, 32), predict(models.int8, models.x[:90])

    np.testing.assert_array_equal(found.predicted, scores.argmax(axis=1))
    np.testing.assert_array_equal(found.confidence, scores.max(axis=1))
    np.testing.assert_array_equal(found.correct, found.predicted == found.labels)
    np.testing.assert_array_equal(found.reference, found.labels)  # the labels are the float model's predictions
    assert list(found.slices[:4]) == ["day", "night", "night", "day"]


def test_corrupted_images_are_predicted_too(models: Any) -> None:
    found = predictions_of(models, 90)
    digests = [hashlib.sha256(row.tobytes()).hexdigest() for row in models.x[:90]]

    noisy = corrupted(models.x[:90], digests, Corruption.GAUSSIAN_NOISE, 5)

    assert found.corrupted_correct.shape == (90, 6)
    expected = predict(models.int8, noisy).argmax(axis=1) == found.labels
    np.testing.assert_array_equal(found.corrupted_correct[:, 2], expected)


def test_parts_put_together_are_the_whole(models: Any, tmp_path: Path) -> None:
    whole = predictions_of(models, 90)
    assert same(whole, predictions_of(models, 7))

    names = [field.name for field in dataclasses.fields(Predictions)]
    rows = (slice(0, 50), slice(50, 90))
    parts = [Predictions(**{name: getattr(whole, name)[row] for name in names}) for row in rows]
    for index, part in enumerate(parts):
        part.save(tmp_path / f"{index}.npz")
    assert same(whole, Predictions.concatenate([Predictions.load(tmp_path / f"{index}.npz") for index in range(2)]))


def test_no_example_is_refused(models: Any) -> None:
    with pytest.raises(ConfigError, match="examples: found none, accepted is at least one"):
        predict_examples(Scorer(models.int8, (8, 8, 3)), iter(()), 0, SETTINGS)


def test_a_batch_of_large_images_is_small() -> None:
    assert batch_size_for((8, 8, 1)) == 64
    assert batch_size_for((96, 96, 3)) == 9
    assert batch_size_for((4096, 4096, 3)) == 1
