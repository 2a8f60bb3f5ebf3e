"""The prediction of a file for each held-out example: the one pass that every figure of quality is counted from.

A prediction is kept for each example, a few bytes, so that parts of a split that
several workers predicted are simply put one behind the other: every figure then is
the one of the whole, to the last bit. Of equal scores the lowest class is first,
here and wherever a first class is named; 8-bit softmax has many equal scores.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from learn2compress import progress
from learn2compress.config import Corruption, EvaluateConfig
from learn2compress.config.parsing import ConfigError
from learn2compress.data.corruptions import SEVERITIES, corrupted
from learn2compress.data.slices import slice_namer
from learn2compress.litert.interpreter import PIXEL_SCALE, Scorer

# Measured on an int8 network of 16 million MACs: from 8 to 64 images at once cost the same, more fall out of the cache.
MAX_BATCH = 64
_MAX_BATCH_ELEMENTS = 2**18

Reference = Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.floating[Any]]]
"""Scores `[n, num_classes]` of another network for inputs uint8 `[n, *input_shape]`."""
HeldOutBatch = tuple[npt.NDArray[np.uint8], npt.NDArray[np.integer[Any]], Sequence[str], Sequence[str]]
"""Inputs, labels, sources and digests, the first of `learn2compress.data.examples.ExampleBatch`: many more
than one inference takes, as counting few at a time would cost more than a small student's inference."""


@dataclass(frozen=True)
class PredictionSettings:
    """Which figures a prediction is made for.

    Attributes:
      num_classes: Scores that each example must have.
      k: Of top-k.
      input_scale: See `Scorer`.
      gives_logits: Whether the file's scores are logits, not probabilities.
      slice_by: As `EvaluateConfig.slice_by`.
      corruptions: As `EvaluateConfig.corruptions`.
    """

    num_classes: int
    k: int
    input_scale: float = PIXEL_SCALE
    gives_logits: bool = False
    slice_by: str | None = None
    corruptions: tuple[Corruption, ...] = ()

    @property
    def needs_origin(self) -> bool:
        """Whether sources and digests of the examples are needed."""
        return self.slice_by is not None or bool(self.corruptions)

    @classmethod
    def of(
        cls, config: EvaluateConfig, num_classes: int, input_scale: float = PIXEL_SCALE, gives_logits: bool = False
    ) -> PredictionSettings:
        """Returns the settings that a configuration asks for.

        Args:
          config: How to measure.
          num_classes: Scores that each example must have.
          input_scale: See `Scorer`.
          gives_logits: Whether the file's scores are logits, not probabilities.
        """
        return cls(num_classes, config.top_k, input_scale, gives_logits, config.slice_by, config.corruptions)


@dataclass(frozen=True, eq=False)
class Predictions:
    """One entry for each example, in the order of the split.

    Attributes:
      labels: int64 `[n]`.
      predicted: int64 `[n]`, the class of the highest score, of equal ones the lowest.
      in_top_k: bool `[n]`, whether the label is among the k highest scores.
      confidence: float32 `[n]`, the highest probability, 0..1.
      corrupted_correct: bool `[n, corruptions * severities]`, in the order of
        `PredictionSettings.corruptions` and `SEVERITIES`.
      slices: text `[n]`, or `[0]` where there are no slices.
      reference: int64 `[n]`, the class that the other network predicts, or `[0]` without one.
    """

    labels: npt.NDArray[np.int64]
    predicted: npt.NDArray[np.int64]
    in_top_k: npt.NDArray[np.bool_]
    confidence: npt.NDArray[np.float32]
    corrupted_correct: npt.NDArray[np.bool_]
    slices: npt.NDArray[np.str_]
    reference: npt.NDArray[np.int64]

    @property
    def correct(self) -> npt.NDArray[np.bool_]:
        """bool `[n]`, whether the prediction is the label."""
        return np.asarray(self.predicted == self.labels)

    @classmethod
    def concatenate(cls, parts: Sequence[Predictions]) -> Predictions:
        """Returns the predictions of several parts of a split, in this order, as those of all of it."""
        names = [field.name for field in dataclasses.fields(cls)]
        return cls(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})

    def save(self, path: Path) -> None:
        """Writes an `.npz` file."""
        np.savez(path, **{field.name: getattr(self, field.name) for field in dataclasses.fields(self)})

    @classmethod
    def load(cls, path: Path) -> Predictions:
        """Reads what `save` wrote, without running anything in the file."""
        with np.load(path, allow_pickle=False) as stored:
            return cls(**{field.name: stored[field.name] for field in dataclasses.fields(cls)})


