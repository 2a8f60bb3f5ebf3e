"""What changes from step to step of a training: pure functions of the step."""

from __future__ import annotations

from teachers.recipes import Recipe

_FIRST_SHARE = 0.2
# Lookahead (arXiv:1907.08610) averages after so many examples; in the end this much of the average stays.
_LOOKAHEAD_EXAMPLES = 5 * 1024
_LOOKAHEAD_DECAY = 0.95**5


def triangle_share(step: int, total_steps: int, recipe: Recipe) -> float:
    """Returns the share of the highest learning rate: it rises linearly from a fifth, then falls linearly.

    Args:
      step: 0-based.
      total_steps: Of the training.
      recipe: Where the top is, and how low it falls.

    Returns:
      0..1.
    """
    top = recipe.warmup_ratio * total_steps
    if step < top:
        return _FIRST_SHARE + (1.0 - _FIRST_SHARE) * step / top
    fallen = (step - top) / max(1.0, total_steps - top)
    return 1.0 - (1.0 - recipe.final_ratio) * fallen


def lookahead_decay(step: int, total_steps: int, batch_size: int) -> float | None:
    """Returns how much of the average of weights stays when a step's weights enter it and are replaced by it.

    Args:
      step: 0-based.
      total_steps: Of the training.
      batch_size: Examples in a step.

    Returns:
      0..1; `None` after most steps, which leave weights and average alone.
    """
    interval = max(1, round(_LOOKAHEAD_EXAMPLES / batch_size))
    done = step + 1
    if done % interval == 0:
        return _LOOKAHEAD_DECAY * (done / total_steps) ** 3
    # The training ends with the average, without the steps since.
    return 1.0 if done == total_steps and total_steps > interval else None


def side_in_epoch(epoch: int, epochs: int, side: int, smaller: tuple[int, ...]) -> int:
    """Returns the height of images in an epoch: smaller ones first, which cost less (Howard 2018, DAWNBench).

    Args:
      epoch: 0-based.
      epochs: Of the training.
      side: Height of the full image, which the last epochs take.
      smaller: Heights before it.
    """
    sides = (*smaller, side)
    return sides[epoch * len(sides) // epochs]
