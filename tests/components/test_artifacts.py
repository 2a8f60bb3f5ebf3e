"""Types of artifacts have names and properties of their own, which ML Metadata can keep."""

from __future__ import annotations

import inspect

import pytest
from tfx.types.artifact import Artifact, PropertyType

import components.artifacts
from learn2compress import file_names

TYPES = [
    item
    for _, item in inspect.getmembers(components.artifacts, inspect.isclass)
    if issubclass(item, Artifact) and item is not Artifact
]
FILES = {
    name: value
    for module in (components.artifacts, file_names)
    for name, value in vars(module).items()
    if name.endswith("_FILE")
}
EXAMPLES_OF = {PropertyType.INT: 3, PropertyType.FLOAT: 0.25, PropertyType.STRING: "words"}


def test_no_two_types_have_one_name() -> None:
    names = [kind.TYPE_NAME for kind in TYPES]
    assert len(set(names)) == len(names) >= 11
    assert all(name.startswith("L2C") for name in names)


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.TYPE_NAME)
def test_properties_are_kept_as_they_are_set(kind: type[Artifact]) -> None:
    artifact = kind()
    for name, declared in kind.PROPERTIES.items():
        setattr(artifact, name, EXAMPLES_OF[declared.type])
    copy = kind()
    copy.set_mlmd_artifact(artifact.mlmd_artifact)
    assert {name: getattr(copy, name) for name in kind.PROPERTIES} == {
        name: EXAMPLES_OF[declared.type] for name, declared in kind.PROPERTIES.items()
    }
    assert set(copy.mlmd_artifact.properties) == set(kind.PROPERTIES)


def test_no_two_files_of_an_artifact_can_have_one_name() -> None:
    assert len(set(FILES.values())) == len(FILES) >= 14
    assert all("/" not in name for name in FILES.values())
