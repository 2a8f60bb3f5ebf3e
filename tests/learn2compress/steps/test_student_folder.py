from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from learn2compress.results.reports import EpochRecord
from learn2compress.steps.student_folder import read_network, read_student_folder, write_student_folder

HISTORY = (EpochRecord("train", 1, 0.5, 0.9),)


def test_a_student_comes_back_as_it_was(student: Any, tmp_path: Path) -> None:
    write_student_folder(tmp_path / "student", student, HISTORY)
    again, history = read_student_folder(tmp_path / "student")
    assert history == HISTORY
    x = np.random.default_rng(0).random((4, 8, 8, 1)).astype(np.float32)
    np.testing.assert_array_equal(again.predict(x, verbose=0), student.predict(x, verbose=0))
    assert read_network(tmp_path / "student").count_params() == student.count_params()
