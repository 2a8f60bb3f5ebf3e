from __future__ import annotations

from typing import Any

import pytest

from learn2compress.config.byte_sizes import parse_bytes
from learn2compress.config.parsing import ConfigError


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ("500 kB", 500_000),
        ("500kB", 500_000),
        (" 500 KB ", 500_000),
        ("0.5 MB", 500_000),
        ("1.5 GB", 1_500_000_000),
        ("64 KiB", 65_536),
        ("2 MiB", 2 * 2**20),
        ("80000", 80_000),
        ("80000 B", 80_000),
        (80_000, 80_000),
    ],
)
def test_a_size_is_read(size: str | int, expected: int) -> None:
    assert parse_bytes(size, "students.small") == expected


@pytest.mark.parametrize(
    "size",
    [
        "",
        "kB",
        "500 kilo",
        "-1 kB",
        "0",
        0,
        -5,
        True,
        1.5,
        None,
        "1e3",
        "5 iB",
        "9" * 400,
        "9" * 400 + " kB",
        10**400,
    ],
)
def test_what_is_no_size_is_refused_by_name(size: Any) -> None:
    with pytest.raises(
        ConfigError, match=r"^students\.small: found .*accepted is a number of bytes, or a text such as"
    ):
        parse_bytes(size, "students.small")
