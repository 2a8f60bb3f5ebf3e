"""The labels that a person has, in any of the usual forms, as indices or words."""

from __future__ import annotations

import math
import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np

from learn2compress.config.parsing import ConfigError, clipped
from learn2compress.data.records import MAX_CLASSES

_ACCEPTED = "accepted are class indices from 0, class names, or rows with a single 1"
_LONGEST_NUMBER = 20


def label_list(labels: Any, num_examples: int, field: str) -> Sequence[int | str]:
    """Reads labels.

    Example:
      >>> import numpy as np
      >>> from learn2compress.compression.labels import label_list
      >>> label_list(np.eye(3)[[2, 0]], 2, "train")
      [2, 0]

    Args:
      labels: `[n]` or `[n, 1]` of whole numbers 0..9999 or words, or one-hot `[n, classes]`.
      num_examples: Examples that they belong to.
      field: What they belong to, for the message.

    Returns:
      An index or a word for each example.

    Raises:
      ConfigError: they are no labels, or not as many as the examples.
    """
    found = _array(labels, field)
    if found.ndim not in (1, 2) or len(found) != num_examples or 0 in found.shape[1:]:
        raise ConfigError(
            f"{field}: found {num_examples} examples and labels of shape {list(found.shape)}, accepted are as many"
        )
    is_one_hot = found.ndim == 2 and found.shape[1] > 1
    if found.dtype.kind in "OUS" and all(isinstance(value, (str, bytes)) for value in found.flat):
        if is_one_hot:
            raise ConfigError(f"{field}: found labels of shape {list(found.shape)} that are words, {_ACCEPTED}")
        return [_text(value) for value in found.flat]
    indices = _indices(found, field)
    return _from_one_hot(indices, field) if is_one_hot else [int(value) for value in indices.reshape(-1)]


def _array(labels: Any, field: str) -> Any:
    """Returns labels as an array, in which each is of the type that it was given in: NumPy makes text of numbers."""
    try:
        found = np.asarray(labels)
        is_text = found.dtype.kind in "US" and not isinstance(labels, np.ndarray)
        return np.asarray(labels, dtype=object) if is_text else found
    except (TypeError, ValueError, OverflowError):  # rows of several lengths
        raise ConfigError(f"{field}: found labels that are no array, {_ACCEPTED}") from None


def _indices(found: Any, field: str) -> Any:
    """Returns whole numbers from 0, of any numeric type or of Python's, as int64 of the same shape."""
    kind = found.dtype.kind
    if kind == "O":
        rows = [_index(value) for value in found.flat]
        wrong = next((value for value, row in zip(found.flat, rows, strict=True) if row is None), None)
        if None in rows:
            raise ConfigError(f"{field}: found the label {_shown(wrong)} among others, {_ACCEPTED}")
        outside = next((row for row in rows if not 0 <= (row or 0) < MAX_CLASSES), None)
        whole = np.array(rows if outside is None else [], dtype=np.int64)
    elif kind in "biuf" and (kind != "f" or (np.isfinite(found) & (found == np.rint(found))).all()):
        beyond = found[(found < 0) | (found >= MAX_CLASSES)] if kind != "b" else found[:0]
        outside = int(beyond.flat[0]) if beyond.size else None
        whole = found.astype(np.int64) if outside is None else found
    else:
        wrong = found[~(np.isfinite(found) & (found == np.rint(found)))].flat[0] if kind == "f" else found.flat[0]
        raise ConfigError(f"{field}: found labels such as {_shown(wrong)}, {_ACCEPTED}")
    if outside is not None:
        raise ConfigError(f"{field}: found the label {_shown(outside)}, {_ACCEPTED}; indices are 0..{MAX_CLASSES - 1}")
    return whole.reshape(found.shape)


def _index(value: Any) -> int | None:
    """Returns a label as a whole number; `None` for what is none."""
    if isinstance(value, (np.bool_, numbers.Integral)):
        return int(value)
    is_whole = isinstance(value, numbers.Real) and math.isfinite(value) and value == math.floor(value)
    return int(value) if is_whole else None


def _shown(value: Any) -> str:
    if isinstance(value, int) and abs(value) >= 10**_LONGEST_NUMBER:
        return f"of more than {_LONGEST_NUMBER} digits"
    return clipped(repr(value.item() if isinstance(value, np.generic) else value))


def _from_one_hot(rows: Any, field: str) -> list[int]:
    if not (((rows == 0) | (rows == 1)).all() and (rows.sum(axis=1) == 1).all()):
        raise ConfigError(f"{field}: found labels of shape {list(rows.shape)} that are not one-hot, {_ACCEPTED}")
    return [int(index) for index in rows.argmax(axis=1)]


def _text(value: Any) -> str:
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)
