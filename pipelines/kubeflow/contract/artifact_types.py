"""Our artifacts as Kubeflow has them: one of its few types, and our properties as metadata.

Kubeflow keeps metadata as untyped properties of the artifact, and shows them on
its page. What we add to them: our own type, the pipeline (the artifact list's
column reads that key) and a name that says where the artifact comes from.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Mapping
from typing import Any

from tfx.types.artifact import Artifact, PropertyType

from components import artifacts
from learn2compress.config.parsing import ConfigError
from pipelines.kubeflow.contract.step_contract import Value

TYPE_KEY = "artifact_type"
PIPELINE_KEY = "pipeline_name"
NAME_KEY = "display_name"

_ADDED = frozenset({TYPE_KEY, PIPELINE_KEY, NAME_KEY, "name", "store_session_info"})
_DATASETS = frozenset({artifacts.Examples.TYPE_NAME, artifacts.TeacherLogits.TYPE_NAME})
_MODELS = frozenset(
    kind.TYPE_NAME for kind in (artifacts.Teacher, artifacts.Student, artifacts.Family, artifacts.LiteRtModel)
)


def schema_title(artifact_class: type[Artifact]) -> str:
    """Returns the type under which Kubeflow keeps artifacts of a class; its SDK accepts none but its own."""
    if artifact_class.TYPE_NAME in _DATASETS:
        return "system.Dataset"
    return "system.Model" if artifact_class.TYPE_NAME in _MODELS else "system.Artifact"


def class_path(kind: type) -> str:
    """Returns the import path of a class."""
    return f"{kind.__module__}.{kind.__qualname__}"


def load_class(path: str) -> Any:
    """Returns the class at an import path of `class_path`."""
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(module), name)


def restore_artifact(artifact_class: type[Artifact], uri: str, metadata: Mapping[str, Any]) -> Artifact:
    """Returns an artifact with the properties that its producer set, in their own types.

    Args:
      artifact_class: Whose PROPERTIES say which type a property has.
      uri: A local folder.
      metadata: What Kubeflow has, where every number is a double.

    Raises:
      ConfigError: a value does not fit its property.
    """
    artifact = artifact_class()
    artifact.uri = uri
    types = artifact_class.PROPERTIES or {}
    for name, value in metadata.items():
        if name in types:
            setattr(artifact, name, _typed(f"{artifact_class.TYPE_NAME}.{name}", value, types[name].type))
        elif name not in _ADDED and isinstance(value, str):
            artifact.set_string_custom_property(name, value)
        elif name not in _ADDED and isinstance(value, int | float):
            artifact.set_float_custom_property(name, float(value))
    return artifact


def properties_of(artifact: Artifact) -> dict[str, Value]:
    """Returns the properties that were set, by name; numbers that JSON does not have are left out."""
    message = artifact.mlmd_artifact
    found: dict[str, Value] = {}
    for name, value in sorted({**message.properties, **message.custom_properties}.items()):
        content = getattr(value, value.WhichOneof("value"))
        if isinstance(content, str | int) or (isinstance(content, float) and math.isfinite(content)):
            found[name] = content
    return found


def metadata_of(pipeline: str, component: str, output: str, kind: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    """Returns an output's metadata.

    Args:
      pipeline: The configuration's name.
      component: Component id.
      output: Name of the output.
      kind: Our own type of it.
      properties: What is known about it.
    """
    return {
        **properties,
        TYPE_KEY: kind,
        PIPELINE_KEY: pipeline,
        NAME_KEY: f"{component} {output.replace('_', ' ')}",
    }


def _typed(name: str, value: Any, kind: PropertyType) -> Value:
    fits = isinstance(value, str) if kind is PropertyType.STRING else _is_number(value)
    if kind is PropertyType.INT:
        fits = fits and float(value).is_integer()
    if not fits:
        raise ConfigError(
            f"{name}: the metadata have {value!r}, which is no {kind.name}; compile again with the code of the image"
        )
    converters: dict[PropertyType, type] = {PropertyType.INT: int, PropertyType.FLOAT: float}
    converted: Value = converters.get(kind, str)(value)
    return converted


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
