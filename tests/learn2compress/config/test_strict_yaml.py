"""YAML is read as it plainly is, and what could be read in two ways is refused."""

from __future__ import annotations

from typing import Any

import pytest

from learn2compress.config.parsing import ConfigError
from learn2compress.config.strict_yaml import read_yaml


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-2", 0.01),
        ("1E3", 1000.0),
        ("-1.5e+2", -150.0),
        (".5", 0.5),
        ("5.", 5.0),
        ("12", 12),
        ("+12", 12),
        ("0", 0),
        ("0x1F", 31),
        ("true", True),
        ("False", False),
        ("~", None),
        ("", None),
        ("no", "no"),
        ("on", "on"),
        ("Yes", "Yes"),
        ("'017'", "017"),
        ("'1_000'", "1_000"),
        ("size_1_000", "size_1_000"),
        ('"1:30"', "1:30"),
        ("2026-11-27", "2026-11-27"),
        ("=", "="),
        ("10.0.0.1:5555", "10.0.0.1:5555"),
        ("[1e-3, 2]", [0.001, 2]),
    ],
)
def test_scalars_are_what_they_plainly_are(text: str, value: Any) -> None:
    found = read_yaml(f"key: {text}")["key"]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("epochs: 017", "line 1: found 017, which is octal to some readers"),
        ("a: 1\nepochs: -08", "line 2: found -08, which is octal"),
        ("epochs: 1_000", "line 1: found 1_000, which is a number to some readers of YAML and text to others"),
        ("rate: 1_0.5", "line 1: found 1_0.5, which is a number to some readers"),
        ("epochs: 1:30", "line 1: found 1:30, which some readers of YAML take for a number of base 60"),
        ("rate: 1:30.5", "found 1:30.5, which some readers"),
        ("a: {<<: {b: 1}}", "line 1: found a YAML merge key"),
        ("a: !!binary aGk=", "line 1: found the YAML tag 'tag:yaml.org,2002:binary'"),
        ("a: !own {b: 1}", "found the YAML tag '!own'"),
        ("a: !!seq [1]", "found the YAML tag"),
        (f"{'k' * 999}: 1\n{'k' * 999}: 2", r"found key 'k{57}\.\.\.' twice"),
        ("0x" + "f" * 6000, "line 1: found a number of 6002 digits, accepted are 30"),
    ],
)
def test_what_can_be_read_in_two_ways_is_refused(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        read_yaml(text)
    assert len(str(caught.value)) < 300
