from __future__ import annotations

import re

from learn2compress.report.curves import training_curves
from learn2compress.results.reports import EpochRecord

RECORDS = [
    EpochRecord("train", 1, 2.0, 0.4),
    EpochRecord("train", 2, 1.0, 0.8),
    EpochRecord("prune", 1, 0.9, 0.79, sparsity_ratio=0.5),
]


def test_the_picture_says_where_training_ended() -> None:
    picture = training_curves("curves-0", "small", RECORDS, teacher_top_1=0.9, shipped_top_1=0.795)

    (title,) = re.findall(r"<title[^>]*>(.*?)</title>", picture)
    (description,) = re.findall(r"<desc[^>]*>(.*?)</desc>", picture)
    assert title == "Training of small"
    assert description == (
        "3 epochs. Held-out top-1 ends at 79.00%; the shipped file has 79.50%, the teacher 90.00%. "
        "50% of the prunable weights end as zeros."
    )


def test_each_phase_has_a_column_of_its_name() -> None:
    picture = training_curves("c", "small", RECORDS, 0.9, 0.8)
    assert [name in picture for name in (">train<", ">prune<", ">quantize<")] == [True, True, False]


def test_what_was_measured_without_training_has_no_loss() -> None:
    records = [EpochRecord("teacher", 1, None, 0.9), *RECORDS[2:]]
    picture = training_curves("c", "own", records, 0.9, 0.8)
    assert ">teacher<" in picture
    assert "nan" not in picture.lower()


def test_one_epoch_is_drawn_too() -> None:
    assert "1 epochs." in training_curves("c", "small", RECORDS[:1], 0.9, 0.4)
