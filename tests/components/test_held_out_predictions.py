"""A real file on real shards: run by Beam, shard by shard, and in one piece."""

from __future__ import annotations

import dataclasses
import pickle
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from components.held_out_predictions import predict_held_out
from learn2compress.config import Corruption, TaskConfig
from learn2compress.config.parsing import ConfigError
from learn2compress.data.completeness import RecordsLostError
from learn2compress.data.examples import encode_example, shard_path, write_shard
from learn2compress.litert.predictions import Predictions, PredictionSettings
from learn2compress.steps.evaluate import PredictionWork

NUM_EXAMPLES = 300


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same digits as one shard and as three, a network, and the file made from it."""
    from sklearn.datasets import load_digits

    root = tmp_path_factory.mktemp("predictions")
    digits = load_digits()
    pixels, labels = (digits.images * 255 / 16).astype(np.uint8)[:NUM_EXAMPLES], digits.target[:NUM_EXAMPLES]
    for count in (1, 3):
        for shard, rows in enumerate(np.array_split(np.arange(NUM_EXAMPLES), count)):
            path = shard_path(root / f"in_{count}" / "held_out", shard, count)
            sources = [f"{'even' if i % 2 == 0 else 'odd'}/{i}.png" for i in range(NUM_EXAMPLES)]
            write_shard(
                path, [encode_example(pixels[i].tobytes(), int(labels[i]), f"{i:064x}", sources[i]) for i in rows]
            )
    network = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(10, "softmax")])
    network.save(root / "model.keras")
    (root / "model.tflite").write_bytes(tf.lite.TFLiteConverter.from_keras_model(network).convert())
    return root


def work_on(folder: Path, num_shards: int, **changes: Any) -> PredictionWork:
    settings = PredictionSettings(10, 3, slice_by="{slice}/*", corruptions=(Corruption.IMPULSE_NOISE,))
    work = PredictionWork(
        folder / "model.tflite", TaskConfig(), settings, folder / f"in_{num_shards}", NUM_EXAMPLES, folder
    )
    return dataclasses.replace(work, **changes)


@pytest.mark.parametrize("num_workers", [1, 2])
def test_predictions_of_beams_workers_are_those_of_one_piece(folder: Path, tmp_path: Path, num_workers: int) -> None:
    options = ["--runner=DirectRunner", f"--direct_num_workers={num_workers}"]
    whole = predict_held_out(work_on(folder, 1), tmp_path, options)
    merged = predict_held_out(work_on(folder, 3), tmp_path, options, large_split=NUM_EXAMPLES)

    for field in dataclasses.fields(Predictions):
        np.testing.assert_array_equal(getattr(merged, field.name), getattr(whole, field.name))
    assert len(whole.labels) == NUM_EXAMPLES
    assert whole.corrupted_correct.shape == (NUM_EXAMPLES, 3)
    assert list(whole.slices[:2]) == ["even", "odd"]
    np.testing.assert_array_equal(whole.reference, whole.predicted)  # the float file and the network it came from
    assert list(tmp_path.iterdir()) == []


def test_a_small_split_is_run_in_one_piece_whatever_its_shards(folder: Path, tmp_path: Path) -> None:
    one, three = (predict_held_out(work_on(folder, count), tmp_path, ["--no-such-option=1"]) for count in (1, 3))

    np.testing.assert_array_equal(one.confidence, three.confidence)


def test_what_a_worker_finds_wrong_is_one_clear_line(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.tflite").write_bytes(b"garbage" * 50)
    broken = work_on(folder, 3, model_path=tmp_path / "bad.tflite")
    with pytest.raises(ConfigError, match="model: does not run: ") as error:
        predict_held_out(broken, tmp_path, [], large_split=NUM_EXAMPLES)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("large_split", [NUM_EXAMPLES, 10 * NUM_EXAMPLES])
def test_an_example_without_a_prediction_is_one_clear_line(folder: Path, tmp_path: Path, large_split: int) -> None:
    more = work_on(folder, 3, num_examples=NUM_EXAMPLES + 1)
    with pytest.raises(RecordsLostError, match=r"^predictions of the held_out split: there are 301 records, and 300 a"):
        predict_held_out(more, tmp_path, ["--runner=DirectRunner"], large_split)
    assert list(tmp_path.iterdir()) == []


def test_the_work_is_small_on_the_wire(folder: Path) -> None:
    assert len(pickle.dumps(work_on(folder, 3))) < 2000
