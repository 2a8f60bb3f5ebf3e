"""Examples given by a path: a folder of images by class, one with parts such as `train/` and `test/`, or a file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from learn2compress import progress
from learn2compress.compression.local_path import resolved_path
from learn2compress.config import DataFormat
from learn2compress.config.parsing import ConfigError
from learn2compress.data.format_of_name import format_of_name
from learn2compress.data.locations import Location
from learn2compress.data.split_folders import find_split_folders


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
    splits = find_split_folders(Location(uri, "train"), DataFormat.IMAGE_FOLDER)
    if splits is None or splits.test is None:
        return uri, {}
    parts = {"held_out_uri": splits.test}
    train, test = (part.rpartition("/")[2] for part in (splits.train, splits.test))
    said = f"train: found {train}/ and {test}/ in {uri}: trained on the one, measured with the other"
    unused = list(splits.unused)
    if splits.validation is not None:
        name = splits.validation.rpartition("/")[2]
        if may_choose:
            parts["validation_uri"] = splits.validation
            said += f", choices by {name}/"
        else:
            unused.append(name)
    progress.notice("data", said + "".join(f"; {name}/ is not used" for name in unused))
    return splits.train, parts
