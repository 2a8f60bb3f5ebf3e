"""Each byte of a word finds its own row of the table, in floats and in integers."""

from __future__ import annotations

import keras
import numpy as np
from numpy.typing import NDArray

from learn2compress.students.byte_rows import NUM_ROWS, ByteRows


def as_float(x: NDArray[np.uint8]) -> NDArray[np.float32]:
    return x.astype(np.float32) / np.float32(255)


def test_every_byte_finds_its_own_row() -> None:
    values = np.stack([np.arange(256), np.arange(255, -1, -1)], axis=1).astype(np.uint8)
    rows = keras.ops.convert_to_numpy(ByteRows()(as_float(values)))
    assert rows[:, 0].tolist() == values[:, 0].tolist()
    assert rows[:, 1].tolist() == (values[:, 1].astype(int) + 256).tolist()


def test_rows_of_integers_are_those_of_floats_and_all_different() -> None:
    values = np.stack([np.arange(256), np.arange(256)], axis=1).astype(np.uint8)
    rows = keras.ops.convert_to_numpy(ByteRows().rows_of(values.astype(np.int32)))
    np.testing.assert_array_equal(rows, keras.ops.convert_to_numpy(ByteRows()(as_float(values))))
    assert sorted(rows.reshape(-1).tolist()) == list(range(NUM_ROWS))
