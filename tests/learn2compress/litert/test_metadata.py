from __future__ import annotations

import io
import subprocess
import sys
import zipfile
from collections.abc import Callable
from ctypes.util import find_library
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from learn2compress.config import TaskConfig, TaskKind
from learn2compress.config.parsing import ConfigError
from learn2compress.litert.flatbuffer import ModelFileError
from learn2compress.litert.interpreter import predict
from learn2compress.litert.metadata import ModelMetadata, read_metadata, with_metadata
from learn2compress.litert.operators import model_cost

MEDIAPIPE_LIBRARIES = ("EGL", "GLESv2")
runs_mediapipe = pytest.mark.skipif(
    not all(find_library(name) for name in MEDIAPIPE_LIBRARIES),
    reason="MediaPipe's own runtime needs libEGL and libGLESv2: apt-get install libegl1 libgles2",
)
LABELS = ("temple", "blue sky", "Blüte", "葉")
RGB = TaskConfig(input_shape=(8, 8, 3))


def described(model_bytes: bytes, **changes: Any) -> bytes:
    arguments = {"name": "small", "description": "A student.", "version": "3", "labels": LABELS, "task": RGB}
    return with_metadata(model_bytes, **(arguments | changes))  # type: ignore[arg-type]


def test_what_is_written_is_read(models: Any) -> None:
    assert read_metadata(described(models.int8)) == ModelMetadata(
        name="small",
        description="A student.",
        version="3",
        labels=LABELS,
        color_space="RGB",
        normalization_mean=0.0,
        normalization_std=255.0,
    )
    owned = read_metadata(described(models.int8, author="vision@example.org", license="Apache-2.0"))
    assert (owned.author, owned.license) == ("vision@example.org", "Apache-2.0")


@pytest.mark.parametrize("kind", ["float32", "int8"])
def test_the_model_computes_what_it_computed(models: Any, kind: str) -> None:
    before = getattr(models, kind)
    after = described(before)

    np.testing.assert_array_equal(predict(after, models.x), predict(before, models.x))
    assert model_cost(after) == model_cost(before)


def test_equal_input_gives_equal_bytes_and_a_second_writing_replaces_the_first(models: Any) -> None:
    once = described(models.int8)

    assert described(models.int8) == once
    assert described(once) == once
    renamed = described(once, name="other", labels=("w", "x", "y", "z"))
    assert read_metadata(renamed).name == "other"
    assert read_metadata(renamed).labels == ("w", "x", "y", "z")
    assert renamed == described(models.int8, name="other", labels=("w", "x", "y", "z"))


def test_tensor_content_is_aligned_to_16_bytes(models: Any) -> None:
    packed = described(models.int8)
    start = np.frombuffer(packed, np.uint8).ctypes.data
    model = schema.Model.GetRootAsModel(packed, 0)
    buffers = [model.Buffers(i) for i in range(model.BuffersLength())]

    offsets = [buffer.DataAsNumpy().ctypes.data - start for buffer in buffers if buffer.DataLength()]

    assert len(offsets) > 5
    assert [offset % 16 for offset in offsets] == [0] * len(offsets)


def test_labels_are_a_stored_zip_entry_with_a_fixed_date(models: Any) -> None:
    with zipfile.ZipFile(io.BytesIO(described(models.int8))) as archive:
        (entry,) = archive.infolist()
        assert archive.testzip() is None
        assert archive.read("labels.txt").decode() == "temple\nblue sky\nBlüte\n葉\n"
    assert entry.compress_type == zipfile.ZIP_STORED
    assert entry.date_time == (1980, 1, 1, 0, 0, 0)


@runs_mediapipe
def test_mediapipe_classifies_with_our_labels_and_our_scores(models: Any, write: Callable[..., Any]) -> None:
    import mediapipe
    from mediapipe.tasks.python import BaseOptions, vision

    described_model = described(models.int8)
    ours = predict(described_model, models.x)
    examples = [int(np.flatnonzero(ours.argmax(axis=1) == index)[0]) for index in range(4)]  # one of each class
    options = vision.ImageClassifierOptions(
        base_options=BaseOptions(model_asset_path=str(write("model.tflite", described_model)))
    )
    with vision.ImageClassifier.create_from_options(options) as classifier:
        for index, example in enumerate(examples):
            image = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=models.x[example])
            categories = classifier.classify(image).classifications[0].categories
            assert categories[0].category_name == LABELS[index]
            scores = {category.category_name: category.score for category in categories}
            assert [scores[label] for label in LABELS] == pytest.approx(ours[example].tolist())


