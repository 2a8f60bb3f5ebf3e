from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from learn2compress import progress
from learn2compress.compression.reading import read_data
from learn2compress.compression.settings import whole
from learn2compress.compression.signal import checked_teacher, measured_teacher
from learn2compress.compression.teacher import StoredTeacher, teacher_source
from learn2compress.compression.work_folder import WorkFolder
from learn2compress.config import CompressionConfig
from learn2compress.config.parsing import ConfigError, to_dict
from learn2compress.data.examples import read_serialized, shard_paths
from learn2compress.steps.examples_folder import ExamplesFolder

NAMES = ("blue", "green", "red")


@pytest.fixture
def stored(teacher: Any, tmp_path: Path) -> StoredTeacher:
    return teacher_source(teacher).stored(tmp_path)


@pytest.fixture
def prepared(stored: StoredTeacher, discs: Any, tmp_path: Path) -> tuple[CompressionConfig, ExamplesFolder]:
    """Discs as bytes, whose scaling nobody said, and the settings so far."""
    found = read_data(stored, (discs.images, discs.labels), None, NAMES, {}, tmp_path / "examples")
    counted = ExamplesFolder(tmp_path / "examples", found.data.num_train, found.data.num_held_out, 0, 3)
    settings = {"task": to_dict(found.task), "evaluate": {"latency_rounds": 3, "threads": []}}
    return whole(settings, {"uri": "teacher"}, to_dict(found.config), [{"name": "small", "stage": 1}]), counted


def test_the_scaling_is_chosen_where_nobody_said_it(
    stored: StoredTeacher,
    prepared: tuple[CompressionConfig, ExamplesFolder],
    tmp_path: Path,
    heard: list[progress.Progress],
) -> None:
    config, examples = prepared
    work = WorkFolder(tmp_path / "work")
    found = checked_teacher(config, stored, examples, NAMES, work, tmp_path, choose=True)
    np.testing.assert_allclose(found.teacher.input_scaling.multiply, 1 / 255, rtol=1e-6)
    assert any("input_scaling is chosen by" in report.detail for report in heard)
    rows = [row for shard in shard_paths(work.path / "teacher" / "train") for row in read_serialized(shard)]
    assert len(rows) == examples.num_train
    report = measured_teacher(found, examples, NAMES, work)
    assert report.name == "teacher"
    assert report.accuracy.top_1 > 0.9


def test_a_teacher_that_is_no_yardstick_is_refused(
    discs: Any, prepared: tuple[CompressionConfig, ExamplesFolder], tmp_path: Path
) -> None:
    import keras

    keras.utils.set_random_seed(5)
    guessing = keras.Sequential(
        [keras.Input((16, 16, 3)), keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(3)]
    )
    guessing.layers[-1].set_weights([np.zeros((3, 3), np.float32), np.array([1, 0, 0], np.float32)])
    (tmp_path / "other").mkdir()
    stored = teacher_source(guessing).stored(tmp_path / "other")
    config, examples = prepared
    with pytest.raises(ConfigError, match="no better than guessing"):
        checked_teacher(config, stored, examples, NAMES, WorkFolder(tmp_path / "work"), tmp_path, choose=False)
