"""Training examples that choices about a file are made by, so that the held-out split stays clean.

The first of them are kept back from training (`training.validation_ratio`). The
student was fitted to the others: their accuracy flatters, but it flatters every
candidate, and what quantization breaks shows in it all the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from learn2compress.data.examples import UNLABELLED, read_examples
from learn2compress.litert.interpreter import predict

MAX_CHOICE_EXAMPLES = 2000
"""Examples that accuracy is measured on."""
CROSS_CHECK_EXAMPLES = 32
"""Examples that the largest deviation is looked for on."""


@dataclass(frozen=True, eq=False)
class TrainingSample:
    """Labelled training examples, the same in every run.

    Attributes:
      inputs: uint8 `[n, *input_shape]`, n at least 1.
      labels: `[n]`, class indices.
      num_unseen: The first so many of them were kept back from training.
    """

    inputs: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]
    num_unseen: int = 0

    @classmethod
    def read(
        cls, folder: Path, input_shape: tuple[int, ...], min_examples: int, num_validation: int = 0
    ) -> TrainingSample:
        """The first labelled examples of a training split, which is ordered by content hash.

        Args:
          folder: Of the split's shards.
          input_shape: Of one example.
          min_examples: Read at least this many, where there are as many.
          num_validation: The split's first so many, labelled or not, were kept back from training.
        """
        stored = read_examples(folder)
        examples = [example for example in islice(stored, num_validation) if example.label != UNLABELLED]
        num_unseen = len(examples)
        labelled = (example for example in stored if example.label != UNLABELLED)
        examples += islice(labelled, max(0, max(min_examples, MAX_CHOICE_EXAMPLES) - num_unseen))
        inputs = np.frombuffer(b"".join(example.input for example in examples), np.uint8).reshape(-1, *input_shape)
        return cls(inputs, np.array([example.label for example in examples], np.int64), num_unseen)

    def for_choice(self) -> TrainingSample:
        """The first examples, as many as accuracy is measured on."""
        inputs, labels = self.inputs[:MAX_CHOICE_EXAMPLES], self.labels[:MAX_CHOICE_EXAMPLES]
        return TrainingSample(inputs, labels, min(self.num_unseen, MAX_CHOICE_EXAMPLES))

    def unseen(self) -> TrainingSample:
        """Those that were kept back from training, which may be none."""
        return TrainingSample(self.inputs[: self.num_unseen], self.labels[: self.num_unseen], self.num_unseen)

    def scores(self, model_bytes: bytes) -> npt.NDArray[np.float32]:
        """What a file says of these examples, `[n, num_classes]`."""
        return predict(model_bytes, self.inputs)

    def top_1(self, scores: npt.NDArray[np.float32]) -> float:
        """Share of the examples whose highest score is their label."""
        return float((scores.argmax(axis=1) == self.labels).mean())