@runs_mediapipe
def test_mediapipe_takes_a_float_model_with_the_same_normalization(models: Any, write: Callable[..., Any]) -> None:
    import mediapipe
    from mediapipe.tasks.python import BaseOptions, vision

    path = write("model.tflite", described(models.float32))
    ours = predict(models.float32, models.x[:1])[0]
    options = vision.ImageClassifierOptions(base_options=BaseOptions(model_asset_path=str(path)))
    with vision.ImageClassifier.create_from_options(options) as classifier:
        image = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=models.x[0])
        categories = classifier.classify(image).classifications[0].categories
    assert {c.category_name: c.score for c in categories} == pytest.approx(
        dict(zip(LABELS, ours, strict=True)), abs=1e-3
    )


@runs_mediapipe
def test_one_channel_says_grayscale_which_mediapipe_refuses(
    convert_function: Callable[..., bytes], write: Callable[..., Any]
) -> None:
    import tensorflow as tf
    from mediapipe.tasks.python import BaseOptions, vision

    kernel = np.random.default_rng(0).uniform(-1, 1, (64, 4)).astype(np.float32)
    model = convert_function(lambda x: tf.nn.softmax(tf.reshape(x, (1, 64)) @ kernel), (1, 8, 8, 1), tf.float32)

    gray = described(model, task=TaskConfig(input_shape=(8, 8, 1)))

    assert read_metadata(gray).color_space == "GRAYSCALE"
    options = vision.ImageClassifierOptions(base_options=BaseOptions(model_asset_path=str(write("gray.tflite", gray))))
    with pytest.raises(ValueError, match="Only RGB color space is supported"):
        vision.ImageClassifier.create_from_options(options)


def test_text_features_are_no_image(convert_function: Callable[..., bytes]) -> None:
    import tensorflow as tf

    kernel = np.random.default_rng(0).uniform(-1, 1, (64, 4)).astype(np.float32)
    model = convert_function(lambda x: tf.nn.softmax(x @ kernel), (1, 64), tf.float32)

    text = described(model, task=TaskConfig(kind=TaskKind.TEXT, input_shape=(64,)))

    metadata = read_metadata(text)
    assert metadata.color_space is None
    assert (metadata.labels, metadata.normalization_std) == (LABELS, 255.0)


def test_what_does_not_fit_is_named(models: Any) -> None:
    with pytest.raises(ConfigError, match="labels: found 3, accepted are 4"):
        described(models.int8, labels=LABELS[:3])
    with pytest.raises(ConfigError, match=r"labels\.1: found 'two\\nlines'"):
        described(models.int8, labels=("a", "two\nlines", "c", "d"))
    with pytest.raises(ConfigError, match=r"labels\.3: found ' '"):
        described(models.int8, labels=("a", "b", "c", " "))
    with pytest.raises(ConfigError, match=r"task\.input_shape: found \[8, 8, 1\], accepted is \[8, 8, 3\]"):
        described(models.int8, task=TaskConfig(input_shape=(8, 8, 1)))
    with pytest.raises(ModelFileError, match=r"accepted is a \.tflite file"):
        described(b"garbage" * 10)
    with pytest.raises(ModelFileError, match="found no TFLITE_METADATA"):
        read_metadata(models.int8)


def test_damaged_metadata_is_refused_in_one_line(models: Any) -> None:
    whole = described(models.int8)
    with pytest.raises(ModelFileError, match=r"labels\.txt in it can't be read"):
        read_metadata(whole[:-30])
    random = np.random.default_rng(0)
    messages = []
    for _ in range(300):
        damaged = bytearray(whole)
        for position in random.integers(0, len(damaged), 3):
            damaged[position] = random.choice([0, 1, 127, 128, 255])
        try:
            read_metadata(bytes(damaged))
        except ModelFileError as error:
            messages.append(str(error))
    assert messages
    assert not any("\n" in message for message in messages)


def test_reading_and_writing_import_neither_mediapipe_nor_tensorflow() -> None:
    code = (
        "import sys, learn2compress.litert.measure, learn2compress.litert.worker\n"
        "import learn2compress.litert.metadata\n"
        "heavy = {'mediapipe', 'tensorflow', 'keras', 'cv2'}\n"
        "print(sorted({name.partition('.')[0] for name in sys.modules} & heavy))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
