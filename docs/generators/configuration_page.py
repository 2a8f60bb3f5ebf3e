"""The page that lists every key of the configuration file, made from its JSON schema when the site is built."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from learn2compress.config import BeamStepConfig, PodConfig, PruneConfig, QuantizeConfig
from learn2compress.config.file import json_schema

Schema = Mapping[str, Any]

# Mappings that the schema leaves open, since their keys go over those of another section.
_OPEN = {
    "students.prune": PruneConfig,
    "students.quantize": QuantizeConfig,
    "beam.steps": BeamStepConfig,
    "kubernetes.all_steps": PodConfig,
    "kubernetes.steps": PodConfig,
}
_WHOLE_FILE = "The file"
_LONGEST_LIST = 12
_PATTERNS = {
    r"^[a-z][a-z0-9_]{0,31}$": "a name: a lower-case letter, then up to 31 of `a-z 0-9 _`",
    r"^[^\x00-\x1f]+$": "text of one line",
}
_WORDS = {"integer": "integer", "number": "number", "string": "text", "boolean": "`true` or `false`", "null": "`null`"}
_HEAD = "| key | accepts | default | what it does |\n|---|---|---|---|"


@dataclass(frozen=True)
class Key:
    """One key of the configuration.

    Attributes:
      path: Such as "training.learning_rate"; keys of list members stand behind the list's name.
      accepts: Type and range, in words.
      default: As YAML, or what stands for it.
      description: The docstring of the field.
    """

    path: str
    accepts: str
    default: str
    description: str


@dataclass(frozen=True)
class Section:
    """One mapping of the configuration, with its keys.

    Attributes:
      path: Such as "training.distillation"; empty for the whole file.
      description: The docstring of its class.
      keys: In the order of the class.
    """

    path: str
    description: str
    keys: tuple[Key, ...]


def configuration_page() -> str:
    """Returns the page as Markdown: a section for each mapping, a row for each key."""
    parts = [
        "# Every key of the configuration",
        "The file is YAML. This page is made from the schema that reads it, so it is never out of date. `l2c schema`"
        " prints the same as JSON schema, for editors. Ratios are between 0 and 1, never percent. Paths are relative to"
        " the file; addresses such as `s3://bucket/folder` need the fsspec package of their kind.",
        "A key that is unknown, a value of another type or one out of range stops the run before its first step, in one"
        " line that names the key ([what is checked](checks.md)).",
    ]
    for section in sections():
        parts += [_heading(section), section.description, in_narrow_rows([_HEAD, *map(_row, section.keys)])]
    return "\n\n".join(part for part in parts if part) + "\n"


def in_narrow_rows(rows: Sequence[str]) -> str:
    """Returns a table of Markdown whose cells stand below one another on a narrow screen (`site.css`).

    Args:
      rows: The table's lines.
    """
    return "\n".join(['<div class="l2c-rows" markdown>', "", *rows, "", "</div>"])


def sections() -> list[Section]:
    """Returns all mappings of the configuration, each before those inside it."""
    schema = json_schema()
    definitions = dict(schema["$defs"])
    for cls in _OPEN.values():
        own = TypeAdapter(cls).json_schema()
        definitions |= own.pop("$defs", {})
        definitions[cls.__name__] = own
    return list(_walk("", schema, definitions, {}))


def _walk(path: str, schema: Schema, definitions: Mapping[str, Schema], seen: dict[str, str]) -> Iterator[Section]:
    """Yields a mapping's section, then those of its members; one that several have stands where it comes first."""
    inner: list[tuple[str, str]] = []
    keys = []
    for name, field in schema["properties"].items():
        below = f"{path}.{name}" if path else name
        target = _mapping_in(below, field, definitions)
        if target is not None and target not in seen:
            seen[target] = below
            inner.append((below, target))
        described = _text(field.get("description") or (definitions[target].get("description", "") if target else ""))
        if target is not None:
            described += f" Keys: [`{seen[target]}`](#{_anchor(seen[target])})."
        keys.append(
            Key(below, _accepts(field, definitions), _default(name, field, schema, definitions), described.strip())
        )
    yield Section(path, _text(schema.get("description", "")), tuple(keys))
    for below, target in inner:
        yield from _walk(below, definitions[target], definitions, seen)


