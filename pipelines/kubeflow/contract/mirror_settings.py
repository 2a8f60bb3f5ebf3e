"""How a step knows where its lineage is mirrored to: variables that the compiler sets and the step reads.

Kubeflow's cache looks at commands and inputs, not at variables: another store
makes no step run again. The password's variable is filled from a secret.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from learn2compress.config import MetadataConfig
from learn2compress.config.parsing import ConfigError
from learn2compress.config.store_address import StoreAddress

SETTINGS_VARIABLE = "L2C_METADATA"
RUN_VARIABLE = "L2C_RUN_ID"
# The backend labels every pod of a run with the run's ID.
RUN_FIELD = "metadata.labels['pipeline/runid']"
# Set by the backend itself.
POD_VARIABLE = "KFP_POD_NAME"


@dataclasses.dataclass(frozen=True)
class MirrorSettings:
    """A store, what happens when it can't be reached, and who writes.

    Attributes:
      address: Where it is.
      password: Of the database's user.
      required: Whether a step fails where it can't be reached.
      timeout_seconds: How long a record is tried to be written.
      run_id: Kubeflow's ID of this run.
      pod: Name of this pod.
    """

    address: StoreAddress
    password: str = dataclasses.field(repr=False)
    required: bool
    timeout_seconds: float
    run_id: str
    pod: str

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> MirrorSettings | None:
        """Reads a step's variables; returns `None` where they name no store.

        Raises:
          ConfigError: a variable is missing, or is none that a compiled package sets.
        """
        if not (text := environment.get(SETTINGS_VARIABLE)):
            return None
        try:
            settings: dict[str, Any] = json.loads(text)
            address = StoreAddress.parse(settings["store"])
            variable, required = settings["password_variable"], settings["required"]
            timeout_seconds = float(settings["timeout_seconds"])
        except (ValueError, KeyError, TypeError) as error:
            raise ConfigError(
                f"{SETTINGS_VARIABLE} can't be read ({type(error).__name__} {error}); compile again with the code of "
                "the image"
            ) from None
        for name in (RUN_VARIABLE, variable):
            if name and not environment.get(name):
                raise ConfigError(f"{name} is not set; see that the pod has it, and the secret that it may come from")
        password = environment[variable] if variable else ""
        pod = environment.get(POD_VARIABLE, "")
        return cls(address, password, required, timeout_seconds, environment[RUN_VARIABLE], pod)


def mirror_variables(config: MetadataConfig | None) -> dict[str, str]:
    """Returns the variables of every step's container; no secret is among them."""
    if config is None:
        return {}
    settings = {
        "store": config.store,
        "password_variable": config.password.variable if config.password is not None else "",
        "required": config.required,
        "timeout_seconds": config.timeout_seconds,
    }
    return {SETTINGS_VARIABLE: json.dumps(settings, sort_keys=True)}
