"""Files in stores behind fsspec, whether these have real folders or only names with slashes."""

from __future__ import annotations

from typing import Any


def put_file(filesystem: Any, path: str, content: bytes, **options: Any) -> None:
    """Writes one file, as one object where the store has objects.

    Folders on the way are made where the store has some. A bucket is not: one
    that is not there has its name from a typing mistake.

    Args:
      filesystem: An fsspec file system.
      path: Without the protocol.
      content: All of it.
      options: Of the file system's `pipe_file`.

    Raises:
      FileNotFoundError: there is no such bucket.
    """
    try:
        filesystem.pipe_file(path, content, **options)
    except FileNotFoundError:
        # Stores whose paths begin with a slash have no buckets.
        if not path.startswith("/") and not filesystem.exists(path.partition("/")[0]):
            raise
        filesystem.makedirs(path.rpartition("/")[0], exist_ok=True)
        filesystem.pipe_file(path, content, **options)
