from __future__ import annotations

from pathlib import Path

from learn2compress.config import TrainingConfig
from learn2compress.data.records import Split
from learn2compress.steps.examples_folder import ExamplesFolder


def test_each_split_has_a_folder() -> None:
    folder = ExamplesFolder(Path("examples"), 5, 3, 0, 2)
    assert folder.shards(Split.TRAIN) == Path("examples/train")
    assert folder.shards(Split.HELD_OUT) == Path("examples/held_out")


def test_examples_to_choose_by_are_stored_apart_or_kept_back() -> None:
    training = TrainingConfig(validation_ratio=0.1)
    kept_back = ExamplesFolder(Path("examples"), 1000, 3, 0, 2)
    assert (kept_back.num_to_choose_by(training), kept_back.validation) == (100, None)
    apart = ExamplesFolder(Path("examples"), 1000, 3, 0, 2, 70)
    assert (apart.num_to_choose_by(training), apart.validation) == (70, Path("examples/validation"))
