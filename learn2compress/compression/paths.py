"""Examples given by a path: a folder of images by class, one with parts such as `train/` and `test/`, or a file."""

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
_PARTS_TO_CHOOSE_BY = ("validation", "val", "valid")
_PARTS_HELD_OUT = ("test", *_PARTS_TO_CHOOSE_BY, "held_out")


def is_path(data: Any) -> bool:
    """Returns whether examples were given as a path or URL."""
    return isinstance(data, (str, os.PathLike))


def path_settings(train: Any, held_out: Any, settings: Mapping[str, Any], validation: Any = None) -> dict[str, Any]:
    """Returns the configuration's `data` for examples that were given as paths.

    Args:
      train: A path or URL: a folder with a folder of images for each class, or with `train/` and `test/` (or
        `validation/`, or both) in it; or a file.
      held_out: Likewise, or `None`.
      settings: Keys of `data` that were given beside them.
      validation: As `held_out`.

    Returns:
      Plain settings with `format`, `uri`, `held_out_uri` and `validation_uri`.

    Raises:
      ConfigError: `held_out` or `validation` is no path.
    """
    uri, apart = _absolute(train, "train"), {}
    for name, path in (("held_out", held_out), ("validation", validation)):
        if path is not None and not is_path(path):
            raise ConfigError(f"{name}: found examples in memory beside a path as train, accepted is a path, too")
        if path is not None:
            apart[f"{name}_uri"] = _absolute(path, name)
    data_format = settings.get("format") or (format_of_name(uri) or DataFormat.IMAGE_FOLDER).value
    if held_out is None and data_format == DataFormat.IMAGE_FOLDER:
        uri, parts = _parts(uri, may_choose=validation is None and "validation_uri" not in settings)
        apart = parts | apart
    return dict(settings) | {"format": data_format, "uri": uri} | apart


def _absolute(path: Any, field: str) -> str:
    text = os.fspath(path)
    is_url = isinstance(text, str) and "://" in text and "\0" not in text
    return text if is_url else str(resolved_path(path, field, "the path or URL of a folder of images or of a file"))


def _parts(uri: str, *, may_choose: bool) -> tuple[str, dict[str, str]]:
    """Returns the folder to train on, and those to measure with and to choose by, where one holds them all.

    Says which are taken.

    Args:
      uri: A folder, or something else.
      may_choose: Whether a part may be taken to choose by.
    """
    if "://" in uri or not Path(uri).is_dir():
        return uri, {}
    folders = {path.name.lower(): path for path in sorted(Path(uri).iterdir()) if path.is_dir()}
    train = next((folders[name] for name in _PARTS_TO_TRAIN if name in folders), None)
    held_out = [folders[name] for name in _PARTS_HELD_OUT if name in folders]
    if train is None or not held_out or set(folders) - {*_PARTS_TO_TRAIN, *_PARTS_HELD_OUT}:
        return uri, {}
    others = held_out[1:]
    chosen_by = next((path for path in others if may_choose and path.name.lower() in _PARTS_TO_CHOOSE_BY), None)
    taken = "" if chosen_by is None else f", choices by {chosen_by.name}/"
    unused = "".join(f"; {path.name}/ is not used" for path in others if path != chosen_by)
    progress.notice(
        "data",
        f"train: found {train.name}/ and {held_out[0].name}/ in {uri}: trained on the one, measured with the other"
        + taken
        + unused,
    )
    return str(train), {"held_out_uri": str(held_out[0])} | (
        {} if chosen_by is None else {"validation_uri": str(chosen_by)}
    )
