"""Reads a configuration file, and says in one line what is wrong with it.

The file comes from somebody's repository: it is size-limited, and read by
`learn2compress.config.strict_yaml`, which refuses what multiplies or hides content.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from learn2compress.config import CompressionConfig, DataConfig
from learn2compress.config.overrides import OPTION, about_setting, override
from learn2compress.config.parsing import ConfigError, about, parse
from learn2compress.config.strict_yaml import read_yaml

MAX_FILE_BYTES = 256 * 1024
_DATA_EXAMPLES = (
    "where the examples are, such as data: {format: image_folder, uri: data/train} for a folder for each class, or "
    "data: {format: digits} for the handwritten digits that scikit-learn bundles"
)


def load_config(path: str | Path, settings: Sequence[str] = ()) -> CompressionConfig:
    """Reads a configuration file; relative paths in it are relative to its folder.

    Example:
      >>> from pathlib import Path
      >>> from learn2compress.config.file import load_config
      >>> _ = Path("digits.yaml").write_text('''
      ... name: digits
      ... data: {format: digits}
      ... teacher: {uri: teacher.keras}
      ... students: [{name: small, stage: 1}]
      ... push: {uri: pushed}
      ... ''')
      >>> config = load_config("digits.yaml")
      >>> [student.name for student in config.students]
      ['small']
      >>> config.teacher.uri == str(Path("teacher.keras").resolve())
      True

    Args:
      path: A YAML file of at most `MAX_FILE_BYTES`.
      settings: PATH=VALUE each, which stand over those of the file as if they were written there; see `override`.

    Returns:
      The configuration, with absolute paths.

    Raises:
      ConfigError: the file can't be read or is not accepted; the message names
        the field, what was found and what is accepted.
    """
    path = Path(path)
    try:
        text = _read(path).decode()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise ConfigError(f"{path}: {reason}; accepted is a readable YAML file") from error
    folder = Path(os.path.realpath(path)).parent
    with about(str(path)):
        of_file = _read_yaml(text)
    value = override(of_file, settings)
    try:
        return _resolve_paths(_parse_value(value), folder)
    except ConfigError as error:
        told = about_setting(str(error), value, settings)
        if told is None:
            is_of_settings = bool(settings) and _is_accepted(of_file, folder)
            told = f"{OPTION if is_of_settings else path}: {error}"
        raise type(error)(told) from error


def _is_accepted(value: dict[str, Any], folder: Path) -> bool:
    """Returns whether a file's configuration is accepted without settings over it."""
    try:
        _resolve_paths(_parse_value(dict(value)), folder)
    except ConfigError:
        return False
    return True


def _read(path: Path) -> bytes:
    """Returns the content of a plain file: a pipe would wait, and a device has no end."""
    if not path.is_file():
        path.stat()  # raises for what is not there
        raise ConfigError(f"{path}: found a folder, device or pipe, accepted is a YAML file")
    with path.open("rb") as file:
        content = file.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        raise ConfigError(f"{path}: found {path.stat().st_size} bytes, accepted are {MAX_FILE_BYTES} at most")
    return content


def is_utf8(path: str | Path) -> bool:
    """Returns whether a path is text that UTF-8 can write: what lineage, reports and JSON can hold."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return False
    return True


def parse_config(text: str) -> CompressionConfig:
    """Reads the text of a configuration file; paths in it stay as they are written.

    Example:
      >>> from learn2compress.config.file import parse_config
      >>> parse_config("{name: digits, seed: 7, taecher: {uri: teacher.keras}}")
      Traceback (most recent call last):
      ...
      learn2compress.config.parsing.ConfigError: taecher: found an unknown key, ...; did you mean 'teacher'?...

    Args:
      text: YAML.

    Raises:
      ConfigError: it is not accepted; the message names the field, what was found and what is accepted.
    """
    return _parse_value(_read_yaml(text))


def _parse_value(value: dict[str, Any]) -> CompressionConfig:
    if value.get("data") is None:  # "data:" and nothing behind it
        value.pop("data", None)
    config = parse(CompressionConfig, value)
    _check_data_are_named(value)
    return config


def json_schema() -> dict[str, Any]:
    """Returns the JSON schema of the configuration file, for editors."""
    schema: dict[str, Any] = TypeAdapter(CompressionConfig).json_schema()
    # What a file must say, though Python code may leave it out.
    schema["required"] = [*schema["required"], "data"]
    schema["$defs"]["DataConfig"]["required"] = ["format"]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "learn2compress configuration",
    } | schema


def _read_yaml(text: str) -> dict[str, Any]:
    value = read_yaml(text)
    if not isinstance(value, dict):
        raise ConfigError(f"found {type(value).__name__}, accepted is a mapping of settings")
    return value


def _check_data_are_named(value: dict[str, Any]) -> None:
    """Refuses a file that does not say what to train on: nobody means the bundled digits, the default, by that."""
    data = value.get("data")
    if data is None or (isinstance(data, dict) and "format" not in data):
        raise ConfigError(f"data.format: found nothing, accepted is {_DATA_EXAMPLES}")


def _resolve_paths(config: CompressionConfig, folder: Path) -> CompressionConfig:
    """Returns the configuration with paths made absolute.

    Args:
      config: As it was read.
      folder: Of the file.

    Raises:
      ConfigError: an absolute path can't be recorded: it is no UTF-8, too long, or has control characters.
    """
    try:
        return _with_absolute_paths(config, folder)
    except ValidationError as error:
        detail = error.errors(include_url=False)[0]
        if detail["type"] == "value_error":  # of two paths, which links make one
            raise ConfigError(f"data.{detail['ctx']['error']}") from None
        raise ConfigError(
            f"{'.'.join(map(str, detail['loc']))}: the folder of this file makes a path of it that is not accepted "
            f"({detail['msg'][0].lower()}{detail['msg'][1:]}): move it to another folder"
        ) from None


def _with_absolute_paths(config: CompressionConfig, folder: Path) -> CompressionConfig:
    def resolve(uri: str) -> str:
        path = uri if "://" in uri else str((folder / uri).resolve())
        if not is_utf8(path):
            raise ConfigError(
                f"found the path {os.fsencode(path)!r}, whose name is not UTF-8 text, accepted are names in UTF-8, "
                "which lineage and reports can hold: rename the folder"
            )
        return path

    data: DataConfig = dataclasses.replace(
        config.data,
        uri=config.data.uri and resolve(config.data.uri),
        held_out_uri=config.data.held_out_uri and resolve(config.data.held_out_uri),
        validation_uri=config.data.validation_uri and resolve(config.data.validation_uri),
        unlabelled_uri=config.data.unlabelled_uri and resolve(config.data.unlabelled_uri),
        link_root=config.data.link_root and resolve(config.data.link_root),
    )
    members = tuple(dataclasses.replace(member, uri=resolve(member.uri)) for member in config.teacher.ensemble)
    trained = config.training.pretrained
    pretrained = trained and dataclasses.replace(trained, uri=resolve(trained.uri))
    device = config.evaluate.device
    device = device and dataclasses.replace(device, benchmark_model=str((folder / device.benchmark_model).resolve()))
    return dataclasses.replace(
        config,
        data=data,
        evaluate=dataclasses.replace(config.evaluate, device=device),
        teacher=dataclasses.replace(config.teacher, uri=resolve(config.teacher.uri), ensemble=members),
        training=dataclasses.replace(config.training, pretrained=pretrained),
        push=dataclasses.replace(config.push, uri=resolve(config.push.uri)),
    )