def _mapping_in(path: str, field: Schema, definitions: Mapping[str, Schema]) -> str | None:
    """Returns the definition of a mapping that a key holds: itself, as one of several types, or in a list."""
    if path in _OPEN:
        return _OPEN[path].__name__
    if _is_open(field) or _is_open(field.get("additionalProperties")):
        raise ValueError(f"{path}: an open mapping; name the class of its keys in _OPEN")
    for part in (field, *field.get("anyOf", ()), field.get("items", {})):
        name = part.get("$ref", "").rpartition("/")[2]
        if name and "properties" in definitions[name]:
            return str(name)
    return None


def _is_open(field: Any) -> bool:
    return isinstance(field, Mapping) and field.get("additionalProperties") is True


def _accepts(field: Schema, definitions: Mapping[str, Schema]) -> str:
    """Returns type and range in words."""
    if "$ref" in field:
        target = definitions[field["$ref"].rpartition("/")[2]]
        return " or ".join(f"`{word}`" for word in target["enum"]) if "enum" in target else "a mapping"
    if "anyOf" in field:
        kinds = [_accepts(kind, definitions) for kind in field["anyOf"] if kind.get("type") != "null"]
        return " or ".join(kinds)
    kind = field["type"]
    if kind == "array":
        return _list_words(field, definitions)
    if kind == "object":
        values = field.get("additionalProperties")
        is_plain = isinstance(values, Mapping) and not _is_open(values)
        return f"a mapping of names to {_accepts(values, definitions)}" if is_plain else "a mapping"
    pattern = field.get("pattern")
    if pattern is not None:
        return _PATTERNS.get(pattern) or f"text such as `{_escaped(pattern)}`"
    return f"{_WORDS[kind]}{_range(field)}"


def _list_words(field: Schema, definitions: Mapping[str, Schema]) -> str:
    if "prefixItems" in field:
        return "[" + ", ".join(_accepts(item, definitions) for item in field["prefixItems"]) + "]"
    words = _accepts(field["items"], definitions)
    return f"a list of {'mappings' if words == 'a mapping' else words}{_length(field)}"


def _length(field: Schema) -> str:
    low, high = field.get("minItems"), field.get("maxItems")
    if low and high:
        return f", {low:,} to {high:,} of them"
    return f", at least {low:,}" if low else ""


def _range(field: Schema) -> str:
    """Returns the bounds of a number, such as " ≥ 0, < 1"."""
    signs = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    bounds = [f"{sign} {_number(field[name])}" for name, sign in signs.items() if name in field]
    return f" {', '.join(bounds)}" if bounds else ""


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"


def _default(name: str, field: Schema, schema: Schema, definitions: Mapping[str, Schema]) -> str:
    if name in schema.get("required", ()):
        return "**required**"
    if "default" not in field:
        target = definitions.get(field.get("$ref", "").rpartition("/")[2], {})
        is_empty = field.get("type") == "object"
        return "none" if is_empty else ("those of its keys" if "properties" in target else "depends: see right")
    value = field["default"]
    if value is None or value in ([], {}, ""):
        return "none"
    text = json.dumps(value)
    return f"`{_escaped(text)}`" if len(text) < _LONGEST_LIST * 10 else f"{len(value)} entries: `l2c schema`"


def _text(description: str) -> str:
    return _escaped(" ".join(description.split()))


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")


def _anchor(path: str) -> str:
    return path or "the-file"


def _heading(section: Section) -> str:
    level = "##" if "." not in section.path else "###"
    title = f"`{section.path}`" if section.path else _WHOLE_FILE
    return f"{level} {title} {{ #{_anchor(section.path)} }}"


def _row(key: Key) -> str:
    name = key.path.rpartition(".")[2]
    return f"| `{name}`{{ #key-{key.path} }} | {key.accepts} | {key.default} | {key.description} |"
