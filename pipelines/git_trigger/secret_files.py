"""Secrets, one file each, as Kubernetes mounts them; read when they are needed, so that a new one is seen at once."""

from __future__ import annotations

import os
import re
from pathlib import Path

from learn2compress.config.parsing import ConfigError

SECRETS_VARIABLE = "L2C_SECRETS"

_MAX_BYTES = 4096
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class SecretFiles:
    """A folder of secrets.

    Args:
      folder: The folder; `None` for the one that `L2C_SECRETS` names.

    Raises:
      ConfigError: there is no such folder.
    """

    def __init__(self, folder: Path | None = None):
        named = folder or os.environ.get(SECRETS_VARIABLE)
        if not named or not Path(named).is_dir():
            raise ConfigError(f"{SECRETS_VARIABLE}: found {named or 'nothing'}, accepted is a folder of secret files")
        self._folder = Path(named)

    def get(self, name: str) -> str | None:
        """Returns a secret without the line end that editors put behind it; `None` if there is none."""
        if not _NAME.fullmatch(name):
            raise ValueError(f"found secret name {name!r}, accepted are letters, digits and . _ -")
        try:
            with (self._folder / name).open("rb") as file:
                text = file.read(_MAX_BYTES).decode("utf-8").strip()
        except (OSError, UnicodeDecodeError):
            return None
        return text or None

    def require(self, name: str) -> str:
        """Returns a secret that must be there.

        Raises:
          ConfigError: it isn't.
        """
        found = self.get(name)
        if found is None:
            raise ConfigError(
                f"{SECRETS_VARIABLE}: there is no secret {name!r}; put a readable file of that name into {self._folder}"
            )
        return found

    def of_webhook(self, provider: str) -> tuple[str, ...]:
        """Returns the secrets that sign a provider's deliveries now: one, or two while they are changed."""
        found = (self.get(f"webhook-{provider}"), self.get(f"webhook-{provider}-previous"))
        return tuple(secret for secret in found if secret is not None)
