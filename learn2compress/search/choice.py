"""Chooses the trials of a search that become variants of the student: pure functions of the results."""

from __future__ import annotations

from collections.abc import Sequence

from learn2compress.config import SearchConfig
from learn2compress.config.training import MIN_VALIDATION_EXAMPLES
from learn2compress.search.study import TrialResult


def choose_trials(
    config: SearchConfig, results: Sequence[TrialResult], reference_top_1: float
) -> tuple[TrialResult, ...]:
    """Returns the `config.variants` best finished trials, or all where there are fewer; the most accurate first.

    Args:
      config: With `max_accuracy_drop`, the smallest of those that hold it, then
        those that miss it by least; without, those of the front that are spread
        widest, then those of the front behind it.
      results: All trials.
      reference_top_1: Accuracy of the student that was not compressed, 0..1, on the same examples.
    """
    finished = [result for result in results if result.is_finished]
    if config.max_accuracy_drop is not None:
        lowest = reference_top_1 - config.max_accuracy_drop
        ranked = sorted(finished, key=lambda r: (max(0.0, lowest - r.top_1), r.size, -r.top_1, r.number))
    else:
        ranked = []
        while len(ranked) < len(finished):
            behind = [result for result in finished if result not in ranked]
            ranked += _spread([result for result in behind if not _dominated(result, behind)])
    return tuple(sorted(ranked[: config.variants], key=lambda r: (-r.top_1, r.size, r.number)))


def note_on_choice(num_examples: int, num_kept_back: int) -> str | None:
    """Returns what a reader should know of a choice among trials; `None` where nobody trained on its examples.

    Args:
      num_examples: Training examples that the trials were compared on.
      num_kept_back: How many of them were kept back from training.
    """
    if num_kept_back == num_examples:
        return None
    return (
        f"chosen among trials by {num_examples:,} training examples of which {num_kept_back} were kept back "
        "from training: the student had learned the others; "
        f"training.validation_ratio can keep back the {MIN_VALIDATION_EXAMPLES} labelled ones that it takes"
    )


def _dominated(result: TrialResult, others: Sequence[TrialResult]) -> bool:
    """Returns whether another trial is no worse in both, and better in one; of equals, whether another came first."""
    for other in others:
        mine, its = (result.top_1, -(result.size or 0)), (other.top_1, -(other.size or 0))
        if (
            other is not result
            and its[0] >= mine[0]
            and its[1] >= mine[1]
            and (its != mine or other.number < result.number)
        ):
            return True
    return False


def _spread(front: Sequence[TrialResult]) -> list[TrialResult]:
    """Returns the trials of a front, the most accurate and the smallest first, then each in the widest gap left."""
    left = sorted(front, key=lambda r: (-r.top_1, r.size))
    ordered = [left.pop(0)]
    if left:
        ordered.append(left.pop())
    accuracies, sizes = [r.top_1 for r in front], [r.size or 0 for r in front]
    height, width = max(accuracies) - min(accuracies) or 1.0, max(sizes) - min(sizes) or 1

    def gap(result: TrialResult) -> float:
        return min(
            abs(result.top_1 - other.top_1) / height + abs((result.size or 0) - (other.size or 0)) / width
            for other in ordered
        )

    while left:
        widest = max(left, key=gap)
        left.remove(widest)
        ordered.append(widest)
    return ordered
