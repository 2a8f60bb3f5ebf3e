"""How examples are stored, as far as the name of their file says it."""

from __future__ import annotations

import re

from learn2compress.config import DataFormat

_ENDING = re.compile(r"\.(csv|tsv)(?:\.gz)?$|\.(npz)$|\.(tfrecord)s?$")


def format_of_name(name: str) -> DataFormat | None:
    """Returns the format that a file's name ends in; `None` for a folder and for every other name.

    Args:
      name: A name, path or URL.
    """
    match = _ENDING.search(name.lower())
    return None if match is None else DataFormat(next(filter(None, match.groups())))
