"""The sample that ships beside each file runs as its user runs it: a process of its own, in a folder of its own."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from learn2compress.config import DataConfig, ExifOrientation, ResizeAspect, ResizeConfig, TaskConfig, TaskKind
from learn2compress.data.decode import image_input
from learn2compress.data.image_files import image_files
from learn2compress.data.text_features import text_input
from learn2compress.data.text_files import text_files
from learn2compress.litert.accuracy import accuracy_of
from learn2compress.litert.border import add_byte_border
from learn2compress.litert.interpreter import predict
from learn2compress.litert.metadata import with_metadata
from learn2compress.litert.predictions import PredictionSettings, predictions_from_scores
from learn2compress.litert.rewrite import UnpackedModel
from learn2compress.release import classify as sample_classifier

LABELS = ("temple", "blue sky", "Blüte", "葉")


def ship(folder: Path, model: bytes, task: TaskConfig, data: DataConfig | None = None) -> bytes:
    """Puts a file and the sample into a folder, as a push does; returns the file."""
    described = with_metadata(model, name="n", description="d", version="1", labels=LABELS, task=task)
    (folder / "small.tflite").write_bytes(described)
    (folder / "classify.py").write_text(inspect.getsource(sample_classifier), encoding="utf-8")
    beside = text_files(task) if task.kind is TaskKind.TEXT else image_files(data or DataConfig())
    for name, content in beside.items():
        (folder / name).write_bytes(content)
    return described


def run(folder: Path, *arguments: str) -> list[str]:
    command = [sys.executable, str(folder / "classify.py"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=folder)
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    "data",
    [
        DataConfig(),
        DataConfig(resize=ResizeConfig(ResizeAspect.CROP, antialias=False), exif=ExifOrientation.IGNORE),
        DataConfig(resize=ResizeConfig(ResizeAspect.PAD)),
    ],
    ids=["default", "crop", "pad"],
)
def test_scores_of_images_are_evaluates_bit_for_bit(models: Any, tmp_path: Path, data: DataConfig) -> None:
    model = ship(tmp_path, models.int8, TaskConfig(input_shape=(8, 8, 3)), data)
    images = models.x[::60]
    names = [f"{index}.png" for index in range(len(images))]
    for name, image in zip(names, images, strict=True):
        Image.fromarray(image).save(tmp_path / name)
    large = np.random.default_rng(0).integers(0, 256, (20, 30), dtype=np.uint8)
    Image.fromarray(large).save(tmp_path / "large.png")  # grey, and of another size
    exif = Image.Exif()
    exif[0x0112] = 6  # on its side
    Image.fromarray(large).save(tmp_path / "turned.jpg", exif=exif.tobytes())
    resizing = data if data.resize else DataConfig(resize=ResizeConfig())
    made = [
        image_input((tmp_path / name).read_bytes(), (8, 8, 3), resizing).pixels for name in ("large.png", "turned.jpg")
    ]
    assert not np.array_equal(*made)

    answers = [json.loads(line) for line in run(tmp_path, "--all", *names, "large.png", "turned.jpg")]

    assert [answer["example"] for answer in answers] == [*names, "large.png", "turned.jpg"]
    assert all(tuple(answer["scores"]) == LABELS for answer in answers)
    found = np.array([list(answer["scores"].values()) for answer in answers], np.float32)
    np.testing.assert_array_equal(found, predict(model, np.concatenate([images, np.stack(made)])))


def test_the_most_likely_classes_are_told_in_words(models: Any, tmp_path: Path) -> None:
    model = ship(tmp_path, models.int8, TaskConfig(input_shape=(8, 8, 3)))
    Image.fromarray(models.x[0]).save(tmp_path / "a.png")
    best = LABELS[predict(model, models.x[:1])[0].argmax()]

    (line,) = run(tmp_path, "a.png")

    assert line.startswith(f"a.png: {best} 0.")


def test_scores_of_texts_are_evaluates_bit_for_bit(convert_function: Callable[..., bytes], tmp_path: Path) -> None:
    import tensorflow as tf

    kernel = np.random.default_rng(2).normal(size=(64, 4)).astype(np.float32)
    task = TaskConfig(TaskKind.TEXT, (64,))
    network = convert_function(lambda x: tf.nn.softmax(tf.matmul(x, kernel)), (1, 64), tf.float32)
    bordered = UnpackedModel(network)
    add_byte_border(bordered)
    model = ship(tmp_path, bordered.pack(), task)
    texts = ["play some jazz", "Okay. Well, isn't that what you-all meant?!"]

    answers = [json.loads(line) for line in run(tmp_path, "--text", "--all", *texts)]

    expected = predict(model, np.stack([text_input(text, task) for text in texts]), batch_size=1)
    found = np.array([list(answer["scores"].values()) for answer in answers], np.float32)
    np.testing.assert_array_equal(found, expected)


def test_of_equal_scores_the_first_class_is_named_first_as_in_the_report(
    convert_function: Callable[..., bytes], tmp_path: Path
) -> None:
    import tensorflow as tf

    # The second and the fourth class have the same kernel, so the same score for every image; the first has less.
    kernel = np.zeros((12, 4), np.float32)
    kernel[:, (1, 3)] = 1.0
    network = convert_function(lambda x: tf.nn.softmax(tf.reshape(x, (1, 12)) @ kernel), (1, 2, 2, 3), tf.float32)
    bordered = UnpackedModel(network)
    add_byte_border(bordered)
    model = ship(tmp_path, bordered.pack(), TaskConfig(input_shape=(2, 2, 3)))
    image = np.full((2, 2, 3), 200, np.uint8)
    Image.fromarray(image).save(tmp_path / "tie.png")
    scores = predict(model, image[None])
    assert scores[0, 1] == scores[0, 3] == scores.max()

    (line,) = run(tmp_path, "tie.png")

    named = [part.rsplit(" ", 1)[0] for part in line.removeprefix("tie.png: ").split(", ")]
    assert named == ["blue sky", "葉", "temple"]
    predictions = predictions_from_scores(scores, np.array([1]), PredictionSettings(4, 2))
    report = accuracy_of(predictions, LABELS, 2)
    assert LABELS[predictions.predicted[0]] == named[0]
    assert report.confusion_matrix[1] == (0, 1, 0, 0)
    # The other one of the two is second, and no more than that: top-k breaks ties the same way.
    in_top = [predictions_from_scores(scores, np.array([3]), PredictionSettings(4, k)).in_top_k[0] for k in (1, 2)]
    assert in_top == [False, True]


@pytest.mark.parametrize("package", ["learn2compress", "tensorflow", "keras"])
def test_the_sample_needs_none_of_ours(package: str) -> None:
    assert package not in inspect.getsource(sample_classifier)
