from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from learn2compress.config import AugmentConfig, InputScaling, TaskConfig, TeacherConfig
from learn2compress.config.parsing import ConfigError
from learn2compress.data.examples import read_batches, read_serialized, shard_paths
from learn2compress.litert.interpreter import predict
from learn2compress.steps.examples_folder import ExamplesFolder
from learn2compress.steps.teacher import LogitsWork, check_answers, litert_file, write_shard_logits
from learn2compress.teachers.augmented_views import ViewPlan
from learn2compress.teachers.loading import load_teacher
from learn2compress.teachers.teacher import LoadedTeacher

LABELS = tuple("0123456789")
CONFIG = TeacherConfig("teacher.keras", InputScaling(1 / 255, 0.0))


@pytest.fixture
def teacher(tmp_path: Path) -> LoadedTeacher:
    import keras

    keras.utils.set_random_seed(1)
    keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(10)]).save(
        tmp_path / "teacher.keras"
    )
    return load_teacher([tmp_path / "teacher.keras"], CONFIG, TaskConfig(), 10, LABELS)


def test_a_teacher_that_guesses_is_refused(teacher: LoadedTeacher, examples: ExamplesFolder) -> None:
    with pytest.raises(ConfigError, match=r"right on \d+% of 390 labelled training examples.*teacher\.accept_poor"):
        check_answers(teacher, CONFIG, TaskConfig(), LABELS, examples.path / "train")


def test_its_file_returns_what_it_does(teacher: LoadedTeacher, examples: ExamplesFolder) -> None:
    images = next(read_batches(examples.path / "train", (8, 8, 1))).inputs[:5]
    scores = predict(litert_file(teacher), images, input_scale=1.0)
    np.testing.assert_allclose(scores, teacher.logits(images), atol=1e-4)


def test_a_record_of_logits_for_each_view_of_each_example(
    teacher: LoadedTeacher, examples: ExamplesFolder, tmp_path: Path
) -> None:
    views = ViewPlan(2, 7, AugmentConfig(shift_ratio=0.1))
    work = LogitsWork((), CONFIG, "", TaskConfig(), LABELS, views, examples.path, tmp_path / "logits")
    shard = shard_paths(examples.path / "train")[0]
    passes: list[int] = []
    count = write_shard_logits(work, teacher, "train", shard.name, passes.append)
    rows = list(read_serialized(work.target("train", shard.name)))
    assert count == len(rows) == 256
    assert sum(passes) == 2 * 256
    assert {len(row) for row in rows} == {2 * 10 * 4}
    assert work.views_of("held_out").num_views == 1
