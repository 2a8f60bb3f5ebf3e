from __future__ import annotations

import random

import numpy as np
import pytest

from learn2compress import progress
from learn2compress.compression.session import working


def test_progress_is_told_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    with working():
        progress.report("train epoch 1/2", 1, 10, "5 steps/s")
        progress.report("train epoch 2/2", 2, 10)
        progress.notice("students", "one trunk")
    out, error = capsys.readouterr()
    assert out == ""
    assert error.splitlines() == ["train epoch 1/2, 1/10, 5 steps/s", "students: one trunk"]
    progress.report("train epoch 1/2", 1, 10)
    assert capsys.readouterr() == ("", "")


def test_who_listens_already_hears_it_alone(capsys: pytest.CaptureFixture[str], heard: list[progress.Progress]) -> None:
    with working():
        progress.notice("students", "one trunk")
    assert [report.detail for report in heard] == ["one trunk"]
    assert capsys.readouterr() == ("", "")


def test_random_numbers_of_the_caller_go_on_as_if_nothing_had_been() -> None:
    random.seed(1)
    np.random.seed(1)
    expected = random.Random(1).random(), np.random.RandomState(1).random()
    with working():
        random.seed(7)
        np.random.seed(7)
    assert (random.random(), np.random.random()) == expected
