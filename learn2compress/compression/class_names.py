"""The names of the classes as a person hands them over."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from learn2compress.config.parsing import ConfigError, clipped
from learn2compress.data.records import label_problem

_ACCEPTED = "accepted is a list of names in the order of the label's indices, each once"


def checked_class_names(names: Any) -> tuple[str, ...]:
    """Reads the names of the classes.

    Args:
      names: A list, a tuple, or a NumPy array `[classes]`; what has no order, such as a set, is refused.

    Returns:
      The names, in index order.

    Raises:
      ConfigError: they are something else, one is no printable text, or one is there twice.
    """
    if isinstance(names, np.ndarray) and names.ndim == 1:
        names = names.tolist()
    if not isinstance(names, (list, tuple)) or not names:
        raise ConfigError(f"class_names: found {clipped(repr(names))} ({type(names).__name__}), {_ACCEPTED}")
    for name in names:
        if not isinstance(name, str):
            raise ConfigError(f"class_names: found {clipped(repr(name))} ({type(name).__name__}), {_ACCEPTED}")
        problem = label_problem(name)
        if problem is not None:
            raise ConfigError(f"class_names: {problem}")
    again = next(_repeated(names), None)
    if again is not None:
        raise ConfigError(f"class_names: found {again!r} twice, accepted is each name once")
    return tuple(map(str, names))


def _repeated(names: list[str] | tuple[str, ...]) -> Iterator[str]:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            yield name
        seen.add(name)
