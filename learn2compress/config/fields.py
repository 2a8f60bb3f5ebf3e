"""Field types that several parts of the configuration use."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field

from learn2compress.config.credentials import credential_in

# Infinities and NaN, which YAML has, satisfy a lower bound or no comparison at all.
STRICT = ConfigDict(extra="forbid", strict=True, use_attribute_docstrings=True, allow_inf_nan=False)

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
Ratio = Annotated[float, Field(ge=0.0, le=1.0)]
# A loss of more than half of everything is a ratio that was written in points.
SmallRatio = Annotated[float, Field(ge=0.0, le=0.5)]
PositiveInt = Annotated[int, Field(ge=1)]
Size = Annotated[int, Field(ge=1, le=4096)]

_INSTEAD = (
    "accepted is a URI without them, which lineage would show: they belong into the environment, such as "
    "AWS_ACCESS_KEY_ID for s3://, or into the service account"
)


def _without_credentials(uri: str) -> str:
    found = credential_in(uri)
    if found is not None:
        raise ValueError(f"found {found} in the URI, {_INSTEAD}")
    return uri


Uri = Annotated[
    str, Field(min_length=1, max_length=2048, pattern=r"^[^\x00-\x1f]+$"), AfterValidator(_without_credentials)
]
LearningRate = Annotated[float, Field(gt=0.0, le=1.0)]
