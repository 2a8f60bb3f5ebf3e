"""Sizes as people write them: "500 kB"."""

from __future__ import annotations

import re

from learn2compress.config.parsing import ConfigError, clipped

_SIZE = re.compile(r"\s*([0-9]{1,15}(?:\.[0-9]{1,15})?)\s*([kKMG]?i?B)?\s*")
_UNITS = {
    "B": 1,
    "kB": 1000,
    "KB": 1000,
    "MB": 1000**2,
    "GB": 1000**3,
    "KiB": 1024,
    "kiB": 1024,
    "MiB": 1024**2,
    "GiB": 1024**3,
}
_LIMIT = 2**63
_ACCEPTED = 'accepted is a number of bytes, or a text such as "500 kB", "1.5 MB" or "64 KiB"'


def parse_bytes(size: str | int, field: str) -> int:
    """Reads a size.

    Example:
      >>> from learn2compress.config.byte_sizes import parse_bytes
      >>> parse_bytes("500 kB", "students.large"), parse_bytes("1.5MB", "students.large"), parse_bytes(2048, "size")
      (500000, 1500000, 2048)

    Args:
      size: A whole number of bytes, or a number with a unit: B, kB, MB, GB (thousands), KiB, MiB, GiB (1024).
      field: What it is the size of, for the message.

    Returns:
      Bytes, at least 1.

    Raises:
      ConfigError: it is no size.
    """
    if isinstance(size, str):
        match = _SIZE.fullmatch(size)
        unit = None if match is None else _UNITS.get(match[2] or "B")
        found = 0 if match is None or unit is None else round(float(match[1]) * unit)
    else:
        found = size if isinstance(size, int) and not isinstance(size, bool) else 0
    if found >= _LIMIT:
        raise ConfigError(f"{field}: found a size of more bytes than any disk has, {_ACCEPTED}")
    if found < 1:
        raise ConfigError(f"{field}: found {clipped(repr(size))}, {_ACCEPTED}")
    return found
