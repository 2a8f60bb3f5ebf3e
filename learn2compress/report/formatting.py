"""How figures are written, the same on the page, in the model cards and on the terminal.

Sizes are decimal: 1 kB is 1,000 bytes. `None` and NaN are written as "not measured".
"""

from __future__ import annotations

import math

from learn2compress.results.latency import Latency
from learn2compress.selection.speed import allows_claim, is_wide

NOT_MEASURED = "not measured"
NO_CLAIM = "no claim"
_MINUS = "\N{MINUS SIGN}"
_TIMES = "\N{MULTIPLICATION SIGN}"


def _missing(value: float | None) -> bool:
    return value is None or math.isnan(value)


def _scaled(value: float, units: tuple[str, ...]) -> str:
    """Returns three significant digits and the unit that leaves 1 to 999 before it, where there is one.

    Args:
      value: A figure in the first unit.
      units: Each a thousand times the one before, with the space that stands before it.
    """
    for index, unit in enumerate(units):
        if abs(value) < 999.5 or index == len(units) - 1:
            decimals = 0 if index == 0 or abs(value) >= 99.95 else 1 if abs(value) >= 9.995 else 2
            return f"{value:,.{decimals}f}{unit}"
        value /= 1000
    raise ValueError("units: found none, accepted is at least one")


def byte_size(value: float | None) -> str:
    """Returns bytes as "512 B", "43.1 kB" or "1.92 MB"."""
    return NOT_MEASURED if value is None or _missing(value) else _scaled(value, (" B", " kB", " MB", " GB"))


def quantity(value: float | None) -> str:
    """Returns a count as "812", "43.1 k", "1.92 M" or "3.10 G"."""
    return NOT_MEASURED if value is None or _missing(value) else _scaled(value, ("", " k", " M", " G"))


def exact(value: int | None) -> str:
    """Returns a whole number with separators: "43,120"."""
    return NOT_MEASURED if value is None else f"{value:,}"


def percent(ratio: float | None, decimals: int = 2) -> str:
    """Returns a ratio as "97.50%".

    Args:
      ratio: 0..1.
      decimals: Digits after the point.
    """
    return NOT_MEASURED if ratio is None or _missing(ratio) else f"{100 * ratio:.{decimals}f}%"


def interval(low: float | None, high: float | None) -> str:
    """Returns the ends of an interval of ratios as "95.3 to 98.7%".

    Args:
      low: Lower end, 0..1.
      high: Upper end.
    """
    if low is None or high is None or _missing(low) or _missing(high):
        return NOT_MEASURED
    return f"{100 * low:.1f} to {100 * high:.1f}%"


def points(difference: float | None) -> str:
    """Returns a difference of two ratios in percentage points, with its sign: "+0.28"."""
    if difference is None or _missing(difference):
        return NOT_MEASURED
    text = f"{abs(100 * difference):.2f}"
    if text == "0.00":
        return text
    return f"{'+' if difference > 0 else _MINUS}{text}"


def milliseconds(value: float | None) -> str:
    """Returns a time as "0.0421 ms" or "12.3 ms": three significant digits."""
    if value is None or _missing(value):
        return NOT_MEASURED
    return f"{significant(value)} ms"


def latency_bound(latency: Latency) -> str:
    """Returns the upper end of the latency's interval, that of an unlucky half of the rounds: "to 0.0726".

    Empty where an older version did not measure it.
    """
    return "" if latency.fastest_high_ms is None else f"to {significant(latency.fastest_high_ms)}"


def times(value: float | None) -> str:
    """Returns a factor: "12.3" and the multiplication sign."""
    return NOT_MEASURED if value is None or _missing(value) else f"{significant(value)}{_TIMES}"


def significant(value: float, digits: int = 3) -> str:
    """Returns a number without an exponent: "0.0421", "1.20", "123", "1,234".

    Args:
      value: The number.
      digits: Significant digits.
    """
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(float(f"{value:.{digits - 1}e}")))))
    return f"{value:,.{decimals}f}"


def speed(latency: Latency) -> str:
    """Returns what the ratio to the teacher's time allows to say: so many times faster, slower, or "no claim".

    Nothing is claimed where the ratio's interval holds 1, or where a wall clock
    timed both on a busy machine; of a wide interval only its cautious end, as "at least 5.0x faster".
    """
    if not allows_claim(latency):
        return NO_CLAIM
    is_faster = latency.teacher_ratio_high < 1
    word = "faster" if is_faster else "slower"
    if is_wide(latency):
        cautious = 1 / latency.teacher_ratio_high if is_faster else latency.teacher_ratio_low
        return f"at least {significant(cautious, 2)}{_TIMES} {word}"
    if latency.teacher_ratio <= 0:
        return NOT_MEASURED
    return f"{times(1 / latency.teacher_ratio if is_faster else latency.teacher_ratio)} {word}"


def speed_interval(latency: Latency) -> str:
    """Returns the interval of the factor that `speed` claims, two digits each: "5.4 to 6.2".

    Where nothing is claimed, it is the interval of "so many times faster".
    """
    low, high = latency.teacher_ratio_low, latency.teacher_ratio_high
    if not (allows_claim(latency) and low > 1):
        if low <= 0 or high <= 0:
            return NOT_MEASURED
        low, high = 1 / high, 1 / low
    return f"{significant(low, 2)} to {significant(high, 2)}"


def ratio_with_interval(latency: Latency) -> str:
    """Returns the measured ratio to the teacher's time, as "0.430 (0.410 to 0.460)"."""
    low, high = significant(latency.teacher_ratio_low), significant(latency.teacher_ratio_high)
    return f"{significant(latency.teacher_ratio)} ({low} to {high})"


def divided(teacher: float | None, student: float | None) -> float | None:
    """Returns how many times smaller the student's figure is; `None` where that has no meaning.

    Args:
      teacher: The teacher's figure.
      student: The student's.
    """
    return teacher / student if teacher is not None and student else None
