"""A commented configuration to start from."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from learn2compress.config.parsing import ConfigError


def write_starter(path: Path) -> None:
    """Writes the starter; never over a file that is there.

    Raises:
      ConfigError: the file exists or can't be written.
    """
    text = resources.files("pipelines").joinpath("configs/starter.yaml").read_text(encoding="utf-8")
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise ConfigError(f"PATH: {path} is there already, accepted is a new file") from None
    except OSError as error:
        raise ConfigError(f"PATH: {path}: {error.strerror}, accepted is a file that can be written") from None
