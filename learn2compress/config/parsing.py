"""Builds configuration dataclasses from plain values, and says in one line what is not accepted."""

from __future__ import annotations

import contextlib
import dataclasses
import difflib
import json
from collections.abc import Iterator
from typing import Any, TypeVar, get_args, get_type_hints

from pydantic import TypeAdapter, ValidationError

T = TypeVar("T")


class ConfigError(ValueError):
    """What a person wrote is not accepted; the message is one line to show them."""


@contextlib.contextmanager
def about(field: str) -> Iterator[None]:
    """Names the configuration's field in every `ConfigError` that leaves the block.

    Args:
      field: Such as "teacher.uri".

    Raises:
      ConfigError: whichever left the block, of the same class, with the field before its message.
    """
    try:
        yield
    except ConfigError as error:
        raise type(error)(f"{field}: {error}") from error


def parse(cls: type[T], value: Any, field: str = "") -> T:
    """Builds a configuration dataclass from plain mappings, lists and scalars.

    Args:
      cls: A dataclass of `learn2compress.config`.
      value: Plain mappings, lists and scalars, as YAML or JSON is read.
      field: Where `value` stands in the file, for error messages.

    Returns:
      An object of `cls`.

    Raises:
      ConfigError: naming the field, what was found and what is accepted.
    """
    try:
        # JSON mode: strings become enums and lists tuples, while "3" stays no integer.
        return TypeAdapter(cls).validate_json(json.dumps(value, default=str), strict=True)
    except ValidationError as error:
        raise ConfigError(_explain(cls, error, field)) from None


def to_dict(config: Any) -> dict[str, Any]:
    """Returns a configuration dataclass as plain mappings, lists and scalars, which `parse` takes back."""
    plain: dict[str, Any] = TypeAdapter(type(config)).dump_python(config, mode="json")
    return plain


def _explain(cls: type, error: ValidationError, field: str) -> str:
    lines = []
    # A default that depends on another value is not what was mistyped: the other value is.
    details = [x for x in error.errors(include_url=False) if x["type"] != "default_factory_not_called"]
    # An unknown key is often the typo behind a missing one: name it first.
    for detail in sorted(details, key=lambda detail: "unexpected" not in detail["type"]):
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
