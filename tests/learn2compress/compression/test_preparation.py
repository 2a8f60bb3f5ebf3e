from __future__ import annotations

from pathlib import Path
from typing import Any

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
