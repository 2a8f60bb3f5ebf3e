"""Saves a network so that the same weights are the same bytes, and a kill leaves no part of a file.

Keras writes the time of day into a file, and names what layers share by its
place in memory.
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import keras

_CONFIG = "config.json"
_METADATA = "metadata.json"
_SHARED = "shared_object_id"


def save_reproducibly(network: keras.Model, path: Path) -> None:
    """Writes a `.keras` file that depends on the network alone.

    Args:
      network: To save.
      path: Whose folder may be missing.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    dated, undated = (path.with_name(f"{path.stem}.{name}.keras") for name in ("dated", "partial"))
    network.save(dated)
    with zipfile.ZipFile(dated) as source, zipfile.ZipFile(undated, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name == _CONFIG:
                content = json.dumps(_numbered(json.loads(content), {})).encode()
            if name == _METADATA:
                content = json.dumps({**json.loads(content), "date_saved": ""}).encode()
            # The oldest date that an archive can have.
            target.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content)
    undated.replace(path)
    dated.unlink()


def _numbered(config: Any, numbers: dict[int, int]) -> Any:
    """Returns a configuration in which shared objects are numbered in the order that they appear in.

    Args:
      config: Parsed JSON.
      numbers: Those given so far, by what was written; it is added to.
    """
    if isinstance(config, list):
        return [_numbered(item, numbers) for item in config]
    if isinstance(config, dict):
        return {
            key: numbers.setdefault(value, len(numbers)) if key == _SHARED else _numbered(value, numbers)
            for key, value in config.items()
        }
    return config
