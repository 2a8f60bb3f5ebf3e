"""A team's own ML Metadata store, to which the steps of a cluster run write their lineage."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from learn2compress.config.fields import STRICT
from learn2compress.config.secret_variable import SecretVariableConfig
from learn2compress.config.store_address import StoreAddress, StoreKind


@dataclass(frozen=True, config=STRICT)
class MetadataConfig:
    """Where lineage is mirrored to, and what happens when it can't be."""

    store: Annotated[str, Field(min_length=1, max_length=1024)]
    """`mysql://USER@HOST[:PORT]/DATABASE` (MySQL, MariaDB), `grpc://HOST:PORT` (a server of ML Metadata), or the path
    of an SQLite file on a volume that one step at a time writes to."""
    password: SecretVariableConfig | None = None
    """MySQL: the secret that holds the password, and the variable in which the steps get it."""
    required: bool = False
    """A step fails where its lineage can't be written; otherwise it logs a warning and continues."""
    timeout_seconds: Annotated[int, Field(ge=1, le=3600)] = 60
    """How long a step tries to reach the store, before its work and again after it."""

    @model_validator(mode="after")
    def _check(self) -> MetadataConfig:
        try:
            address = StoreAddress.parse(self.store)
        except ValueError as error:
            raise ValueError(f"store: {error}") from None
        if address.kind is StoreKind.SQLITE and not address.path.startswith("/"):
            raise ValueError(
                f"store: found the relative path {self.store!r}, accepted is an absolute one: containers have folders "
                "of their own"
            )
        if self.password is not None and address.kind is not StoreKind.MYSQL:
            raise ValueError(f"password: found one for a {address.kind.value} store, accepted is one for mysql")
        return self
