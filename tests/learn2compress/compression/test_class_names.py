from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from learn2compress.compression.class_names import checked_class_names
from learn2compress.config.parsing import ConfigError


@pytest.mark.parametrize("names", [["b", "a"], ("b", "a"), np.array(["b", "a"]), np.array(["b", "a"], dtype=object)])
def test_names_stay_in_their_order(names: Any) -> None:
    found = checked_class_names(names)
    assert found == ("b", "a")
    assert {type(name) for name in found} == {str}


@pytest.mark.parametrize(
    "names",
    [
        {"a", "b"},
        frozenset("ab"),
        {"a": 0, "b": 1},
        "ab",
        iter("ab"),
        [],
        5,
        [1, 2],
        [b"a", b"b"],
        ["a", None],
        ["a", ""],
        ["a", "b\n"],
        ["a", "\x1b[2J"],
        ["a", "a"],
        np.array([["a", "b"]]),
    ],
)
def test_what_is_no_list_of_names_is_refused_in_one_line(names: Any) -> None:
    with pytest.raises(ConfigError, match=r"^class_names: found ") as refused:
        checked_class_names(names)
    assert len(str(refused.value).splitlines()) == 1
