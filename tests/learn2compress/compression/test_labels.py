from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from learn2compress.compression.labels import label_list
from learn2compress.config.parsing import ConfigError


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ([2, 0], [2, 0]),
        (np.array([[2], [0]]), [2, 0]),
        (np.array([2.0, 0.0]), [2, 0]),
        (np.eye(3)[[2, 0]], [2, 0]),
        (np.eye(2, dtype=bool), [0, 1]),
        (["dog", "cat"], ["dog", "cat"]),
        (np.array([b"dog", b"cat"], dtype=object), ["dog", "cat"]),
        (np.array([2, 0], dtype=object), [2, 0]),
        (np.array([2.0, np.int8(0)], dtype=object), [2, 0]),
        (np.array([True, False]), [1, 0]),
        (["9999", "0"], ["9999", "0"]),
        ([9999, 0], [9999, 0]),
    ],
)
def test_labels_of_any_usual_form(labels: Any, expected: list[Any]) -> None:
    assert label_list(labels, 2, "train") == expected


@pytest.mark.parametrize(
    "labels",
    [
        [1],
        [1, 2, 3],
        [0.5, 1.0],
        [-1, 0],
        np.array([[0.3, 0.7], [1.0, 0.0]]),
        np.array([[1, 1], [0, 1]]),
        np.zeros((2, 2, 2)),
        np.array(["cat", None], dtype=object),
        np.array([0.5, 1.7], dtype=object),
        np.array(["1", 2], dtype=object),
        ["cat", 1],
        ["cat", True],
        np.array([1, None], dtype=object),
        [10**12, 0],
        [0, 10_000],
        [10**30, 0],
        [10**5000, 0],
        [float("inf"), 0.0],
        [float("nan"), 0.0],
        np.array([float("inf"), 0.0], dtype=object),
        np.array([-1, 0], dtype=object),
        [[1, 0], [1]],
        [1j, 0],
        np.zeros((2, 0)),
        np.array([["a", "b"], ["c", "d"]]),
        None,
        5,
        {1, 2},
    ],
)
def test_what_is_no_label_is_refused(labels: Any) -> None:
    with pytest.raises(ConfigError, match=r"^train: found .*accepted are"):
        label_list(labels, 2, "train")
