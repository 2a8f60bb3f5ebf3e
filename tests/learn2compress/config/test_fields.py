"""Field types: their ranges, and that no float of any configuration class takes an infinity or NaN."""

from __future__ import annotations

import dataclasses
import importlib
import math
import pkgutil
import typing
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

import learn2compress.config
from learn2compress.config.fields import LearningRate, Name, PositiveInt, Ratio, Size, Uri
from learn2compress.config.parsing import ConfigError, parse

# What fields that are required, or are only accepted beside others, need.
BESIDE: dict[str, dict[str, Any]] = {
    "BudgetConfig": {"max_macs": 1},
    "PretrainedConfig": {"uri": "a.keras", "exits": ["a"]},
    "StudentConfig": {"name": "small"},
    "TeacherConfig": {"uri": "a.keras"},
    "TeacherMemberConfig": {"uri": "a.keras"},
}


def config_classes() -> dict[str, type]:
    modules = [
        importlib.import_module(f"learn2compress.config.{module.name}")
        for module in pkgutil.iter_modules(learn2compress.config.__path__)
    ]
    found = [item for module in modules for item in vars(module).values() if isinstance(item, type)]
    return {item.__name__: item for item in found if dataclasses.is_dataclass(item)}


def holds_float(annotation: Any) -> bool:
    return annotation is float or any(holds_float(part) for part in typing.get_args(annotation))


def value_of(annotation: Any, number: float) -> Any:
    """A value of a float field, of a pair of floats, or of a mapping to floats."""
    kind = typing.get_origin(annotation)
    if kind is tuple:
        return tuple(number for _ in typing.get_args(annotation))
    return {"some": number} if kind is dict else number


FLOAT_FIELDS = [
    (cls, name, annotation)
    for cls in config_classes().values()
    for name, annotation in typing.get_type_hints(cls).items()
    if holds_float(annotation)
]


def test_the_float_fields_are_found() -> None:
    names = {f"{cls.__name__}.{name}" for cls, name, _ in FLOAT_FIELDS}
    assert {
        "TrainingConfig.gradient_clip_norm",
        "InputScaling.add",
        "SearchConfig.sparsity_ratio",
        "PruneConfig.layer_sparsity_ratios",
        "ConstraintsConfig.max_latency_ms",
        "PodConfig.memory_gib",
    } <= names


@pytest.mark.parametrize("number", [math.inf, -math.inf, math.nan])
@pytest.mark.parametrize(
    ("cls", "name", "annotation"), FLOAT_FIELDS, ids=[f"{cls.__name__}.{name}" for cls, name, _ in FLOAT_FIELDS]
)
def test_no_float_field_takes_an_infinity_or_nan(cls: type, name: str, annotation: Any, number: float) -> None:
    beside = BESIDE.get(cls.__name__, {})
    with pytest.raises(ConfigError, match=name):
        parse(cls, beside | {name: value_of(annotation, number)})
    with pytest.raises(ValueError, match=name):
        cls(**beside | {name: value_of(annotation, number)})


@pytest.mark.parametrize("number", [0.0, -1.0, 1e39])
def test_a_clip_norm_is_a_length_that_float32_has(number: float) -> None:
    with pytest.raises(ConfigError, match="gradient_clip_norm: found"):
        parse(learn2compress.config.TrainingConfig, {"gradient_clip_norm": number})


def test_no_scaling_overflows_float32() -> None:
    for changed in ({"multiply": 1e39}, {"multiply": 1e-46}, {"add": -1e39}):
        with pytest.raises(ConfigError):
            parse(learn2compress.config.InputScaling, changed)


@pytest.mark.parametrize(
    ("kind", "accepted", "refused"),
    [
        (Name, ["a", "large_2", "a" * 32], ["", "A", "2a", "a-b", "a" * 33, "a\n"]),
        (Ratio, [0.0, 0.5, 1.0], [-0.1, 1.1, float("nan")]),
        (PositiveInt, [1, 10**9], [0, -1, 1.5, "1"]),
        (Size, [1, 4096], [0, 4097]),
        (LearningRate, [1e-9, 1.0], [0.0, 1.1, float("inf")]),
        (
            Uri,
            ["teacher.keras", "/data/*.png", "s3://bucket/a@b", "https://host/a@b?download=1"],
            ["", "a\nb", "a" * 2049],
        ),
    ],
    ids=["name", "ratio", "positive_int", "size", "learning_rate", "uri"],
)
def test_ranges(kind: Any, accepted: list[Any], refused: list[Any]) -> None:
    adapter = TypeAdapter(kind)
    assert [adapter.validate_python(value, strict=True) for value in accepted] == accepted
    for value in refused:
        with pytest.raises(ValidationError):
            adapter.validate_python(value, strict=True)


@pytest.mark.parametrize(
    "uri",
    [
        "https://h/t.keras?X-Amz-Signature=abc&token=secret",
        "https://h/t.keras?download=1&token=secret",
        "https://h/t.keras?x%2Damz-Credential=abc",
        "https://h/t.keras?AWSAccessKeyId=a&Signature=b&Expires=1",
        "https://h/t.keras?X-Goog-Signature=abc",
        "https://account.blob.core.windows.net/c/t.keras?sv=2022-11-02&sr=b&sig=abc",
        "https://h/t.keras?access_token=a",
        "https://h/t.keras?api-key=a",
        "https://h/t.keras#key=a?key=a",
    ],
)
def test_a_signed_address_is_refused_and_not_repeated(uri: str) -> None:
    with pytest.raises(ConfigError, match=r"uri: found the credential .*they belong into the environment") as caught:
        parse(learn2compress.config.TeacherConfig, {"uri": uri})
    assert "abc" not in str(caught.value)
    assert "secret" not in str(caught.value)


def test_other_parameters_of_an_address_are_accepted() -> None:
    for uri in ("https://h/t.keras?download=1&version=3", "data/what?/keys=3.png", "s3://b/t.keras?versionId=x.Y_z"):
        assert TypeAdapter(Uri).validate_python(uri) == uri


@pytest.mark.parametrize("uri", ["s3://key:secret@bucket/x", "https://user@host/x"])
def test_credentials_in_a_uri_are_refused(uri: str) -> None:
    with pytest.raises(ValidationError, match="found credentials in the URI, accepted is a URI without them"):
        TypeAdapter(Uri).validate_python(uri)
