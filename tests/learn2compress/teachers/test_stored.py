"""A folder holds a teacher and how to read it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path

import keras
import numpy as np

from learn2compress.config import ChannelOrder, InputScaling, TaskConfig, TeacherMemberConfig, TeacherOutput
from learn2compress.teachers.loading import load_member
from learn2compress.teachers.stored import TEACHER_FILE, load_stored, store_copies, store_keras

TASK = TaskConfig(input_shape=(4, 4, 1))
NUM_CLASSES = 3
X = np.random.default_rng(3).integers(0, 256, (7, 4, 4, 1), dtype=np.uint8)


def test_the_folder_says_how_to_read_it(
    logits_teachers: dict[str, Path], softmax_teachers: dict[str, Path], tmp_path: Path
) -> None:
    paths = [logits_teachers["h5"], softmax_teachers["saved_model"]]
    loaded = [load_member(path, TeacherMemberConfig(str(path)), TASK, NUM_CLASSES) for path in paths]
    (tmp_path / "live").mkdir()
    store_copies(tmp_path / "live", paths, loaded)
    members = json.loads((tmp_path / "live" / TEACHER_FILE).read_text())["members"]
    scaling = {"multiply": 1 / 255, "add": 0.0, "channel_order": "rgb"}
    assert members == [
        {"file": "member-0.h5", "input_scaling": scaling, "output": "logits", "outputs": None},
        {"file": "member-1", "input_scaling": scaling, "output": "probabilities", "outputs": None},
    ]
    copy = (tmp_path / "live" / "member-0.h5").read_bytes()
    assert hashlib.sha256(copy).digest() == hashlib.sha256(logits_teachers["h5"].read_bytes()).digest()
    assert (tmp_path / "live" / "member-1" / "saved_model.pb").is_file()


def test_a_teacher_that_learnt_is_stored_with_the_weights_it_has_now(
    logits_teachers: dict[str, Path], tmp_path: Path
) -> None:
    config = TeacherMemberConfig(str(logits_teachers["keras"]))
    loaded = load_member(logits_teachers["keras"], config, TASK, NUM_CLASSES)
    centred = InputScaling(1 / 127.5, -1.0)
    model = loaded.network.model
    assert model is not None
    model.layers[-1].bias.assign_add([1.0, 2.0, 3.0])
    store_keras(tmp_path / "trained", model, dataclasses.replace(loaded, scaling=centred))
    saved = tmp_path / "trained" / "member-0.keras"
    (read,) = load_stored(tmp_path / "trained", TASK, NUM_CLASSES)
    assert (read.network.name, read.scaling, read.output) == (str(saved), centred, TeacherOutput.LOGITS)
    np.testing.assert_array_equal(keras.saving.load_model(saved)(X / 255.0), model(X / 255.0))


def test_the_order_of_classes_is_kept_whichever_way_it_is_stored(
    logits_teachers: dict[str, Path], tmp_path: Path
) -> None:
    path = logits_teachers["keras"]
    config = TeacherMemberConfig(str(path), classes=("owl", "cat", "dog"))
    plain = load_member(path, TeacherMemberConfig(str(path)), TASK, NUM_CLASSES)
    ordered = load_member(path, config, TASK, NUM_CLASSES, labels=("cat", "dog", "owl"))
    expected = plain.scores(X).numpy()[:, [1, 2, 0]]
    np.testing.assert_array_equal(ordered.scores(X), expected)
    (tmp_path / "copies").mkdir()
    store_copies(tmp_path / "copies", [path], [ordered])
    assert ordered.network.model is not None
    store_keras(tmp_path / "trained", ordered.network.model, ordered)
    for folder in ("copies", "trained"):
        (read,) = load_stored(tmp_path / folder, TASK, NUM_CLASSES)
        np.testing.assert_array_equal(read.scores(X), expected)


def test_how_outputs_and_channels_are_read_is_stored(tmp_path: Path) -> None:
    inputs = keras.Input((4, 4, 3))
    path = tmp_path / "t.keras"
    keras.Model(inputs, keras.layers.Dense(5)(keras.layers.Flatten()(inputs))).save(path)
    task = TaskConfig(input_shape=(4, 4, 3))
    config = TeacherMemberConfig(str(path), InputScaling(1.0, (1.0, 2.0, 3.0), ChannelOrder.BGR), outputs=(4, 0, 2))
    member = load_member(path, config, task, NUM_CLASSES)
    (tmp_path / "live").mkdir()
    store_copies(tmp_path / "live", [path], [member])
    (again,) = load_stored(tmp_path / "live", task, NUM_CLASSES)
    assert (again.scaling, again.network.class_scores.outputs) == (config.input_scaling, config.outputs)
    x = np.random.default_rng(3).integers(0, 256, (2, 4, 4, 3), dtype=np.uint8)
    np.testing.assert_array_equal(again.scores(x), member.scores(x))
