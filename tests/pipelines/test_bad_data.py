"""Damaged data through the whole command: one line that names the file or the class, and nothing pushed."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from PIL import Image

pytestmark = pytest.mark.end_to_end

Finished = dict[str, tuple[Any, subprocess.CompletedProcess[str]]]


def write_images(folder: Path) -> None:
    """Twelve random images of each of two classes."""
    pixels = np.random.default_rng(3).integers(0, 256, (2, 12, 8, 8)).astype(np.uint8)
    for name, images in zip(("cat", "dog"), pixels, strict=True):
        (folder / name).mkdir(parents=True)
        for index, image in enumerate(images):
            Image.fromarray(image).save(folder / name / f"{index:02}.png")


def make_truncated_image(folder: Path) -> dict[str, str]:
    write_images(folder)
    path = folder / "dog" / "07.png"
    path.write_bytes(path.read_bytes()[:60])
    return {"format": "image_folder", "uri": str(folder)}


def make_empty_class(folder: Path) -> dict[str, str]:
    write_images(folder)
    (folder / "zebra").mkdir()
    return {"format": "image_folder", "uri": str(folder)}


def make_corrupted_tfrecord(folder: Path) -> dict[str, str]:
    import tensorflow as tf

    write_images(folder / "images")
    path = folder / "train.tfrecord"
    with tf.io.TFRecordWriter(str(path)) as writer:
        for image in sorted((folder / "images").glob("*/*.png")):
            content = tf.train.BytesList(value=[image.read_bytes()])
            label = tf.train.Int64List(value=[int(image.parent.name == "dog")])
            features = {"image": tf.train.Feature(bytes_list=content), "label": tf.train.Feature(int64_list=label)}
            writer.write(tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString())
    content = bytearray(path.read_bytes())
    pixel = content.index(b"IDAT", len(content) // 2)  # inside a record, whose checksum then fails
    content[pixel] ^= 0xFF
    path.write_bytes(content)
    return {"format": "tfrecord", "uri": str(path)}


CASES: dict[str, tuple[Callable[[Path], dict[str, str]], str, dict[str, str]]] = {
    "truncated image": (make_truncated_image, "dog/07.png: ", {"Ingest": "failed"}),
    # A listing tells it, so no step begins.
    "empty class": (make_empty_class, "class 'zebra' is empty", {}),
    "corrupted TFRecord": (
        make_corrupted_tfrecord,
        "train.tfrecord: found a corrupted record after 1",
        {"Ingest": "failed"},
    ),
}


@pytest.fixture(scope="module")
def finished(run_folder: Any, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """Runs of all cases, side by side."""
    started = {}
    teacher = tmp_path_factory.mktemp("teacher") / "two_classes.keras"
    layers = [keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(2)]
    keras.Sequential(layers).save(teacher)
    for case, (make, *_) in CASES.items():
        folder = run_folder(tmp_path_factory.mktemp("bad"))
        folder.write(teacher={"uri": str(teacher)}, data=make(folder.folder / "data"))
        started[case] = (folder, folder.start())
    ended = {}
    for case, (folder, process) in started.items():
        output, errors = process.communicate()
        ended[case] = (folder, subprocess.CompletedProcess(process.args, process.returncode, output, errors))
    return ended


@pytest.mark.parametrize("case", CASES)
def test_damaged_data_are_named_and_nothing_is_pushed(
    finished: Finished, refused: Callable[[subprocess.CompletedProcess[str]], str], case: str
) -> None:
    folder, process = finished[case]
    _, message, states = CASES[case]
    assert message in refused(process)
    assert (folder.last_states() if states else {}) == states
    assert not folder.versions.exists()
