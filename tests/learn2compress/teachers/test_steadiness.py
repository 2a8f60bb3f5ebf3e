"""Outputs must be a function of the example alone."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from learn2compress.config import TaskConfig, TeacherConfig
from learn2compress.config.parsing import ConfigError
from learn2compress.data.labelled_sample import LabelledSample
from learn2compress.teachers.loading import load_teacher
from learn2compress.teachers.steadiness import check_steady
from learn2compress.teachers.teacher import LoadedTeacher

TASK = TaskConfig(input_shape=(4, 4, 1))


def sample(num: int) -> LabelledSample:
    pixels = np.random.default_rng(0).integers(0, 256, (num, 4, 4, 1), dtype=np.uint8)
    return LabelledSample(pixels, np.zeros(num, np.int64), [])


def loaded(path: Path, dropout: float, training: bool, batch_size: int = 64) -> LoadedTeacher:
    """A SavedModel that serves a network in training or in inference; Keras' own formats don't keep which."""
    keras.utils.set_random_seed(1)
    inputs = keras.Input((4, 4, 1))
    x = keras.layers.Conv2D(4, 3, activation="relu")(inputs)
    x = keras.layers.Flatten()(keras.layers.BatchNormalization()(x))
    module = tf.Module()
    module.model = keras.Model(inputs, keras.layers.Dense(3)(x))

    @tf.function(input_signature=[tf.TensorSpec([None, 4, 4, 1], tf.float32)])
    def serve(image: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"scores": module.model(tf.nn.dropout(image, dropout), training=training)}

    tf.saved_model.save(module, str(path), signatures={"serving_default": serve})
    return load_teacher([path], TeacherConfig(str(path), batch_size=batch_size), TASK, 3)


@pytest.mark.parametrize("num", [1, 40])
def test_dropout_left_on_is_found(tmp_path: Path, num: int) -> None:
    teacher = loaded(tmp_path / "t", 0.2, False)
    with pytest.raises(ConfigError, match=rf"t: answers the same {num} examples differently when asked twice .*"):
        check_steady(teacher, sample(num))


def test_batch_statistics_left_on_are_found(tmp_path: Path) -> None:
    teacher = loaded(tmp_path / "t", 0.0, True)
    with pytest.raises(ConfigError, match=r"t: answers the same examples differently beside other ones in the batch"):
        check_steady(teacher, sample(40))


@pytest.mark.parametrize("batch_size", [7, 64])
def test_a_network_of_inference_passes(batch_size: int, tmp_path: Path) -> None:
    teacher = loaded(tmp_path / "t", 0.0, False, batch_size)
    for num in (0, 1, 40):
        check_steady(teacher, sample(num))
