"""Chooses between files of one student by what they get right on the same examples."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from learn2compress.config import QuantizationRecipe
from learn2compress.litert.accuracy import paired_drop

CorrectByRecipe = Mapping[QuantizationRecipe, npt.NDArray[np.bool_]]
"""bool `[n]` of each file, whether it is right about an example, in the same order."""


def choose(correct_of: CorrectByRecipe, num_kept_back: int, are_kept_back: bool) -> tuple[QuantizationRecipe, str]:
    """Chooses the file that is right most often, of equals the first.

    By examples that were kept back from training the comparison is fair, and the
    figure decides, also where chance may explain it: nothing speaks for the other
    file. By others it leans to the file that was trained on them. There the same rule
    is a cautious one: the control ships only where it is better in spite of that.

    Args:
      correct_of: bool `[n]` of each candidate, whether it is right about an example; the trained file first.
      num_kept_back: How many labelled examples were kept back from training.
      are_kept_back: Whether the examples are those.

    Returns:
      Its recipe, and why it is that one, in words with numbers.
    """
    best = max(correct_of, key=lambda recipe: correct_of[recipe].mean())
    others = [recipe for recipe in correct_of if recipe is not best]
    if not others:
        return best, "named by the configuration"
    compared = ", ".join(_comparison(best, other, correct_of) for other in others)
    found = f"{correct_of[best].mean():.2%} right of {len(correct_of[best]):,}"
    if are_kept_back:
        return best, f"{found} examples that neither was trained on, {compared}"
    return best, (
        f"{found} training examples, {compared}; {num_kept_back} were kept back from training, too few to compare on, "
        "and the others favour the trained file"
    )


def _comparison(best: QuantizationRecipe, other: QuantizationRecipe, correct_of: CorrectByRecipe) -> str:
    drop = paired_drop(correct_of[best], correct_of[other])
    figure = f"{other.value} ({correct_of[other].mean():.2%})"
    if drop.drop == 0.0:
        return f"as good as {figure}"
    return f"better than {figure}{'' if drop.low > 0.0 else ', which may be chance'}"
