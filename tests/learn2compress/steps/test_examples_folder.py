from __future__ import annotations

from pathlib import Path

from learn2compress.data.records import Split
from learn2compress.steps.examples_folder import ExamplesFolder


def test_each_split_has_a_folder() -> None:
    folder = ExamplesFolder(Path("examples"), 5, 3, 0, 2)
    assert folder.shards(Split.TRAIN) == Path("examples/train")
    assert folder.shards(Split.HELD_OUT) == Path("examples/held_out")
