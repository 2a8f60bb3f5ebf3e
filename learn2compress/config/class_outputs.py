"""Field type of which output of a teacher is which class of the data, for a teacher that knows more classes."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, PlainValidator

from learn2compress.config.channels import AS_LIST

_MOST_OUTPUTS = 1_000_000


def _check(value: Any) -> dict[str, int] | tuple[int, ...]:
    numbers = list(value.values()) if isinstance(value, dict) else value
    if not isinstance(numbers, list | tuple):
        raise ValueError(
            f"found {value!r}, accepted is {{class: number}}, or a list of numbers in the order of the data's classes"
        )
    for number in numbers:
        if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number < _MOST_OUTPUTS:
            raise ValueError(f"found {number!r}, accepted is the number of one of the teacher's outputs, from 0")
    if len(numbers) < 2 or len(set(numbers)) != len(numbers):
        raise ValueError(f"found outputs {list(numbers)}, accepted are two or more, each of them once")
    return {str(name): number for name, number in value.items()} if isinstance(value, dict) else tuple(numbers)


_Number = Annotated[int, Field(ge=0, lt=_MOST_OUTPUTS)]
_Schema = dict[str, _Number] | list[_Number]

ClassOutputs = Annotated[
    dict[str, int] | tuple[int, ...], PlainValidator(_check, json_schema_input_type=_Schema), AS_LIST
]
"""Numbers of outputs, from 0: by the names of the data's classes, or in their order."""
