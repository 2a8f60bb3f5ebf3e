"""The examples that a step reads: a folder of shards for each split, and what was counted in it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from learn2compress.config import TrainingConfig
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
      num_validation: Examples to choose by, where they are stored apart; `None` where training keeps some back.
    """

    path: Path
    num_train: int
    num_held_out: int
    num_unlabelled: int
    num_classes: int
    num_validation: int | None = None

    def shards(self, split: Split) -> Path:
        """Returns the folder of a split's shards.

        Args:
          split: The split.
        """
        return self.path / split

    @property
    def validation(self) -> Path | None:
        """Returns the folder of the shards to choose by; `None` where they are kept back from the training split."""
        return None if self.num_validation is None else self.shards(Split.VALIDATION)

    def num_to_choose_by(self, training: TrainingConfig) -> int:
        """Returns how many examples decisions go by, labelled or not, on which nobody trains.

        Args:
          training: The share of the training split that is kept back where none are stored apart.
        """
        if self.num_validation is not None:
            return self.num_validation
        return training.num_validation(self.num_train, self.num_unlabelled)
