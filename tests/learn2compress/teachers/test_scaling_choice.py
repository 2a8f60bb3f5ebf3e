"""The scaling that makes most answers right is taken, and of those that do equally well the teacher's own."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

from learn2compress.config import ChannelOrder, InputScaling, TaskConfig, TaskKind, TeacherMemberConfig, TeacherOutput
from learn2compress.data.labelled_sample import LabelledSample
from learn2compress.results.guessing import Knowledge
from learn2compress.teachers.loading import load_member
from learn2compress.teachers.network import Member
from learn2compress.teachers.scaling_choice import choose_scaling

LABELS = ("red", "other")
TASK = TaskConfig(input_shape=(4, 4, 3))


@pytest.fixture
def sample() -> LabelledSample:
    """Images with much or little red; their blue says nothing of it."""
    labels = np.arange(120) % 2
    inputs = np.full((120, 4, 4, 3), 20, np.uint8)
    inputs[labels == 0, :, :, 0] = 200
    inputs[np.random.default_rng(0).random(120) < 0.5, :, :, 2] = 200
    return LabelledSample(inputs, labels.astype(np.int64), [])


def member_of(folder: Path, channel: int, threshold: float, scaling: InputScaling) -> Member:
    """A teacher that answers the first class where a channel's mean is above a threshold."""
    dense = keras.layers.Dense(2)
    model = keras.Sequential([keras.Input((4, 4, 3)), keras.layers.GlobalAveragePooling2D(), dense])
    kernel = np.zeros((3, 2), np.float32)
    kernel[channel, 0] = 1.0
    dense.set_weights([kernel, np.array([0.0, threshold], np.float32)])
    model.save(folder / "teacher.keras")
    return load_member(folder / "teacher.keras", TeacherMemberConfig("t", scaling), TASK, 2, labels=LABELS)


def test_its_own_scaling_stays_where_others_do_no_better(tmp_path: Path, sample: LabelledSample) -> None:
    own = InputScaling(multiply=1 / 127.5, add=-1.0)
    choice = choose_scaling(member_of(tmp_path, 0, 0.2, own), TASK, sample, LABELS)  # as good with 0..1
    assert (choice.scaling, choice.classes) == (own, ())
    assert (choice.check.accuracy, choice.check.knowledge) == (1.0, Knowledge.BETTER)


def test_a_scaling_that_does_better_is_taken(tmp_path: Path, sample: LabelledSample) -> None:
    choice = choose_scaling(member_of(tmp_path, 0, 90.0, InputScaling()), TASK, sample, LABELS)
    assert (choice.scaling.multiply, choice.scaling.add, choice.scaling.channel_order) == (1.0, 0.0, ChannelOrder.RGB)
    assert choice.check.accuracy == 1.0


def test_the_order_of_channels_is_found(tmp_path: Path, sample: LabelledSample) -> None:
    choice = choose_scaling(member_of(tmp_path, 2, 0.4, InputScaling()), TASK, sample, LABELS)
    assert choice.scaling == InputScaling(channel_order=ChannelOrder.BGR)
    assert (choice.classes, choice.check.accuracy) == ((), 1.0)


def test_a_teacher_that_no_scaling_helps_is_told(tmp_path: Path, sample: LabelledSample) -> None:
    choice = choose_scaling(member_of(tmp_path, 0, -1e6, InputScaling()), TASK, sample, LABELS)  # one answer to all
    assert (choice.scaling, choice.classes) == (InputScaling(), ())
    assert choice.check.is_guessing


def test_a_layer_that_rescales_says_it_where_the_examples_can_not(tmp_path: Path) -> None:
    # The brightest pixel is the class, whatever the numbers are multiplied by.
    model = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Rescaling(1 / 255), keras.layers.Flatten()])
    model.save(tmp_path / "teacher.keras")
    images = np.zeros((64, 16), np.uint8)
    images[np.arange(64), np.arange(64) % 16] = 200
    bright = LabelledSample(images.reshape(-1, 4, 4, 1), np.arange(64) % 16, [])
    labels = tuple(f"class_{number}" for number in range(16))
    task = TaskConfig(input_shape=(4, 4, 1))
    config = TeacherMemberConfig("t", output=TeacherOutput.LOGITS)
    member = load_member(tmp_path / "teacher.keras", config, task, 16, labels=labels)
    choice = choose_scaling(member, task, bright, labels)
    assert choice.scaling == InputScaling(1.0, 0.0)
    assert "takes them as 0..1" in choice.others


def test_a_scaling_that_an_embedding_has_no_rows_for_is_not_taken(tmp_path: Path) -> None:
    layers = [keras.layers.Rescaling(255.0), keras.layers.Embedding(256, 2), keras.layers.GlobalAveragePooling1D()]
    keras.Sequential([keras.Input((8,)), *layers]).save(tmp_path / "teacher.keras")
    task = TaskConfig(TaskKind.TEXT, (8,))
    member = load_member(tmp_path / "teacher.keras", TeacherMemberConfig("t"), task, 2, labels=LABELS)
    words = np.random.default_rng(0).integers(2, 256, (40, 8), dtype=np.uint8)
    found = choose_scaling(member, task, LabelledSample(words, np.arange(40) % 2, []), LABELS)
    assert found.scaling == InputScaling()
