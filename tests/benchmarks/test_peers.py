"""What `peers.py` makes of what its recipes answer: which file is kept, what a row says, what a file sees.

Files are real ones, and tiny.
"""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from learn2compress.config import CompressionConfig, Optimizer, StudentConfig, TeacherConfig, TrainingConfig
from learn2compress.quantization.choice_sample import TrainingSample
from learn2compress.training.plan import cosine_share
from learn2compress.training.sgd import Sgd


@pytest.fixture(autouse=True)
def _importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(Path(__file__).parent)


def file_of(weight: float, **settings: Any) -> bytes:
    """A file of two scores for one pixel: the pixel times a weight, and its opposite."""
    spec = tf.TensorSpec([1, 1, 1, 1], tf.float32)
    kernel = tf.constant([[weight, -weight]])
    function = tf.function(lambda x: tf.reshape(x, [-1, 1]) @ kernel, input_signature=[spec])
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function.get_concrete_function()])
    for name, value in settings.items():
        setattr(converter, name, value)
    return bytes(converter.convert())


def test_a_peer_keeps_the_file_that_is_better_on_the_examples_kept_back(tmp_path: Path) -> None:
    answer = importlib.import_module("peer_recipes.answer")
    trials = []
    for learning_rate, seconds, weight in ((0.003, 5.0, -1.0), (0.001, 7.0, 1.0)):
        trial = answer.Trial(learning_rate, answer.Stopwatch("fit"), {"fit": file_of(weight)})
        trial.stopwatch.add("fit", {"train": seconds})
        trials.append(trial)
    # Class 0 throughout among those kept back, class 1 among the others, which must not decide.
    sample = TrainingSample(np.full((200, 1, 1, 1), 9, np.uint8), np.repeat([0, 1], [60, 140]), 60)
    made = answer.Answer(tmp_path, answer.Stopwatch("fit"), 23)
    made.add_better("small", trials, sample)
    made.write()
    found = json.loads((tmp_path / answer.ANSWER_FILE).read_text())
    assert found == {"fit": {"seconds": {"train": 7.0}, "epochs": 23, "learning_rates": {"small": 0.001}}}
    assert (tmp_path / "fit" / "small.tflite").read_bytes() == trials[1].files["fit"]


def weights_after(tmp_path: Path, epochs: int, gradient: float, weight_decay: float) -> tuple[float, float]:
    """The weight 1 after epochs of 6 steps by a peer's SGD, and by ours with the same learning rates."""
    training = TrainingConfig(
        optimizer=Optimizer.SGD, learning_rate=0.05, batch_size=16, weight_decay=weight_decay, warmup_ratio=0.0
    )
    config = CompressionConfig("digits", TeacherConfig("teacher.keras"), (StudentConfig("small"),), training=training)
    prepared = importlib.import_module("prepared").prepare_examples(config, tmp_path, 96)
    request = importlib.import_module("peer_recipes.request").Request(
        config, "", prepared, 1, 1, 1, 1, (1.0,), tmp_path
    )
    theirs, ours = (keras.Variable(np.ones((1, 1), np.float32), name="kernel") for _ in range(2))
    peer = request.training_optimizer(keras, epochs, training.learning_rate)
    product = Sgd([ours], training.learning_rate, momentum=training.momentum, weight_decay=weight_decay)
    steps = request.num_steps(epochs)
    for step in range(steps):
        peer.apply([tf.fill([1, 1], gradient)], [theirs])
        product.learning_rate.assign(training.learning_rate * cosine_share(step, steps, 0.0))
        product.apply([tf.fill([1, 1], gradient)], [ours])
    return float(theirs.numpy()[0, 0]), float(ours.numpy()[0, 0])


@pytest.mark.parametrize(("gradient", "weight_decay"), [(0.5, 0.0), (0.0, 0.02)], ids=["gradient", "decay"])
def test_a_peer_moves_weights_by_sgd_as_ours_does(tmp_path: Path, gradient: float, weight_decay: float) -> None:
    theirs, ours = weights_after(tmp_path, 60, gradient, weight_decay)
    assert ours < 0.2
    assert theirs == pytest.approx(ours, rel=0.1)  # Keras sums up moves where ours sums up gradients


