"""Reads a configuration file, and says in one line what is wrong with it.

The file comes from somebody's repository: it is size-limited, and YAML
features that multiply or hide content (aliases, tags, repeated keys) are
refused before anything is built from it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import difflib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar, get_args, get_type_hints

import yaml
from pydantic import TypeAdapter, ValidationError

from learn2compress.config import CompressionConfig, DataConfig

T = TypeVar("T")

MAX_FILE_BYTES = 256 * 1024


class ConfigError(ValueError):
    """What a person wrote is not accepted; the message is one line to show them."""


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

    Raises:
      ConfigError: it is not accepted; the message names the field, what was found and what is accepted.
    """
    return parse(CompressionConfig, _read_yaml(text))


@contextlib.contextmanager
def about(field: str) -> Iterator[None]:
    """Names the configuration's field in every `ConfigError` that leaves the block.

    Args:
      field: Such as "teacher.uri".
    """
    try:
        yield
    except ConfigError as error:
        raise type(error)(f"{field}: {error}") from error


def parse(cls: type[T], value: Any, field: str = "") -> T:
    """Builds a configuration dataclass from plain mappings, lists and scalars.

    Args:
      cls: A dataclass of `learn2compress.config`.
      value: What YAML or JSON gave.
      field: Where `value` stands in the file, for error messages.

    Raises:
      ConfigError: naming the field, what was found and what is accepted.
    """
    try:
        # JSON mode: strings become enums and lists tuples, while "3" stays no integer.
        return TypeAdapter(cls).validate_json(json.dumps(value, default=str), strict=True)
    except ValidationError as error:
        raise ConfigError(_explain(cls, error, field)) from None


def json_schema() -> dict[str, Any]:
    """JSON schema of the configuration file, for editors."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "learn2compress configuration",
    } | TypeAdapter(CompressionConfig).json_schema()


def to_dict(config: Any) -> dict[str, Any]:
    """Plain mappings, lists and scalars of a configuration dataclass; `parse` takes them back."""
    plain: dict[str, Any] = TypeAdapter(type(config)).dump_python(config, mode="json")
    return plain


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


def _explain(cls: type, error: ValidationError, field: str) -> str:
    lines = []
    # An unknown key is often the typo behind a missing one: name it first.
    for detail in sorted(error.errors(include_url=False), key=lambda detail: "unexpected" not in detail["type"]):
        location = ".".join([field] * bool(field) + [str(part) for part in detail["loc"]])
        lines.append(_explain_one(cls, location, detail))
    more = f" (and {len(lines) - 1} more: {'; '.join(lines[1:])})" if len(lines) > 1 else ""
    return lines[0] + more


def _explain_one(cls: type, location: str, detail: Any) -> str:
    message = detail["msg"].removeprefix("Value error, ")
    if detail["type"] == "unexpected_keyword_argument":
        accepted = _keys_at(cls, detail["loc"][:-1])
        close = difflib.get_close_matches(str(detail["loc"][-1]), accepted, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        return f"{location}: found an unknown key, accepted are {', '.join(accepted)}{hint}"
    if detail["type"] in ("missing", "missing_argument"):
        return f"{location}: found nothing, accepted is a value: this field is required"
    if detail["type"] == "value_error":
        return f"{location}: {message}" if location else message
    accepted_text = message[0].lower() + message[1:]
    accepted_text = accepted_text.replace("input should be ", "").replace("input should ", "")
    return f"{location}: found {_short(detail['input'])}, accepted: {accepted_text}"


def _short(value: Any) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= 60 else text[:57] + "..."


def _keys_at(cls: Any, location: tuple[int | str, ...]) -> list[str]:
    for part in location:
        if isinstance(part, int):
            cls = next((arg for arg in get_args(cls) if arg is not Ellipsis), cls)
        elif dataclasses.is_dataclass(cls):
            hints = get_type_hints(cls)
            cls = hints.get(part, cls)
            cls = (
                next((arg for arg in get_args(cls) if dataclasses.is_dataclass(arg)), cls) if part not in hints else cls
            )
    return [f.name for f in dataclasses.fields(cls)] if dataclasses.is_dataclass(cls) else []


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
