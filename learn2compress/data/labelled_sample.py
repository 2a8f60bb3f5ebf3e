"""A few labelled examples of each class, from the shards that `Ingest` wrote."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import numpy as np
import numpy.typing as npt

from learn2compress.data.examples import UNLABELLED, read_batches

# Records are in the order of their hashes: the first ones are a fair draw. A rare class is looked for no further.
_MOST_READ_TIMES = 20


@dataclasses.dataclass(frozen=True)
class LabelledSample:
    """Labelled examples in their stored order.

    Attributes:
      inputs: uint8 `[n, *input_shape]`.
      labels: int64 `[n]`, each at least 0.
      texts: UTF-8 of each text; empty where they were not asked for.
    """

    inputs: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]
    texts: list[bytes]

    def __len__(self) -> int:
        return len(self.labels)

    def rows(self, chosen: slice) -> LabelledSample:
        """Returns a part of it."""
        return LabelledSample(self.inputs[chosen], self.labels[chosen], self.texts[chosen])


def read_labelled_sample(
    folder: Path, input_shape: tuple[int, ...], num_classes: int, num_examples: int, with_texts: bool = False
) -> LabelledSample:
    """Reads equally many examples of each class, as far as a bounded reading finds them.

    Args:
      folder: Shards of a split.
      input_shape: `task.input_shape`.
      num_classes: Classes of the data.
      num_examples: Examples to read, about; at least 2 of each class are looked for.
      with_texts: Whether to read texts.

    Returns:
      At most about `num_examples`, fewer of rare classes, none of classes that were not found.

    Raises:
      SourceError: a shard is missing, truncated or corrupted, or holds something else.
    """
    most = max(2, math.ceil(num_examples / num_classes))
    counts = np.zeros(num_classes, np.int64)
    inputs, labels, texts = [], [], []
    num_read = 0
    batch_size = min(num_examples, 256)
    for batch in read_batches(folder, input_shape, with_texts=with_texts, batch_size=batch_size):
        for row, label in enumerate(batch.labels):
            if label != UNLABELLED and counts[label] < most:
                counts[label] += 1
                inputs.append(batch.inputs[row])
                labels.append(label)
                texts += batch.texts[row : row + 1]
        num_read += len(batch.labels)
        if counts.min() >= most or num_read >= _MOST_READ_TIMES * num_examples:
            break
    stacked = np.stack(inputs) if inputs else np.empty((0, *input_shape), np.uint8)
    return LabelledSample(stacked, np.array(labels, np.int64), texts)
