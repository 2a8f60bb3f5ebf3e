"""Which output is which class, by name or in order; each output once."""

from __future__ import annotations

from typing import Any

import pytest

from learn2compress.config import TeacherConfig
from learn2compress.config.parsing import ConfigError, parse, to_dict


@pytest.mark.parametrize("outputs", [{"cat": 281, "dog": 3}, [4, 0, 2]])
def test_names_and_lists_come_back_as_they_were_written(outputs: Any) -> None:
    config = parse(TeacherConfig, {"uri": "a.keras", "outputs": outputs})
    assert config.outputs == (outputs if isinstance(outputs, dict) else tuple(outputs))
    assert to_dict(config)["outputs"] == outputs


@pytest.mark.parametrize(
    ("outputs", "message"),
    [
        (3, "outputs: found 3, accepted is {class: number}, or a list"),
        ({"cat": "tabby", "dog": 1}, "outputs: found 'tabby', accepted is the number of one of the teacher's outputs"),
        ([1, -1], "outputs: found -1, accepted is the number"),
        ([1, True], "outputs: found True"),
        ([1], "outputs: found outputs [1], accepted are two or more"),
        ({"cat": 1, "dog": 1}, "outputs: found outputs [1, 1], accepted are two or more, each of them once"),
    ],
)
def test_what_is_no_output_is_named(outputs: Any, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(TeacherConfig, {"uri": "a.keras", "outputs": outputs})
    assert str(caught.value).startswith(message)
