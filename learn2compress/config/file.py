"""Reads a configuration file, and says in one line what is wrong with it.

The file comes from somebody's repository: it is size-limited, and YAML
features that multiply or hide content (aliases, tags, repeated keys) are
refused before anything is built from it.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter

from learn2compress.config import CompressionConfig, DataConfig
from learn2compress.config.parsing import ConfigError, about, parse

MAX_FILE_BYTES = 256 * 1024


class _StrictLoader(yaml.SafeLoader):
    """YAML of plain mappings, lists and scalars: no aliases, no repeated keys."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            line = self.peek_event().start_mark.line + 1  # type: ignore[no-untyped-call]
            raise ConfigError(f"line {line}: found a YAML alias, accepted are values written out")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                raise ConfigError(f"line {line}: found a list or mapping as key, accepted are plain words as keys")
            if key.value in seen:
                raise ConfigError(f"line {line}: found key {key.value!r} twice, accepted is once")
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def load_config(path: str | Path) -> CompressionConfig:
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

    Returns:
      The configuration, with absolute paths.

    Raises:
      ConfigError: the file can't be read or is not accepted; the message names
        the field, what was found and what is accepted.
    """
    path = Path(path)
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ConfigError(f"{path}: found {path.stat().st_size} bytes, accepted are {MAX_FILE_BYTES} at most")
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise ConfigError(f"{path}: {reason}; accepted is a readable YAML file") from error
    with about(str(path)):
        return _resolve_paths(parse_config(text), path.resolve().parent)


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
    return parse(CompressionConfig, _read_yaml(text))


def json_schema() -> dict[str, Any]:
    """Returns the JSON schema of the configuration file, for editors."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "learn2compress configuration",
    } | TypeAdapter(CompressionConfig).json_schema()


def _read_yaml(text: str) -> Any:
    try:
        value = yaml.load(text, _StrictLoader)  # noqa: S506 - derives from SafeLoader
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigError(f"line {line}: not YAML: {error.problem}") from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        if isinstance(error, ConfigError):
            raise
        raise ConfigError(f"not YAML: {str(error).splitlines()[0]}") from None
    if not isinstance(value, dict):
        raise ConfigError(f"found {type(value).__name__}, accepted is a mapping of settings")
    return value


def _resolve_paths(config: CompressionConfig, folder: Path) -> CompressionConfig:
    def resolve(uri: str) -> str:
        return uri if "://" in uri else str((folder / uri).resolve())

    data: DataConfig = dataclasses.replace(
        config.data,
        uri=config.data.uri and resolve(config.data.uri),
        held_out_uri=config.data.held_out_uri and resolve(config.data.held_out_uri),
        unlabelled_uri=config.data.unlabelled_uri and resolve(config.data.unlabelled_uri),
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
