"""The examples that a step reads: a folder of shards for each split, and what was counted in it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from learn2compress.data.records import Split


@dataclasses.dataclass(frozen=True)
class ExamplesFolder:
    """Examples as they were written.

    Attributes:
      path: Folder with a folder of shards for each split.
      num_train: Examples to train on, labelled or not.
      num_held_out: Held-out examples.
      num_unlabelled: Examples to train on that nobody labelled.
      num_classes: Classes of the data.
    """

    path: Path
    num_train: int
    num_held_out: int
    num_unlabelled: int
    num_classes: int

    def shards(self, split: Split) -> Path:
        """Returns the folder of a split's shards.

        Args:
          split: The split.
        """
        return self.path / split
