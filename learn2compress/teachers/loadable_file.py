"""Gives Keras the file that was found safe: as it is, or a copy with its configuration rewritten."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import h5py

from learn2compress.teachers import keras_config
from learn2compress.teachers.formats import TeacherFormat
from learn2compress.teachers.loadable_config import make_loadable

CONFIG_FILE = "config.json"
CONFIG_ATTRIBUTE = "model_config"


def checked_config(text: str | bytes, name: str, *, legacy: bool) -> tuple[dict[str, Any], bool]:
    """Reads a configuration, rewrites it where this Keras needs that, and checks the result for safety.

    Args:
      text: The JSON.
      name: Where it stands, for messages.
      legacy: Whether it is of a `.h5` file, where layers carry no module.

    Returns:
      The configuration to load, and whether it differs from what is stored.

    Raises:
      UnsafeTeacherError: naming the class and where it stands.
      ConfigError: it is no JSON object of a model, or has a layer that this Keras has nothing for.
    """
    config = keras_config.parse(text, name)
    # Compilation is dropped when loading (compile=False), so a custom loss there is never built.
    config.pop("compile_config", None)
    changed = make_loadable(config, name)
    keras_config.check(config, name, legacy=legacy)
    return config, changed


def loadable_file(path: Path, found: TeacherFormat, folder: Path) -> Path:
    """Makes a file that Keras loads, with the suffix by which Keras tells formats.

    Args:
      path: A `.keras` or `.h5` file that was found safe.
      found: Its format.
      folder: Where a link or a copy is made.

    Returns:
      A link to the file, or a copy with a rewritten configuration.

    Raises:
      UnsafeTeacherError, ConfigError: as `checked_config`, of what is loaded.
    """
    target = folder / f"teacher.{found.value}"
    if found is TeacherFormat.H5:
        with h5py.File(path, "r") as file:
            config, changed = checked_config(file.attrs[CONFIG_ATTRIBUTE], str(path), legacy=True)
        if changed:
            shutil.copyfile(path, target)
            with h5py.File(target, "r+") as file:
                file.attrs[CONFIG_ATTRIBUTE] = json.dumps(config).encode()
            return target
    else:
        with zipfile.ZipFile(path) as archive:
            config, changed = checked_config(archive.read(CONFIG_FILE), str(path), legacy=False)
            if changed:
                _write_archive(archive, config, target)
                return target
    target.symlink_to(path.resolve())
    return target


def _write_archive(archive: zipfile.ZipFile, config: dict[str, Any], target: Path) -> None:
    with zipfile.ZipFile(target, "w") as copy:
        copy.writestr(CONFIG_FILE, json.dumps(config))
        for member in archive.infolist():
            if member.filename != CONFIG_FILE and not member.is_dir():
                with archive.open(member) as source, copy.open(member.filename, "w", force_zip64=True) as into:
                    shutil.copyfileobj(source, into, 1024 * 1024)
