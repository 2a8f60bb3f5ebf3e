"""Which part of the data an example belongs to, read off where it came from."""

from __future__ import annotations

import re
from collections.abc import Callable

OTHER = "(other)"

_WILDCARDS = {"*": r"[^/#]*?", "{slice}": r"([^/#]+?)"}


def slice_namer(pattern: str) -> Callable[[str], str]:
    """Makes a function that names the slice of a source.

    Args:
      pattern: As `evaluate.slice_by`: `{slice}` stands for the name, at least one
        character, and `*` for anything; neither reaches beyond a "/" or "#". The
        rest is literal, and the whole source must fit.

    Returns:
      Function of a source; a source that does not fit belongs to `OTHER`.
    """
    first, *rest = re.split(r"(\*|\{slice\})", pattern)
    groups = [_WILDCARDS[wild] + re.escape(literal) for wild, literal in zip(rest[::2], rest[1::2], strict=True)]
    # What a wildcard and the text behind it matched first is never reconsidered, but for the last, which must reach
    # the end: as in any glob nothing is missed by it, and the time is linear.
    compiled = re.compile(re.escape(first) + "".join(f"(?>{group})" for group in groups[:-1]) + groups[-1])

    def name(source: str) -> str:
        match = compiled.fullmatch(source)
        return match[1] if match else OTHER

    return name
