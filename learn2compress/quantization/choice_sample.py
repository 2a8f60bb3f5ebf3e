"""Training examples that decisions about a file are made by, so that the held-out split stays clean.

The first of them were kept back from training (`training.validation_ratio`), or are
stored apart to choose by (`data.validation_uri`). The student was fitted to the
others: accuracy on them flatters, but it flatters all files of one trained student
alike, and what quantization breaks shows in it all the same. Where two files were
trained differently, only the first ones are fair.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt

from learn2compress.config.training import MIN_VALIDATION_EXAMPLES
from learn2compress.data.examples import UNLABELLED, read_examples
from learn2compress.litert.interpreter import predict
from learn2compress.training.step import as_float

MAX_ACCURACY_EXAMPLES = 2000
"""Examples that accuracy is measured on."""
CROSS_CHECK_EXAMPLES = 32
"""Examples that the largest deviation is looked for on."""
_BATCH_SIZE = 500


@dataclass(frozen=True, eq=False)
class TrainingSample:
    """Labelled training examples, the same in every run.

    Attributes:
      inputs: uint8 `[n, *input_shape]`, n at least 1.
      labels: int64 `[n]`, class indices.
      num_kept_back: The first so many of them were kept back from training, or stored apart to choose by.
    """

    inputs: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]
    num_kept_back: int = 0

    @classmethod
    def read(
        cls,
        folder: Path,
        input_shape: tuple[int, ...],
        min_trained_on: int,
        num_validation: int = 0,
        validation: Path | None = None,
    ) -> TrainingSample:
        """Reads the first labelled examples of a training split, which is ordered by content hash.

        Args:
          folder: Of the split's shards.
          input_shape: Of one example.
          min_trained_on: Read at least so many that were not kept back, where there are as many.
          num_validation: The split's first so many, labelled or not, were kept back from training; or the examples of
            `validation`, of which the first 2,000 are read.
          validation: Folder of the shards of examples that are stored apart to choose by.

        Returns:
          The labelled ones of those that nobody trained on, and others behind them.
        """
        stored = read_examples(folder)
        kept_back = stored if validation is None else islice(read_examples(validation), MAX_ACCURACY_EXAMPLES)
        examples = [example for example in islice(kept_back, num_validation) if example.label != UNLABELLED]
        num_kept_back = len(examples)
        labelled = (example for example in stored if example.label != UNLABELLED)
        examples += islice(labelled, max(min_trained_on, MAX_ACCURACY_EXAMPLES - num_kept_back))
        inputs = np.frombuffer(b"".join(example.input for example in examples), np.uint8).reshape(-1, *input_shape)
        return cls(inputs, np.array([example.label for example in examples], np.int64), num_kept_back)

    def accuracy_examples(self) -> TrainingSample:
        """Returns the first examples, those that were kept back among them, as many as accuracy is measured on."""
        return self.first(MAX_ACCURACY_EXAMPLES)

    def kept_back(self) -> TrainingSample:
        """Returns the examples that were kept back from training, which may be none."""
        return self.first(self.num_kept_back)

    def decision_examples(self) -> TrainingSample:
        """Returns the examples to decide by: those kept back from training, or all that accuracy is measured on."""
        return self.first(self.num_choice_examples)

    @property
    def has_enough_kept_back(self) -> bool:
        """Whether at least 50 examples were kept back: on fewer, accuracy tells nothing."""
        return self.num_kept_back >= MIN_VALIDATION_EXAMPLES

    @property
    def num_choice_examples(self) -> int:
        """How many of the first examples a choice between files goes by: those kept back, or all where they are few."""
        return self.num_kept_back if self.has_enough_kept_back else min(len(self.labels), MAX_ACCURACY_EXAMPLES)

    def calibration_inputs(self, count: int) -> npt.NDArray[np.uint8]:
        """Returns inputs to calibrate with, apart from those that were kept back, unless there are no others.

        Args:
          count: How many, at most.

        Returns:
          uint8 `[count or fewer, *input_shape]`, at least one.
        """
        first = self.num_kept_back if self.num_kept_back < len(self.inputs) else 0
        return self.inputs[first : first + count]

    def scores(self, model_bytes: bytes) -> npt.NDArray[np.float32]:
        """Returns the scores of a file for these examples, `[n, num_classes]`."""
        return predict(model_bytes, self.inputs)

    def network_top_1(self, network: keras.Model) -> float:
        """Returns the accuracy of a float network, 0..1.

        Args:
          network: Takes inputs `[n, *input_shape]` of 0..1, and gives logits `[n, num_classes]`.
        """
        return self.top_1(self.network_logits(network))

    def network_logits(self, network: keras.Model) -> npt.NDArray[np.float32]:
        """Returns the logits of a network for these examples, `[n, num_classes]`.

        Args:
          network: Takes inputs `[n, *input_shape]` of 0..1.
        """
        return np.asarray(network.predict(as_float(self.inputs), batch_size=_BATCH_SIZE, verbose=0))

    def correct(self, scores: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
        """Returns which examples have their label as highest score; of equal scores the lowest class counts.

        Args:
          scores: `[n, num_classes]`.

        Returns:
          bool `[n]`.
        """
        return np.asarray(scores.argmax(axis=1) == self.labels)

    def top_1(self, scores: npt.NDArray[np.float32]) -> float:
        """Returns the share of the examples that are right; see `correct`."""
        return float(self.correct(scores).mean())

    def first(self, count: int) -> TrainingSample:
        """Returns the first examples, `count` of them or all."""
        return TrainingSample(self.inputs[:count], self.labels[:count], min(self.num_kept_back, count))
