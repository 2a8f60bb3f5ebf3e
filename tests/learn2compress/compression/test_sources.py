from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from learn2compress.compression.pixels import BYTES, UNIT
from learn2compress.compression.sources import examples_of, images_of, memory_plan, memory_settings
from learn2compress.config import DataConfig, TaskConfig, TaskKind
from learn2compress.config.parsing import ConfigError
from learn2compress.data.records import Split

IMAGES = np.arange(5 * 4 * 4 * 3, dtype=np.uint8).reshape(5, 4, 4, 3)
LABELS = [0, 1, 2, 0, 1]
SHAPE = (4, 4, 3)


def records(data: Any, shape: tuple[int, ...] | None = SHAPE) -> list[tuple[Any, Any]]:
    return [(record.label, record.payload) for record in examples_of(data, "train", shape).read()]


def assert_same(found: list[tuple[Any, Any]], images: Any = IMAGES) -> None:
    assert [label for label, _ in found] == LABELS
    np.testing.assert_array_equal(np.stack([image for _, image in found]), images)


def test_arrays_of_any_range_are_the_same_bytes() -> None:
    assert_same(records((IMAGES, LABELS)))
    assert_same(records((IMAGES / 255, np.array(LABELS))))
    assert examples_of((IMAGES / 255, LABELS), "train", SHAPE).pixels == UNIT
    assert_same(records((IMAGES[..., :1], LABELS)), IMAGES[..., :1])
    assert_same(records((IMAGES[..., 0], LABELS)), IMAGES[..., :1])


@pytest.mark.parametrize("batch_size", [None, 2])
@pytest.mark.parametrize("one_hot", [False, True])
def test_a_data_set_is_the_same_batched_or_not(batch_size: int | None, one_hot: bool) -> None:
    import tensorflow as tf

    labels = np.eye(3, dtype=np.float32)[LABELS] if one_hot else np.array(LABELS)
    data = tf.data.Dataset.from_tensor_slices((IMAGES, labels))
    data = data if batch_size is None else data.batch(batch_size)
    assert_same(records(data))
    assert examples_of(data, "train", SHAPE).pixels == BYTES
    assert_same(records(data, None))


def test_a_data_set_of_grey_images_without_channels() -> None:
    import tensorflow as tf

    data = tf.data.Dataset.from_tensor_slices((IMAGES[..., 0], LABELS))
    assert_same(records(data, (4, 4, 1)), IMAGES[..., :1])
    assert_same(records(data.batch(2), (4, 4, 1)), IMAGES[..., :1])


def test_texts_in_each_form() -> None:
    import tensorflow as tf

    texts, labels = ["play jazz", "rain?"], ["music", "weather"]
    expected = [("music", "play jazz"), ("weather", "rain?")]
    assert records((texts, labels)) == expected
    assert records((np.array(texts), np.array(labels))) == expected
    assert records(list(zip(texts, labels, strict=True))) == expected
    data = tf.data.Dataset.from_tensor_slices((texts, labels))
    assert records(data) == expected
    assert records(data.batch(2)) == expected
    assert examples_of(data, "train", None).kind is TaskKind.TEXT


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (IMAGES, "found ndarray, accepted are \\(x, y\\) of arrays"),
        ((IMAGES, LABELS[:3]), "found 5 examples and labels of shape \\[3\\]"),
        ((IMAGES.reshape(5, -1), LABELS), "found an array of shape \\[5, 48\\], accepted are images"),
        ((IMAGES[..., :2], LABELS), "accepted are images"),
        ((IMAGES[:0], []), "at least one"),
        ({"x": IMAGES}, "found dict"),
        (5, "found int"),
        (None, "found NoneType"),
        ((None, None), "found \\(x, y\\) with NoneType"),
        ((5, 5), "found \\(x, y\\) with int"),
        (("photos/train", "photos/test"), "found \\(x, y\\) with str"),
        (({"a b", "c d"}, [0, 1]), "found \\(x, y\\) with set"),
        ((np.array(5), LABELS), "found an x of a single value"),
        ((np.zeros((5, 0, 8)), LABELS), "found an array of shape \\[5, 0, 8\\], accepted are images"),
        (([IMAGES[0], IMAGES[1, :2]], [0, 1]), "found images of several sizes"),
        ((IMAGES, [0, 1, 2, 0, 10**12]), "found the label 1000000000000"),
    ],
)
def test_what_are_no_examples_is_refused(data: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=f"^train: .*{message}"):
        examples_of(data, "train", SHAPE)


def test_a_data_set_without_end_or_labels_is_refused() -> None:
    import tensorflow as tf

    data = tf.data.Dataset.from_tensor_slices((IMAGES, LABELS))
    with pytest.raises(ConfigError, match="without an end"):
        examples_of(data.repeat(), "train", SHAPE)
    with pytest.raises(ConfigError, match="accepted is one of \\(example, label\\)"):
        examples_of(tf.data.Dataset.from_tensor_slices(IMAGES), "train", SHAPE)
    with pytest.raises(ConfigError, match="without an example"):
        examples_of(data.take(0), "train", SHAPE)


def test_the_names_of_a_data_set_are_taken() -> None:
    import tensorflow as tf

    data = tf.data.Dataset.from_tensor_slices((IMAGES, LABELS)).batch(2)
    data.class_names = ["a", "b", "c"]
    plan, _ = memory_plan(examples_of(data, "train", SHAPE), {}, None)
    assert plan.names == ("a", "b", "c")
    with pytest.raises(ConfigError, match="each name once"):
        memory_plan(examples_of(data, "train", SHAPE), {}, ["a", "a", "b"])


@pytest.mark.parametrize(
    ("labels", "found"),
    [(LABELS, "found 2 names and in train the label 2,"), (list("01201"), r"in train the label '0' \(text\),")],
)
def test_a_label_without_a_name_is_told(labels: Any, found: str) -> None:
    reading, parts = memory_plan(examples_of((IMAGES, labels), "train", SHAPE), {}, ["a", "b"])
    data, task = DataConfig(), TaskConfig(input_shape=SHAPE)
    with pytest.raises(ConfigError, match=f"^class_names: .*{found}"):
        list(parts["train"].prepared(reading.units[0], data, task))


def test_held_out_examples_are_of_the_same_kind() -> None:
    images, texts = examples_of((IMAGES, LABELS), "train", SHAPE), examples_of((["a b"], [1]), "held_out", None)
    with pytest.raises(ConfigError, match="held_out: found texts, accepted are images"):
        memory_plan(images, {Split.HELD_OUT: texts}, None)


def test_each_part_is_a_unit_of_its_split() -> None:
    train, validation = (examples_of((IMAGES, LABELS), field, SHAPE) for field in ("train", "validation"))
    reading, parts = memory_plan(train, {Split.VALIDATION: validation}, None)
    # Content decides what of `train` is held out.
    assert [(unit.field, unit.split) for unit in reading.units] == [("train", None), ("validation", Split.VALIDATION)]
    assert parts == {"train": train, "validation": validation}
    assert memory_settings(train, {Split.VALIDATION: validation}, {})["validation_uri"] == "validation"


def test_a_source_beside_examples_in_memory_is_refused() -> None:
    images = examples_of((IMAGES, LABELS), "train", SHAPE)
    with pytest.raises(ConfigError, match=r"data\.uri: found one beside examples in memory"):
        memory_settings(images, {}, {"uri": "photos"})
    assert memory_settings(images, {}, {"held_out_ratio": 0.5})["held_out_ratio"] == 0.5


def test_images_have_channels() -> None:
    assert images_of(np.zeros((2, 4, 4)), "x").shape == (2, 4, 4, 1)