def batch_size_for(input_shape: tuple[int, ...]) -> int:
    """Returns how many examples one inference takes: as many as keep its tensors within a cache."""
    return max(1, min(MAX_BATCH, _MAX_BATCH_ELEMENTS // math.prod(input_shape)))


def predict_examples(
    scorer: Scorer,
    batches: Iterable[HeldOutBatch],
    num_examples: int,
    settings: PredictionSettings,
    reference: Reference | None = None,
) -> Predictions:
    """Runs a file on examples.

    Args:
      scorer: The file.
      batches: The examples, at least one.
      num_examples: How many there are, for progress.
      settings: Which figures the predictions are made for.
      reference: Another network to compare its predictions with, if any.

    Returns:
      One prediction for each example, in their order.

    Raises:
      ConfigError: there is no example, or labels or scores don't fit the classes.
      ModelFileError: the file does not run.
    """
    name_of = slice_namer(settings.slice_by) if settings.slice_by else None
    parts, done = [], 0
    for inputs, labels, sources, digests in batches:
        part = predictions_from_scores(scorer.scores(inputs, batch_size_for(inputs.shape[1:])), labels, settings)
        if name_of:
            part = dataclasses.replace(part, slices=np.array([name_of(source) for source in sources], np.str_))
        if reference:
            part = dataclasses.replace(part, reference=reference(inputs).argmax(axis=1))
        if settings.corruptions:
            correct = _corrupted_correct(scorer, inputs, labels, digests, settings.corruptions)
            part = dataclasses.replace(part, corrupted_correct=correct)
        parts.append(part)
        done += len(inputs)
        progress.report("score examples", done, max(done, num_examples), unit="examples")
    if not parts:
        raise ConfigError("examples: found none, accepted is at least one")
    return Predictions.concatenate(parts)


def predictions_from_scores(
    scores: npt.NDArray[np.floating[Any]], labels: npt.NDArray[np.integer[Any]], settings: PredictionSettings
) -> Predictions:
    """Returns the predictions of scores, without slices, corruptions and reference.

    Args:
      scores: `[n, num_classes]`, n at least 1.
      labels: `[n]`, class indices.
      settings: Number of classes, k of top-k, and whether scores are logits.

    Raises:
      ConfigError: labels or scores don't fit the classes.
    """
    _check(scores, labels, settings.num_classes)
    predicted = scores.argmax(axis=1)
    return Predictions(
        labels=labels.astype(np.int64),
        predicted=predicted,
        in_top_k=_ranks(scores, labels) < settings.k,
        confidence=_confidence(scores, predicted, settings.gives_logits),
        corrupted_correct=np.zeros((len(labels), 0), np.bool_),
        slices=np.zeros(0, np.str_),
        reference=np.zeros(0, np.int64),
    )


def _check(scores: npt.NDArray[Any], labels: npt.NDArray[Any], num_classes: int) -> None:
    if scores.ndim != 2 or scores.shape[1] != num_classes or labels.shape != scores.shape[:1] or len(scores) == 0:
        raise ConfigError(
            f"scores: found shape {list(scores.shape)} for {labels.shape} labels, "
            f"accepted is [number of labels, at least 1; {num_classes} classes]"
        )
    if np.isnan(scores).any():
        raise ConfigError("scores: the model gives NaN for an example")
    if labels.min() < 0 or labels.max() >= num_classes:
        raise ConfigError(f"labels: found {labels.min()} to {labels.max()}, accepted are 0 to {num_classes - 1}")


def _corrupted_correct(
    scorer: Scorer,
    inputs: npt.NDArray[np.uint8],
    labels: npt.NDArray[np.integer[Any]],
    digests: Sequence[str],
    corruptions: Sequence[Corruption],
) -> npt.NDArray[np.bool_]:
    size = batch_size_for(inputs.shape[1:])
    columns = [
        scorer.scores(corrupted(inputs, digests, corruption, severity), size).argmax(axis=1) == labels
        for corruption in corruptions
        for severity in SEVERITIES
    ]
    return np.stack(columns, axis=1)


def _confidence(
    scores: npt.NDArray[Any], predicted: npt.NDArray[np.int64], gives_logits: bool
) -> npt.NDArray[np.float32]:
    highest = scores[np.arange(len(scores)), predicted]
    if gives_logits:  # softmax of the highest alone
        highest = 1 / np.exp(scores - highest[:, None]).sum(axis=1)
    return np.clip(highest, 0, 1).astype(np.float32)


def _ranks(scores: npt.NDArray[Any], labels: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Returns the place of the label by score, from 0; among equal scores the lowest index is first."""
    own = scores[np.arange(len(labels)), labels][:, None]
    before = np.arange(scores.shape[1]) < labels[:, None]
    ranks: npt.NDArray[np.int64] = ((scores > own) | ((scores == own) & before)).sum(axis=1)
    return ranks
