"""What a shell hands over as text, as the values that a configuration has."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

from learn2compress.config.byte_sizes import parse_bytes
from learn2compress.config.overrides import OPTION, override
from learn2compress.config.parsing import ConfigError, clipped
from learn2compress.config.students import StudentNetwork

# No network is as small as what stands before the comma.
_DECIMAL_COMMA = re.compile(r"(?<![0-9.])[0-9]{1,3},[0-9]+(?:\.[0-9]+)? ?(?:[kM]?B)?")
_OWN_NAME = "own"
# As many names as there are sizes, from the largest.
_NAMES = {1: ("student",), 2: ("large", "small"), 3: ("large", "medium", "small")}


def student_sizes(text: str, option: str = "--students") -> dict[str, int | str]:
    """Reads the sizes of the students, with or without names.

    Args:
      text: Sizes with commas between, "500kB,100kB", or each with its name, "large=500kB,small=100kB". "teacher" in a
        size's place stands for the teacher's own network.
      option: Where they were given, for errors.

    Returns:
      Largest size of each file in bytes, from the largest; without names of their own they are "large", "medium" and
      "small", or numbered from "student1" where they are more. "teacher" comes first, without a name as "own".

    Raises:
      ConfigError: a size or name is not accepted, or is there twice.
    """
    comma = _DECIMAL_COMMA.search(text)
    if comma is not None:
        raise ConfigError(
            f"{option}: found {clipped(comma[0])!r}, where a comma stands between sizes and the first would be "
            "less than 1000 bytes; accepted are a point in a number and a unit behind each: 1.5MB or 500kB,100kB"
        )
    parts = [part.strip() for part in text.split(",")]
    named = ["=" in part for part in parts]
    if any(named) != all(named):
        raise ConfigError(f"{option}: found {clipped(text)!r}, accepted are names for all sizes, or for none")
    if all(named):
        pairs = [(name.strip(), _size(size.strip(), option)) for name, _, size in (x.partition("=") for x in parts)]
    else:
        pairs = _with_names([_size(part, option) for part in parts])
    for what, values in (("name", [name for name, _ in pairs]), ("size", [size for _, size in pairs])):
        if len(set(values)) != len(values):
            raise ConfigError(f"{option}: found one {what} twice in {clipped(text)!r}, accepted is each once")
    return dict(sorted(pairs, key=lambda pair: _from_largest(pair[1])))


def _size(text: str, option: str) -> int | str:
    return text if text == StudentNetwork.TEACHER else parse_bytes(text, option)


def _from_largest(size: int | str) -> float:
    return -math.inf if isinstance(size, str) else -size


def _with_names(sizes: Sequence[int | str]) -> list[tuple[str, int | str]]:
    own = [size for size in sizes if isinstance(size, str)]
    others = sorted((size for size in sizes if not isinstance(size, str)), key=_from_largest)
    numbered = tuple(f"student{number}" for number in range(1, len(others) + 1))
    named = zip(_NAMES.get(len(others), numbered), others, strict=True)
    return [*((_OWN_NAME, size) for size in own), *named]


def nested_settings(assignments: Sequence[str]) -> dict[str, Any]:
    """Reads settings of the configuration from assignments, each of another setting.

    Args:
      assignments: Each "training.epochs=5": the key with dots between its parts, and the value as YAML has it.

    Returns:
      Nested mappings, as a configuration file has them.

    Raises:
      ConfigError: an assignment is none, or two of them can't both be.
    """
    keys = [assignment.partition("=")[0].strip() for assignment in assignments]
    for number, key in enumerate(keys):
        for earlier in keys[:number]:
            whole, part = sorted((key, earlier), key=len)
            if whole == part:
                raise ConfigError(f"{OPTION}: found {clipped(key)} twice, accepted is once")
            if part.startswith(f"{whole}."):
                raise ConfigError(
                    f"{OPTION}: found a value for {clipped(part)} and one for what it is part of, accepted is one"
                )
    return override({}, assignments)
