"""Turns the bytes of `hashed_words` into rows of one table: the input of architectures that look words up."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

NUM_ROWS = 512
_BYTE_VALUES = 256


@keras.saving.register_keras_serializable("learn2compress")
class ByteRows(keras.layers.Layer):
    """Rows 0 to 255 for the higher byte of each word, 256 to 511 for the lower one.

    With both rows side by side, 512 rows tell 65,536 words apart (the
    complementary partitions of Shi et al., arXiv:1909.02107).
    """

    def call(self, inputs: Any) -> Any:
        """Returns the rows of bytes.

        Args:
          inputs: float32 in 0..1, bytes divided by 255, `[batch, 2 * words]`.

        Returns:
          int32 rows, 0..511, of the same shape.
        """
        # Exact in 8-bit arithmetic, too: a byte divided by 255 is one of its 256 levels.
        return self.rows_of(ops.cast(ops.round(inputs * (_BYTE_VALUES - 1.0)), "int32"))

    def rows_of(self, values: Any) -> Any:
        """Returns the rows of bytes that are integers already.

        Args:
          values: int32 in 0..255, `[batch, 2 * words]`.

        Returns:
          int32 rows, 0..511, of the same shape.
        """
        first_rows = _BYTE_VALUES * (np.arange(values.shape[-1], dtype=np.int32) % 2)
        # Not `ops.add`: Keras adds a vector as a bias, which LiteRT does not know of integers.
        return values + first_rows
