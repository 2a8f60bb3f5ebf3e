from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import learn2compress as l2c

QUICK = {"latency_rounds": 3, "threads": []}


def prepare(teacher: Any, discs: Any, checkpoint: Path | None = None, **changes: Any) -> l2c.Compression:
    arguments = {"students": {"small": "20 kB"}, "evaluate": QUICK, "checkpoint": checkpoint} | changes
    return l2c.prepare(teacher, (discs.images / 255, discs.labels), **arguments)


def test_a_teacher_that_was_given_as_its_configuration(teacher: Any, discs: Any) -> None:
    compression = prepare({"uri": teacher, "signal": "live"}, discs)
    assert compression.config.teacher.is_live
    assert (compression.teacher_folder / "teacher.json").is_file()
    inputs = compression.training_inputs("train")
    assert inputs.teacher is not None
    assert inputs.examples.num_train == compression.data.num_train
    assert compression.config.teacher.input_scaling.multiply == pytest.approx(1 / 255)


def test_the_folder_is_that_of_what_results_depend_on(teacher: Any, discs: Any, tmp_path: Path) -> None:
    first = prepare(teacher, discs, tmp_path).folder.path
    assert prepare(teacher, discs, tmp_path).folder.path == first
    assert prepare(teacher, discs, tmp_path, seed=3).folder.path != first
    # Nothing is left of the reading.
    assert len(list(tmp_path.iterdir())) == 2


def test_what_can_not_be_is_refused_before_the_data_are_read() -> None:
    with pytest.raises(l2c.ConfigError, match="epochs: found an unknown keyword"):
        l2c.prepare(None, None, students={"small": "20 kB"}, epochs=3)


def test_the_folder_is_that_of_what_a_member_of_an_ensemble_computes(teacher: Any, discs: Any, tmp_path: Path) -> None:
    import keras

    other = keras.models.clone_model(teacher)
    member, found = tmp_path / "member.keras", []
    for weights in (teacher.get_weights(), [1.1 * weight for weight in teacher.get_weights()]):
        other.set_weights(weights)
        other.save(member)
        given = {"uri": teacher, "ensemble": [{"uri": str(member)}]}
        found.append(prepare(given, discs, tmp_path / "states"))
    first, second = found
    assert first.folder.path != second.folder.path
    assert first.provenance["teacher_sha256"] != second.provenance["teacher_sha256"]


def test_examples_to_choose_by_decide_alone_and_leave_all_others_to_train_on(
    teacher: Any, discs: Any, others: Any, chosen_by: Any
) -> None:
    """One training whose best epoch is chosen by right labels, by wrong ones, or by examples kept back."""

    def prepared(validation: Any = None, **training: Any) -> l2c.Compression:
        return l2c.prepare(
            teacher,
            (discs.images, discs.labels),
            (others.images, others.labels),
            students={"small": "20 kB"},
            validation=validation,
            evaluate=QUICK,
            training={"epochs": 6, "early_stopping_epochs": 3, "learning_rate": 0.001, **training},
        )

    kept_back = prepared(validation_ratio=0.25)
    clean = prepared((chosen_by.images, chosen_by.labels))
    wrong = prepared((chosen_by.images, (chosen_by.labels + 1) % 3))
    assert (kept_back.data.num_train, kept_back.data.num_validation) == (400, None)
    assert (clean.data.num_train, clean.data.num_validation) == (400, 90)
    opened = [one.training_inputs("x") for one in (kept_back, clean, wrong)]
    assert [inputs.data.steps_per_epoch for inputs in opened] == [300 // 32, 400 // 32, 400 // 32]
    assert [inputs.data.num_labelled_validation for inputs in opened] == [100, 90, 90]
    decided_by = [inputs.sample(10).decision_examples() for inputs in opened]
    assert [len(sample.labels) for sample in decided_by] == [100, 90, 90]
    np.testing.assert_array_equal(decided_by[2].labels, (decided_by[1].labels + 1) % 3)
    # What is measured with, and the teacher's figure on it, are the same.
    compressions = (kept_back, clean, wrong)
    assert len({one.data.split_content_sha256.held_out for one in compressions}) == 1
    assert len({one.teacher.accuracy.top_1 for one in compressions}) == 1

    students = [l2c.train_jointly(one)["small"] for one in (clean, wrong)]
    right, misled = (student.history for student in students)
    epochs = range(min(len(right), len(misled)))
    # Nothing is trained otherwise: the same losses, and in each epoch the same accuracy where nothing is decided.
    assert [right[i].loss for i in epochs] == [misled[i].loss for i in epochs]
    assert [right[i].held_out_top_1 for i in epochs] == [misled[i].held_out_top_1 for i in epochs]
    best = [next(record for record in history if record.returned) for history in (right, misled)]
    assert best[0].epoch > best[1].epoch
    for student, record in zip(students, best, strict=True):
        scores = student.model.predict(others.images / 255, verbose=0)
        found = float((scores.argmax(axis=1) == others.labels).mean())
        assert found == pytest.approx(record.held_out_top_1)
    assert best[0].held_out_top_1 > best[1].held_out_top_1
