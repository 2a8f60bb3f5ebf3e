"""A spec is filled from the arguments of a component, by name."""

from __future__ import annotations

import dataclasses
import json
from typing import ClassVar

import pytest
from tfx.types.channel import Channel
from tfx.types.component_spec import ChannelParameter, ComponentSpec

from components.artifacts import Examples, Student
from components.component_spec import extend_spec, fill_spec
from components.parameters import parameters_of


@dataclasses.dataclass(frozen=True)
class Settings:
    epochs: int = 3
    note: str | None = None


class Spec(ComponentSpec):
    PARAMETERS = parameters_of(Settings, other=str, options=str, seed=int)
    INPUTS: ClassVar = {"examples": ChannelParameter(type=Examples)}
    OUTPUTS: ClassVar = {
        "student": ChannelParameter(type=Student),
        "extra": ChannelParameter(type=Student, optional=True),
    }


EXAMPLES = Channel(type=Examples)
ARGUMENTS = {"examples": EXAMPLES, "settings": Settings(), "other": Settings(4), "options": ("--a", "--b"), "seed": 7}


def test_arguments_become_inputs_and_parameters() -> None:
    spec = fill_spec(Spec, {"self": None, **ARGUMENTS})
    assert spec.inputs == {"examples": EXAMPLES}
    assert {name: output.type for name, output in spec.outputs.items()} == {"student": Student}
    assert spec.exec_properties == {
        "epochs": 3,
        "note": "",
        "other": json.dumps({"epochs": 4, "note": None}),
        "options": '["--a", "--b"]',
        "seed": 7,
    }


def test_an_optional_output_is_there_when_it_is_asked_for() -> None:
    assert set(fill_spec(Spec, ARGUMENTS, optional_outputs=["extra"]).outputs) == {"student", "extra"}


@pytest.mark.parametrize(
    ("changes", "said"), [({"sed": 1}, "Spec: no input or parameter 'sed'"), ({"settings": 1}, "'settings'")]
)
def test_an_argument_that_the_spec_does_not_have_is_refused(changes: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        fill_spec(Spec, ARGUMENTS | changes)


def test_an_argument_that_is_missing_is_refused() -> None:
    with pytest.raises(ValueError, match="Missing argument 'seed'"):
        fill_spec(Spec, {name: value for name, value in ARGUMENTS.items() if name != "seed"})


def test_an_extended_spec_leaves_the_first_as_it_was() -> None:
    extended = extend_spec(Spec, inputs={"large": Student}, outputs={"small": Student})
    assert set(extended.INPUTS) == {"examples", "large"}
    assert set(extended.OUTPUTS) == {"student", "extra", "small"}
    assert (set(Spec.INPUTS), extended.__name__) == ({"examples"}, "Spec")
