"""How a decision writes its figures: with as many digits as it takes to tell two of them apart."""

from __future__ import annotations


def count(value: float, _digits: int = 3) -> str:
    """A whole number: "43,120"."""
    return f"{value:,.0f}"


def byte_count(value: float, _digits: int = 3) -> str:
    """A size: "43,120 bytes"."""
    return f"{value:,.0f} bytes"


def milliseconds(value: float, digits: int = 3) -> str:
    """A time: "0.412 ms"."""
    return f"{value:,.{digits}g} ms"


def times(value: float, digits: int = 3) -> str:
    """A factor: "0.25x"."""
    return f"{value:.{digits}g}x"


def points(ratio: float, digits: int = 3) -> str:
    """A difference of ratios: "1.5 points"."""
    return f"{bare_points(ratio, digits)} points"


def bare_points(ratio: float, digits: int = 3) -> str:
    """The same without the word, for the ends of an interval."""
    return f"{100 * ratio:.{digits}g}"


def percent(ratio: float, digits: int = 4) -> str:
    """A ratio: "95.13%"."""
    return f"{100 * ratio:.{digits}g}%"


def whole_percent(ratio: float) -> str:
    """Returns a ratio in whole percent: "42%"."""
    return f"{100 * ratio:.0f}%"
