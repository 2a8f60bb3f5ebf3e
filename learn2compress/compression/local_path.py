"""A path on this machine as a person hands it over."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from learn2compress.config.parsing import ConfigError, clipped


def local_path(value: Any, field: str, accepted: str) -> Path:
    """Reads a path, and puts the home folder in place of "~".

    Args:
      value: What was handed over.
      field: The argument, for the message.
      accepted: What it has to be, for the message.

    Returns:
      The path, not empty, as it was given otherwise.

    Raises:
      ConfigError: it is no path, empty, or of a user who is not there.
    """
    text = os.fspath(value) if isinstance(value, (str, os.PathLike)) else None
    if not isinstance(text, str) or not text.strip() or "\0" in text:
        raise ConfigError(f"{field}: found {clipped(repr(value))}, accepted is {accepted}")
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise ConfigError(
            f"{field}: found {clipped(text)}, and there is no such user; accepted is {accepted}"
        ) from None


def resolved_path(value: Any, field: str, accepted: str) -> Path:
    """Reads a path as `local_path` does, absolute and without links.

    Args:
      value: What was handed over.
      field: The argument, for the message.
      accepted: What it has to be, for the message.

    Raises:
      ConfigError: as `local_path`; or links lead in a circle.
    """
    found = local_path(value, field, accepted)
    try:
        return found.resolve()
    except (OSError, RuntimeError) as error:
        raise ConfigError(f"{field}: {found} can't be followed: {error}") from None
