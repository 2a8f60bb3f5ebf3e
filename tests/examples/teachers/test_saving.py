"""Tests of `examples/teachers/saving.py`."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import keras
import numpy as np

from learn2compress.teachers.safety import check_teacher


def named_network() -> keras.Model:
    policy = keras.DTypePolicy("float32")
    inputs = keras.Input((4, 4, 1), name="images")
    features = keras.layers.Flatten(name="flat", dtype=policy)(inputs)
    dense = keras.layers.Dense(3, name="dense", dtype=policy, kernel_initializer="ones")
    return keras.Model(inputs, dense(features), name="network")


def test_equal_networks_are_equal_files_wherever_they_are_in_memory(
    example: Callable[[str], ModuleType], tmp_path: Path
) -> None:
    networks = [named_network(), named_network()]
    paths = [tmp_path / "one.keras", tmp_path / "two.keras"]
    for network, path in zip(networks, paths, strict=True):
        example("teachers.saving").save_reproducibly(network, path)
    with zipfile.ZipFile(paths[0]) as archive:
        assert b'"shared_object_id": 0' in archive.read("config.json")
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_a_file_has_no_time_of_day_and_is_read_as_before(example: Callable[[str], ModuleType], tmp_path: Path) -> None:
    save = example("teachers.saving").save_reproducibly
    network = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Flatten(), keras.layers.Dense(3)])
    paths = [tmp_path / folder / "teacher.keras" for folder in ("one", "two")]
    for path in paths:
        save(network, path)
        assert [file.name for file in path.parent.iterdir()] == ["teacher.keras"]
    assert paths[0].read_bytes() == paths[1].read_bytes()
    with zipfile.ZipFile(paths[0]) as archive:
        assert {member.date_time for member in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert json.loads(archive.read("metadata.json"))["date_saved"] == ""
    check_teacher(paths[0])
    loaded = keras.models.load_model(paths[0], compile=False)
    inputs = np.random.default_rng(0).random((2, 4, 4, 1))
    np.testing.assert_array_equal(loaded.predict(inputs, verbose=0), network.predict(inputs, verbose=0))
