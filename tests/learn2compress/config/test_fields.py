"""Types of fields that several parts of the configuration have."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from learn2compress.config.fields import LearningRate, Name, PositiveInt, Ratio, Size, Uri


@pytest.mark.parametrize(
    ("kind", "accepted", "refused"),
    [
        (Name, ["a", "large_2", "a" * 32], ["", "A", "2a", "a-b", "a" * 33, "a\n"]),
        (Ratio, [0.0, 0.5, 1.0], [-0.1, 1.1, float("nan")]),
        (PositiveInt, [1, 10**9], [0, -1, 1.5, "1"]),
        (Size, [1, 4096], [0, 4097]),
        (LearningRate, [1e-9, 1.0], [0.0, 1.1, float("inf")]),
        (Uri, ["teacher.keras", "/data/*.png", "s3://bucket/a@b", "https://host/x?a=b@c"], ["", "a\nb", "a" * 2049]),
    ],
    ids=["name", "ratio", "positive_int", "size", "learning_rate", "uri"],
)
def test_ranges(kind: Any, accepted: list[Any], refused: list[Any]) -> None:
    adapter = TypeAdapter(kind)
    assert [adapter.validate_python(value, strict=True) for value in accepted] == accepted
    for value in refused:
        with pytest.raises(ValidationError):
            adapter.validate_python(value, strict=True)


@pytest.mark.parametrize("uri", ["s3://key:secret@bucket/x", "https://user@host/x"])
def test_credentials_in_a_uri_are_refused(uri: str) -> None:
    with pytest.raises(ValidationError, match="found credentials in the URI, accepted is a URI without them"):
        TypeAdapter(Uri).validate_python(uri)