def test_a_row_says_mean_and_spread_and_whether_files_were_given() -> None:
    peer_figures = importlib.import_module("peer_figures")
    figures = {
        "seeds": [1, 2],
        "num_train": 100,
        "num_kept_back": 5,
        "epochs": {"ours": 23},
        "seconds_total": {"ours": peer_figures.spread([10.0, 20.0])},
        "accuracy": {"ours": {"small": peer_figures.spread([0.7, 0.72])}},
        "bytes": {"ours": {"small": 2000}},
        "latency_ms": {"ours": {"small": 0.5}},
        "published": {
            "mlperf_tiny_resnet8": {"accuracy": 0.5, "model_bytes": 1000, "macs": 9, "latency_ms": {"small": 0.25}},
            "mlperf_tiny_ic02": "the files were not given",
        },
    }
    lines = peer_figures.table(figures, ["small"]).splitlines()
    assert lines[0].startswith("mean (smallest to largest) of 2 seeds")
    rows = [line.split(" | ") for line in lines[-3:]]
    assert rows[0][1:] == ["23", "15 (10 to 20)", "71.00 (70.00 to 72.00), 2.0, 0.500 |"]
    assert rows[1][-1] == "50.00, 1.0, 0.250 |"
    assert rows[2][2] == "the files were not given"


def test_a_published_file_sees_pixels_shifted_to_int8() -> None:
    mlperf_tiny = importlib.import_module("mlperf_tiny")
    pixels = np.array([[0.0], [255.0]], np.float32)
    settings = {
        "optimizations": [tf.lite.Optimize.DEFAULT],
        "representative_dataset": lambda: ([pixel.reshape(1, 1, 1, 1)] for pixel in pixels),
        "inference_input_type": tf.int8,
        "inference_output_type": tf.int8,
    }
    kernel, shift = tf.constant([[1.0, 0.0]]), tf.constant([0.0, 127.0])
    spec = tf.TensorSpec([1, 1, 1, 1], tf.float32)
    function = tf.function(lambda x: tf.reshape(x, [-1, 1]) @ kernel + shift, input_signature=[spec])
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function.get_concrete_function()])
    for name, value in settings.items():
        setattr(converter, name, value)
    inputs = np.array([0, 100, 150, 255], np.uint8).reshape(-1, 1, 1, 1)
    assert mlperf_tiny.top_1_classes(bytes(converter.convert()), inputs, "a.tflite").tolist() == [1, 1, 0, 0]
    with pytest.raises(ValueError, match=r"--mlperf-tiny: found b.tflite with input float32"):
        mlperf_tiny.top_1_classes(file_of(1.0), inputs, "b.tflite")


def test_why_published_files_cannot_be_measured(tmp_path: Path) -> None:
    mlperf_tiny = importlib.import_module("mlperf_tiny")
    arguments = mlperf_tiny.INPUT_SHAPE, mlperf_tiny.CLASS_NAMES
    assert "found no pretrainedResnet_quant.tflite" in mlperf_tiny.problem(tmp_path, *arguments)
    for name in mlperf_tiny.FILES.values():
        (tmp_path / name).touch()
    assert mlperf_tiny.problem(tmp_path, *arguments) is None
    assert "accepted is CIFAR-10" in mlperf_tiny.problem(tmp_path, (28, 28, 1), mlperf_tiny.CLASS_NAMES)


def test_the_gap_of_joint_training_is_that_of_each_seed() -> None:
    joint = importlib.import_module("joint_training")
    runs = [joint.Contest({}, {"joint": {"a": x}, "a": {"a": y}}) for x, y in ((0.70, 0.71), (0.74, 0.71))]
    gap = joint.accuracy_gap_points(runs, ["a"])
    assert gap == {"a": {"mean": 1.0, "min": -1.0, "max": 3.0}}
    accuracy = {"mean": 0.72, "min": 0.7, "max": 0.74}
    figures = {"seeds": 2, "accuracy_joint": {"a": accuracy}, "accuracy_alone": {"a": accuracy}}
    table = joint.accuracy_table(figures | {"accuracy_gap_points": gap})
    assert table.splitlines()[-1] == "| a | 72.0 (70.0 to 74.0) | 72.0 (70.0 to 74.0) | +1.0 (-1.0 to +3.0) |"
