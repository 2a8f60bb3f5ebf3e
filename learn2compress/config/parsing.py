"""Builds configuration dataclasses from plain values, and says in one line what is not accepted."""

from __future__ import annotations

import contextlib
import dataclasses
import difflib
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar, get_args, get_type_hints

from pydantic import TypeAdapter, ValidationError

from learn2compress.config.credentials import masked

T = TypeVar("T")

_MOST_PROBLEMS = 5
_MOST_LISTED = 12
_LONGEST_VALUE = 60
_LONGEST_MESSAGE = 600
_PERCENT = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*%\s*")
_YAML_1_1_BOOLS = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}
# A ratio that may be above 1, and numbers of at most 1 that nobody writes in percent.
_CAN_EXCEED_ONE = "max_latency_ratio"
_IN_POINTS = re.compile(r"_(drop|error|budget)$")
_NEVER_PERCENT = re.compile(r"(learning_rate|momentum|.*_decay)$")


class ConfigError(ValueError):
    """What a person wrote is not accepted; the message is one line to show them."""


def clipped(text: str, longest: int = _LONGEST_VALUE) -> str:
    """Returns text of a stranger's length as an error shows it: its beginning, where it is long.

    Args:
      text: Any.
      longest: Characters that are shown.
    """
    return text if len(text) <= longest else f"{text[: longest - 3]}..."


def listed(names: Sequence[str], most: int = _MOST_LISTED) -> str:
    """Returns names as an error lists them: "a, b, c and 4,997 more".

    Args:
      names: In the order to show.
      most: How many are shown.
    """
    shown = ", ".join(clipped(name) for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most:,} more"


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
    text = json.dumps(value, default=str, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError as error:
        near = text[max(0, error.start - _LONGEST_VALUE) : error.start]
        raise ConfigError(
            f"{field + ': ' if field else ''}found text that is not UTF-8 text, after {near!r}, accepted is UTF-8: "
            "lineage and reports can hold nothing else"
        ) from None
    try:
        # JSON mode: strings become enums and lists tuples, while "3" stays no integer.
        return TypeAdapter(cls).validate_json(text, strict=True)
    except ValidationError as error:
        raise ConfigError(_explain(cls, error, field)) from None


def to_dict(config: Any) -> dict[str, Any]:
    """Returns a configuration dataclass as plain mappings, lists and scalars, which `parse` takes back."""
    plain: dict[str, Any] = TypeAdapter(type(config)).dump_python(config, mode="json")
    return plain


def _explain(cls: type, error: ValidationError, field: str) -> str:
    # A default that depends on another value is not what was mistyped: the other value is.
    details = [x for x in error.errors(include_url=False) if x["type"] != "default_factory_not_called"]
    # An unknown key is often the typo behind a missing one: name it first.
    details.sort(key=lambda detail: "unexpected" not in detail["type"])
    lines = []
    for detail in details[:_MOST_PROBLEMS]:
        location = ".".join([field] * bool(field) + [clipped(str(part)) for part in detail["loc"]])
        lines.append(_without_middle(_explain_one(cls, location, detail)))
    if len(details) == 1:
        return lines[0]
    rest = len(details) - len(lines)
    return f"{lines[0]} (and {len(details) - 1:,} more: {'; '.join([*lines[1:], *(['...'] if rest else [])])})"


def _without_middle(message: str) -> str:
    """Returns a message that is not too long: what is found is at its beginning, what is accepted at its end."""
    half = _LONGEST_MESSAGE // 2
    return message if len(message) <= _LONGEST_MESSAGE else f"{message[:half]} ... {message[-half:]}"


def _explain_one(cls: type, location: str, detail: Any) -> str:
    message = detail["msg"].removeprefix("Value error, ")
    if detail["type"] == "unexpected_keyword_argument":
        accepted = _keys_at(cls, detail["loc"][:-1])
        close = difflib.get_close_matches(clipped(str(detail["loc"][-1])), accepted, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        return f"{location}: found an unknown key, accepted are {', '.join(accepted)}{hint}"
    if detail["type"] in ("missing", "missing_argument"):
        return f"{location}: found nothing, accepted is a value: this field is required"
    if detail["type"] == "value_error":
        return f"{location}: {message}" if location else message
    accepted_text = message[0].lower() + message[1:]
    accepted_text = accepted_text.replace("input should be ", "").replace("input should ", "")
    return f"{location}: found {_short(detail['input'])}, accepted: {accepted_text}{_hint(detail)}"


def _short(value: Any) -> str:
    return clipped(masked(json.dumps(value, default=str)))


def _hint(detail: Any) -> str:
    """Returns what to write instead of a value that plainly means something: percent, or YAML 1.1's yes and no."""
    value = detail["input"]
    if isinstance(value, str):
        if detail["type"].startswith("float") and (percent := _PERCENT.fullmatch(value)):
            return f"; write {float(percent[1]) / 100:g} for {percent[1]}%"
        if detail["type"].startswith("bool") and value.lower() in _YAML_1_1_BOOLS:
            return f"; write {_YAML_1_1_BOOLS[value.lower()]}"
        return ""
    context = detail.get("ctx", {})
    highest = context.get("le", context.get("lt"))
    names = [part for part in detail["loc"] if isinstance(part, str)]
    if highest is None or not names or (highest > 1 and names[-1] != _CAN_EXCEED_ONE):
        return ""
    if _NEVER_PERCENT.match(names[-1]):
        return ""
    is_beyond = isinstance(value, int | float) and highest <= value <= 200 and detail["type"].startswith("less")
    # Half a point is easily written as 0.5 of a loss; 0.6 of anything else is meant as it is written.
    if is_beyond and (value >= 1 or _IN_POINTS.search(names[-1])):
        return f"; it is a ratio, not percent: write {value / 100:g} for {value:g}%"
    return ""


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
        if type(None) in get_args(cls):
            cls = next((arg for arg in get_args(cls) if dataclasses.is_dataclass(arg)), cls)
    return [f.name for f in dataclasses.fields(cls)] if dataclasses.is_dataclass(cls) else []
