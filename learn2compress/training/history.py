"""The record of a training while it runs: one line for each student and epoch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from learn2compress.results.reports import EpochRecord
from learn2compress.training.early_stopping import with_returned
from learn2compress.training.plan import TrainingPlan
from learn2compress.training.step import TEACHER


class TrainingHistory:
    """Epochs by student name, and a jointly optimised teacher's under "teacher".

    Args:
      names: Of all that learn.
      plan: The phase.
      sparsity_of: Measures the share of zeros after an epoch; left out, it is 0.

    Attributes:
      records: The epochs so far; a student's begin with the one in which it joined.
    """

    def __init__(self, names: Sequence[str], plan: TrainingPlan, sparsity_of: Callable[[], float] | None = None):
        self.records: dict[str, list[EpochRecord]] = {name: [] for name in names}
        self._plan = plan
        self._sparsity_of = sparsity_of

    @property
    def num_epochs(self) -> int:
        """Epochs that are recorded."""
        return max((records[-1].epoch for records in self.records.values() if records), default=0)

    @property
    def of_students(self) -> list[list[EpochRecord]]:
        """The epochs of each student, without a teacher's."""
        return [records for name, records in self.records.items() if name != TEACHER]

    def append(
        self,
        epoch: int,
        last_step_share: float,
        losses: Mapping[str, float],
        held_out: Mapping[str, float],
        validation: Mapping[str, float],
    ) -> None:
        """Records an epoch of all that took part in it.

        Args:
          epoch: 0-based.
          last_step_share: Learning rate of its last step, as a share of the highest.
          losses: Mean training loss by name; whoever is left out took no part.
          held_out: Accuracy on the held-out split by name, 0..1.
          validation: The same on the examples kept back; empty where there are too few.
        """
        sparsity_ratio = self._sparsity_of() if self._sparsity_of else 0.0
        for name, loss in losses.items():
            highest = self._plan.teacher_learning_rate if name == TEACHER else self._plan.learning_rate
            self.records[name].append(
                EpochRecord(
                    phase=self._plan.phase,
                    epoch=epoch + 1,
                    loss=float(loss),
                    held_out_top_1=held_out[name],
                    sparsity_ratio=sparsity_ratio,
                    learning_rate=last_step_share * (highest or 0.0),
                    validation_top_1=validation.get(name),
                )
            )

    def finished(self) -> dict[str, tuple[EpochRecord, ...]]:
        """Returns all epochs by name, with the one marked that each leaves with."""
        best = self._plan.early_stopping_epochs is not None
        return {name: with_returned(records, best=best) for name, records in self.records.items()}
