"""Examples given by a path: a folder of images by class, one with parts to train on and to measure with, or a file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from learn2compress import progress
from learn2compress.compression.local_path import resolved_path
from learn2compress.config import DataFormat
from learn2compress.config.parsing import ConfigError
from learn2compress.data.format_of_name import format_of_name

_PARTS_TO_TRAIN = ("train", "training")
_PARTS_HELD_OUT = ("test", "validation", "val", "valid", "held_out")


def is_path(data: Any) -> bool:
    """Returns whether examples were given as a path or URL."""
    return isinstance(data, (str, os.PathLike))


def path_settings(train: Any, held_out: Any, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the configuration's `data` for examples that were given as paths.

    Args:
      train: A path or URL: a folder with a folder of images for each class, or with `train/` and `test/` (or
        `validation/`) in it; or a file.
      held_out: Likewise, or `None`.
      settings: Keys of `data` that were given beside them.

    Returns:
      Plain settings with `format`, `uri` and `held_out_uri`.

    Raises:
      ConfigError: `held_out` is no path.
    """
    if held_out is not None and not is_path(held_out):
        raise ConfigError("held_out: found examples in memory beside a path as train, accepted is a path, too")
    uri, apart = _absolute(train, "train"), None if held_out is None else _absolute(held_out, "held_out")
    data_format = settings.get("format") or (format_of_name(uri) or DataFormat.IMAGE_FOLDER).value
    if apart is None and data_format == DataFormat.IMAGE_FOLDER:
        uri, apart = _parts(uri)
    found = dict(settings) | {"format": data_format, "uri": uri}
    return found | ({} if apart is None else {"held_out_uri": apart})


def _absolute(path: Any, field: str) -> str:
    text = os.fspath(path)
    is_url = isinstance(text, str) and "://" in text and "\0" not in text
    return text if is_url else str(resolved_path(path, field, "the path or URL of a folder of images or of a file"))


def _parts(uri: str) -> tuple[str, str | None]:
    """Returns the folders to train on and to measure with, where one holds both, and says which are taken."""
    if "://" in uri or not Path(uri).is_dir():
        return uri, None
    folders = {path.name.lower(): path for path in sorted(Path(uri).iterdir()) if path.is_dir()}
    train = next((folders[name] for name in _PARTS_TO_TRAIN if name in folders), None)
    held_out = [folders[name] for name in _PARTS_HELD_OUT if name in folders]
    others = set(folders) - {*_PARTS_TO_TRAIN, *_PARTS_HELD_OUT}
    if train is None or not held_out or others:
        return uri, None
    unused = "".join(f"; {path.name}/ is not used" for path in held_out[1:])
    progress.notice(
        "data",
        f"train: found {train.name}/ and {held_out[0].name}/ in {uri}: trained on the one, measured with the other"
        + unused,
    )
    return str(train), str(held_out[0])
