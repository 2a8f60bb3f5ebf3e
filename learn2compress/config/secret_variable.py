"""A value that stands in a Kubernetes secret and nowhere else."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from pydantic.dataclasses import dataclass

from learn2compress.config.fields import STRICT

ObjectName = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$")]


@dataclass(frozen=True, config=STRICT)
class SecretVariableConfig:
    """An environment variable whose value is in a Kubernetes secret."""

    secret: ObjectName
    """Name of the secret."""
    key: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,253}$")]
    """Key in it."""
    variable: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,127}$")]
    """Name of the variable."""
