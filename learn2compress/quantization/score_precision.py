"""Scores a file, and makes its scores float32 where steps of 1/256 are too coarse for its decisions.

A full int8 file ends with uint8 scores. Logits that differ can have equal scores
there, and of equal scores an application takes the first: another class than the
logits name. With many classes, or with a temperature that makes scores less sure,
this is no rarity. Float32 scores, computed from the same int8 logits, keep their
order; such a file is no larger. A decision can change only where the highest score is
shared, so no more than those examples run a second time. Two outputs of one file are
compared, which needs neither labels nor unseen examples: all examples count.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from learn2compress.litert.border import use_float_scores
from learn2compress.litert.interpreter import predict
from learn2compress.litert.rewrite import UnpackedModel
from learn2compress.quantization.choice_sample import TrainingSample

MAX_CHANGED_RATIO = 0.005
"""Share of the decisions that uint8 scores may take otherwise than the logits."""
_MAX_BY_ACCIDENT = 1  # of few examples, one is more than that share


@dataclass(frozen=True, eq=False)
class ScoredFile:
    """A file, and its scores for training examples.

    Attributes:
      model_bytes: The file as it ships.
      scores: float32 `[n, num_classes]`, in the order of the sample.
      changed_ratio: Share of the examples of which uint8 scores name another
        class first than the logits; `None` for a file that never had uint8 scores.
      has_float_scores: Whether its scores became float32 for that reason.
    """

    model_bytes: bytes
    scores: npt.NDArray[np.float32]
    changed_ratio: float | None = None
    has_float_scores: bool = False


def score_file(
    model: UnpackedModel,
    model_bytes: bytes,
    sample: TrainingSample,
    pack: Callable[[UnpackedModel], bytes],
    lowest_top_1: float | None = None,
) -> ScoredFile:
    """Scores training examples, by float32 scores where uint8 ones change too many decisions.

    Too many are more than half a percent, or so many that an accuracy target is missed which float32 scores meet.

    Args:
      model: The file; it is used up.
      model_bytes: The same, packed as it ships.
      sample: The examples that accuracy is measured on; decisions are compared on all of them.
      pack: Packs a file as it ships.
      lowest_top_1: Accuracy on them that the file should have, 0..1; `None` for no target.

    Returns:
      The file that ships, with its scores.
    """
    scores = sample.scores(model_bytes)
    if not use_float_scores(model):
        return ScoredFile(model_bytes, scores)
    num_examples = len(sample.labels)
    tied = np.flatnonzero(has_tie(scores))
    if not tied.size:
        return ScoredFile(model_bytes, scores, changed_ratio=0.0)
    float_scored = pack(model)
    decisions = scores.argmax(axis=1)
    by_logits = decisions.copy()
    by_logits[tied] = predict(float_scored, sample.inputs[tied]).argmax(axis=1)
    num_changed = int((decisions != by_logits).sum())
    changed_ratio = num_changed / num_examples
    top_1, top_1_by_logits = (float((found == sample.labels).mean()) for found in (decisions, by_logits))
    misses_target = lowest_top_1 is not None and top_1 < lowest_top_1 <= top_1_by_logits
    if misses_target or are_too_coarse(num_changed, num_examples):
        return ScoredFile(float_scored, sample.scores(float_scored), changed_ratio, has_float_scores=True)
    return ScoredFile(model_bytes, scores, changed_ratio)


def has_tie(scores: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
    """Returns which examples have their highest score twice or more.

    Args:
      scores: `[n, num_classes]`.

    Returns:
      bool `[n]`.
    """
    return np.asarray((scores == scores.max(axis=1, keepdims=True)).sum(axis=1) > 1)


def are_too_coarse(num_changed: int, num_examples: int) -> bool:
    """Returns whether scores change too many decisions: more than half a percent, and more than one.

    Args:
      num_changed: Decisions that they change.
      num_examples: Of so many.
    """
    return num_changed > max(_MAX_BY_ACCIDENT, MAX_CHANGED_RATIO * num_examples)
