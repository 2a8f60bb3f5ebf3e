"""Field types that several parts of the configuration use."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field

# Infinities and NaN, which YAML has, satisfy a lower bound or no comparison at all.
STRICT = ConfigDict(extra="forbid", strict=True, use_attribute_docstrings=True, allow_inf_nan=False)

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
Ratio = Annotated[float, Field(ge=0.0, le=1.0)]
PositiveInt = Annotated[int, Field(ge=1)]
Size = Annotated[int, Field(ge=1, le=4096)]


def _without_credentials(uri: str) -> str:
    if "@" in uri.partition("://")[2].partition("/")[0]:
        raise ValueError("found credentials in the URI, accepted is a URI without them: lineage would show them")
    return uri


Uri = Annotated[
    str, Field(min_length=1, max_length=2048, pattern=r"^[^\x00-\x1f]+$"), AfterValidator(_without_credentials)
]
# What a pixel is multiplied by or moved by; float32 has it with room for what is computed of it.
Multiplier = Annotated[float, Field(ge=1e-6, le=1e6)]
Addend = Annotated[float, Field(ge=-1e6, le=1e6)]
LearningRate = Annotated[float, Field(gt=0.0, le=1.0)]
