"""What a compiled step is told about itself: a part of its command, written by the compiler, read in the container.

The backend hands a container values without our types: integers as doubles,
artifacts without their properties' types. The types are those of the TFX
component's spec, and travel here.
"""

from __future__ import annotations

import dataclasses
import json
from enum import StrEnum

from pydantic import TypeAdapter

Value = int | float | str

REFUSALS_VARIABLE = "L2C_REFUSALS"
"""Variable of every step, for those that keep no checkpoints: URL below which is kept what was refused.

Kubeflow's cache does not look at variables.
"""

FINGERPRINT = "data_fingerprint"
"""Parameter of the step that reads the data; what makes it read them again."""


class ParameterKind(StrEnum):
    """Types of parameters, as Kubeflow calls them."""

    INTEGER = "NUMBER_INTEGER"
    NUMBER = "NUMBER_DOUBLE"
    TEXT = "STRING"

    @classmethod
    def of(cls, kind: type) -> ParameterKind:
        """Returns the kind of a TFX parameter."""
        return {int: cls.INTEGER, float: cls.NUMBER, str: cls.TEXT}[kind]


class ViewKind(StrEnum):
    """Artifacts that Kubeflow's run graph draws, by their type there."""

    METRICS = "system.Metrics"
    CONFUSION = "system.ClassificationMetrics"
    PAGE = "system.HTML"
    TABLE = "system.Markdown"


@dataclasses.dataclass(frozen=True)
class View:
    """An output that people look at, and no step reads.

    Attributes:
      kind: What is drawn.
      source: Output of the component that it is drawn from.
    """

    kind: ViewKind
    source: str


@dataclasses.dataclass(frozen=True)
class ParameterTarget:
    """A place that a run parameter sets.

    Attributes:
      parameter: Parameter of the component.
      path: Keys and indices inside it, where it holds JSON.
    """

    parameter: str
    path: tuple[int | str, ...]


@dataclasses.dataclass(frozen=True)
class StepContract:
    """A step as its container needs to know it.

    Attributes:
      pipeline: The configuration's name.
      component: Component id, such as "Quantize.small".
      component_type: Import path of the component's class.
      executor: Import path of the executor's class.
      inputs: Import path of each input's artifact class.
      outputs: The same for outputs.
      parameters: Kind of each parameter that the step is given, run parameters included.
      constants: Long texts among the component's parameters, which it is not given: the driver of the whole graph has
        the values of all steps in one argument.
      overrides: Places that a run parameter sets, by the name under which the step gets it.
      views: What is drawn for people, by output name.
    """

    pipeline: str
    component: str
    component_type: str
    executor: str
    inputs: dict[str, str]
    outputs: dict[str, str]
    parameters: dict[str, ParameterKind]
    overrides: dict[str, tuple[ParameterTarget, ...]]
    views: dict[str, View]
    constants: dict[str, str] = dataclasses.field(default_factory=dict)

    def to_json(self) -> str:
        """Returns one line with sorted keys: the same contract is the same command, which the cache looks at."""
        return json.dumps(_ADAPTER.dump_python(self, mode="json"), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> StepContract:
        """Parses what `to_json` made."""
        return _ADAPTER.validate_json(text)


_ADAPTER = TypeAdapter(StepContract)
