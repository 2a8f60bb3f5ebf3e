"""Reads YAML as it plainly is: YAML 1.2's numbers and words, and nothing that readers of YAML disagree on.

PyYAML resolves plain words by YAML 1.1: `1e-2` is text, `017` is 15, `1:30` is 90 and
`no` is false. Here numbers are decimal ones (with an exponent, too), words are words
except `true`, `false` and `null`, and what could be read in two ways is refused, as is
what multiplies or hides content: aliases, tags, merge keys, repeated keys.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from learn2compress.config.parsing import ConfigError, clipped

_LEADING_ZERO = re.compile(r"[-+]?0[0-9]+")
_INTEGER = re.compile(r"[-+]?[0-9]+|0x[0-9a-fA-F]+")
_LONGEST_NUMBER = 30
_UNDERSCORED = re.compile(r"[-+]?[0-9][0-9_]*_[0-9_]*(\.[0-9_]*)?([eE][-+]?[0-9]+)?|[-+]?[0-9]+\.[0-9]*_[0-9_]*")
_SEXAGESIMAL = re.compile(r"[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?")


class _StrictLoader(yaml.SafeLoader):
    """YAML of plain mappings, lists and scalars."""

    # Replaces PyYAML's own, which are those of YAML 1.1.
    yaml_implicit_resolvers: dict[Any, Any] = {}  # noqa: RUF012 - PyYAML's name

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent):
            raise ConfigError(f"{_line(event)}: found a YAML alias, accepted are values written out")
        tag = getattr(event, "tag", None)
        if tag is not None:
            raise ConfigError(f"{_line(event)}: found the YAML tag {clipped(tag)!r}, accepted are values without tags")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise ConfigError(f"{_line(key)}: found a list or mapping as key, accepted are plain words as keys")
            if key.value in seen:
                raise ConfigError(f"{_line(key)}: found key {clipped(key.value)!r} twice, accepted is once")
            if key.value == "<<":
                raise ConfigError(f"{_line(key)}: found a YAML merge key (<<), accepted are values written out")
            seen.add(key.value)
        return super().construct_mapping(node, deep)

    def construct_scalar(self, node: yaml.ScalarNode | yaml.MappingNode) -> Any:
        # Quoted text has a style; what is plain could be read in more than one way.
        if isinstance(node, yaml.ScalarNode) and node.style is None:
            _check_unambiguous(node)
        return super().construct_scalar(node)


def _check_unambiguous(node: yaml.ScalarNode) -> None:
    text = node.value
    if _LEADING_ZERO.fullmatch(text):
        raise ConfigError(
            f"{_line(node)}: found {clipped(text)}, which is octal to some readers of YAML and decimal to others, "
            "accepted is a number without leading zeros, or text in quotes"
        )
    if _SEXAGESIMAL.fullmatch(text):
        raise ConfigError(
            f"{_line(node)}: found {clipped(text)}, which some readers of YAML take for a number of base 60, accepted "
            "is a plain number, or text in quotes"
        )
    if _UNDERSCORED.fullmatch(text):
        raise ConfigError(
            f"{_line(node)}: found {clipped(text)}, which is a number to some readers of YAML and text to others, "
            "accepted is a number of digits alone, or text in quotes"
        )
    if len(text) > _LONGEST_NUMBER and _INTEGER.fullmatch(text):
        raise ConfigError(
            f"{_line(node)}: found a number of {len(text)} digits, accepted are {_LONGEST_NUMBER} at most"
        )


def _line(marked: Any) -> str:
    return f"line {marked.start_mark.line + 1}"


for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("int", r"[-+]?(0|[1-9][0-9]*)|0x[0-9a-fA-F]+", "-+0123456789"),
    (
        "float",
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)[eE][-+]?[0-9]+|[-+]?(\.[0-9]+|[0-9]+\.[0-9]*)|[-+]?\.(inf|Inf|INF)"
        r"|\.(nan|NaN|NAN)",
        "-+0123456789.",
    ),
):
    _StrictLoader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}",
        re.compile(rf"(?:{_pattern})$"),
        list(_first),
    )


def read_yaml(text: str) -> Any:
    """Reads one YAML document.

    Example:
      >>> from learn2compress.config.strict_yaml import read_yaml
      >>> read_yaml("{learning_rate: 1e-2, name: no, epochs: 3}")
      {'learning_rate': 0.01, 'name': 'no', 'epochs': 3}

    Args:
      text: YAML.

    Returns:
      Plain mappings, lists and scalars.

    Raises:
      ConfigError: it is not YAML, or could be read in two ways; the message names the line.
    """
    try:
        return yaml.load(text, _StrictLoader)  # noqa: S506 - derives from SafeLoader
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigError(f"line {line}: not YAML: {clipped(str(error.problem))}") from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        if isinstance(error, ConfigError):
            raise
        raise ConfigError(f"not YAML: {clipped(str(error).splitlines()[0])}") from None
