"""How a decision writes its figures: with as many digits as it takes to tell two of them apart."""

from __future__ import annotations


def count(value: float, _digits: int = 3) -> str:
    """Returns a whole number: "43,120".

    Args:
      value: The figure.
      _digits: Not used: all digits are shown.
    """
    return f"{value:,.0f}"


def byte_count(value: float, _digits: int = 3) -> str:
    """Returns a size: "43,120 bytes".

    Args:
      value: Bytes.
      _digits: Not used: all digits are shown.
    """
    return f"{value:,.0f} bytes"


def milliseconds(value: float, digits: int = 3) -> str:
    """Returns a time: "0.412 ms".

    Args:
      value: Milliseconds.
      digits: Significant digits.
    """
    return f"{value:,.{digits}g} ms"


def times(value: float, digits: int = 3) -> str:
    """Returns a factor: "0.25x".

    Args:
      value: The factor.
      digits: Significant digits.
    """
    return f"{value:.{digits}g}x"


def points(ratio: float, digits: int = 3) -> str:
    """Returns a difference of ratios: "1.5 points".

    Args:
      ratio: 0..1.
      digits: Significant digits.
    """
    return f"{bare_points(ratio, digits)} points"


def bare_points(ratio: float, digits: int = 3) -> str:
    """Returns the same without the word, for the ends of an interval.

    Args:
      ratio: 0..1.
      digits: Significant digits.
    """
    return f"{100 * ratio:.{digits}g}"


def interval_points(low: float, high: float) -> str:
    """Returns an interval of a difference of ratios, to at most two decimals: "-0.04 to 2.63 points".

    Args:
      low: Lower end, -1..1.
      high: Upper end, -1..1.
    """
    ends = (f"{round(100 * end, 2) + 0.0:.2f}".rstrip("0").rstrip(".") for end in (low, high))
    return f"{' to '.join(ends)} points"


def percent(ratio: float, digits: int = 4) -> str:
    """Returns a ratio: "95.13%".

    Args:
      ratio: 0..1.
      digits: Significant digits.
    """
    return f"{100 * ratio:.{digits}g}%"


def whole_percent(ratio: float) -> str:
    """Returns a ratio in whole percent: "42%"."""
    return f"{100 * ratio:.0f}%"
