"""Turns a ratio of the configuration into a number of whole things: weights, examples, steps, pixels."""

from __future__ import annotations


def count_at_ratio(ratio: float, total: int) -> int:
    """Returns how many of `total` a ratio is, rounded down to whole ones.

    Floating point has 0.29 * 100 just below 29. The count is therefore the
    largest whose own share of `total`, as a double, is not above the ratio: 29
    for 0.29 of 100, and exact for every ratio that is written as a decimal.

    Args:
      ratio: 0..1.
      total: 0 or more.

    Returns:
      0..`total`.
    """
    if total == 0:
        return 0
    near = int(ratio * total)
    return next(count for count in (near + 1, near, near - 1) if count / total <= ratio)
