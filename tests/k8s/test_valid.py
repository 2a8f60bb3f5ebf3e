"""Every object is one that Kubernetes takes, by the published schemas of three versions, with no unknown field."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable
from typing import Any

import kubernetes_validate
import pytest
from kubernetes_validate import utils

VERSIONS = ("1.31", "1.34", "1.37")
# Of Argo Events, whose schemas Kubernetes does not have; the Job inside the Sensor is validated.
CUSTOM_KINDS = {"EventSource", "Sensor"}


@pytest.fixture(scope="module", autouse=True)
def _schemas_read_once() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(utils, "schema_contents", functools.lru_cache(utils.schema_contents))
        yield


@pytest.mark.parametrize("version", VERSIONS)
def test_every_object_is_valid(distinct_objects: list[dict[str, Any]], version: str) -> None:
    standard = [thing for thing in distinct_objects if thing["kind"] not in CUSTOM_KINDS]
    assert len(standard) > 30
    for thing in standard:
        assert kubernetes_validate.validate(thing, version, strict=True) == version, thing["metadata"]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda thing: thing["spec"].update(replica=1),
        lambda thing: thing["spec"]["template"]["spec"]["containers"][0].pop("name"),
        lambda thing: thing["spec"].update(replicas="one"),
    ],
)
def test_an_object_with_a_mistake_is_not(
    distinct_objects: list[dict[str, Any]], spoil: Callable[[dict[str, Any]], None]
) -> None:
    thing = copy.deepcopy(next(thing for thing in distinct_objects if thing["kind"] == "Deployment"))
    spoil(thing)
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(thing, VERSIONS[-1], strict=True)
