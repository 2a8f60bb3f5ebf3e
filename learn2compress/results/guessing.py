"""Whether answers are better than guessing: a pure function of a confusion matrix.

Guesses that know nothing of an example still agree with its label now and then. How often, and
how much that varies, follows from how often each class is there and is answered: the moments of a
random permutation, on which Cohen's kappa rests (Fleiss, Cohen and Everitt 1969, Psychological
Bulletin 72(5), 323-327). Unlike accuracy beside the largest class's share, it is fair to answers
that find the few examples of a rare class and err on some of a frequent one.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from enum import StrEnum

import numpy as np

# Standard deviations above guessing: chance alone gets there once in fifty times.
_BETTER = 2.0
# Before answers can be called guesses, right ones must stand out so far, with so many examples, and so many of them
# outside of the largest class.
_TELLING = 6.0
_FEWEST = 50
_FEWEST_OUTSIDE = 10
# Always the same answer, wrong on so many examples, knows nothing, however few there are.
_FEWEST_WRONG = 3


class Knowledge(StrEnum):
    """What answers show of knowing their classes."""

    BETTER = "better than guessing"
    GUESSING = "no better than guessing"
    UNKNOWN = "too few examples to tell from guessing"


@dataclasses.dataclass(frozen=True)
class GuessingCheck:
    """Answers held against guesses.

    Attributes:
      num_examples: Examples that were answered, at least 1.
      accuracy: Share that is right, 0..1.
      largest_share: Share of the most frequent class, 0..1: the accuracy of always answering it.
      largest_class: Its index.
      knowledge: What follows.
    """

    num_examples: int
    accuracy: float
    largest_share: float
    largest_class: int
    knowledge: Knowledge

    @property
    def is_guessing(self) -> bool:
        """Returns whether the answers are no better than guesses, where that can be told."""
        return self.knowledge is Knowledge.GUESSING


def check_guessing(confusion: Sequence[Sequence[int]] | np.ndarray) -> GuessingCheck:
    """Holds answers against guesses.

    Example:
      >>> from learn2compress.results.guessing import check_guessing
      >>> check_guessing([[40, 35], [36, 39]]).knowledge.value, check_guessing([[60, 15], [14, 61]]).knowledge.value
      ('no better than guessing', 'better than guessing')

    Args:
      confusion: Examples by true class (row) and answered class (column), `[num_classes, num_classes]`.

        At least one example.

    Returns:
      The comparison.

    Raises:
      ValueError: there is no example.
    """
    counts = np.asarray(confusion, np.float64)
    num_examples = counts.sum()
    if not num_examples:
        raise ValueError("confusion: found no example, accepted is at least one")
    of_class, answered = counts.sum(axis=1), counts.sum(axis=0)
    correct = float(np.trace(counts))
    largest = int(of_class.argmax())
    enough = num_examples >= _FEWEST and num_examples - of_class[largest] >= _FEWEST_OUTSIDE
    is_constant = answered.max() == num_examples and num_examples - correct >= _FEWEST_WRONG
    if _deviations(correct, of_class, answered) >= _BETTER:
        knowledge = Knowledge.BETTER
    elif is_constant or (enough and _deviations(float(num_examples), of_class, of_class) >= _TELLING):
        knowledge = Knowledge.GUESSING
    else:
        knowledge = Knowledge.UNKNOWN
    share = float(of_class[largest] / num_examples)
    return GuessingCheck(int(num_examples), correct / float(num_examples), share, largest, knowledge)


def _deviations(correct: float, of_class: np.ndarray, answered: np.ndarray) -> float:
    """Returns by how many standard deviations right answers exceed those of a random permutation of the same answers.

    Args:
      correct: Right answers.
      of_class: Examples of each class, float `[num_classes]`.
      answered: Answers of each class, shaped the same.
    """
    n = of_class.sum()
    products = of_class * answered
    total = products.sum()
    if n < 2:
        return 0.0
    variance = (total**2 + n**2 * total - n * (products * (of_class + answered)).sum()) / (n**2 * (n - 1))
    # No variance: one class, or always the same answer.
    return 0.0 if variance <= 1e-9 else float((correct - total / n) / math.sqrt(variance))
