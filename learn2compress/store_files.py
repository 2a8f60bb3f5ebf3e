"""Files in stores behind fsspec, whether these have real folders or only names with slashes, and in local folders."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

# Of the clients of Amazon's, Google's and Microsoft's stores; none is an OSError.
_NO_CREDENTIALS = frozenset(
    {
        "ClientAuthenticationError",
        "CredentialRetrievalError",
        "DefaultCredentialsError",
        "NoCredentialsError",
        "PartialCredentialsError",
    }
)
_PROBE = b"can this be written?"


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


def why_not_readable(error: BaseException) -> str:
    """Returns one line on why a place can't be read, with what to do where credentials are missing.

    Args:
      error: Whatever the store's own client raised.
    """
    text = str(getattr(error, "strerror", None) or str(error) or type(error).__name__).splitlines()[0]
    if any(kind.__name__ in _NO_CREDENTIALS for kind in type(error).__mro__):
        text += (
            "; this machine needs the store's credentials, too: for S3 in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
            "and in AWS_ENDPOINT_URL where it is not Amazon's"
        )
    return text


def existing_folder(folder: Path) -> Path:
    """Returns the folder itself, or the nearest of those above it that is there: where it would be made."""
    return next(found for found in (folder, *folder.parents) if found.exists())


def why_not_writable(folder: Path) -> str | None:
    """Returns why files can't be written into a local folder, which need not be there yet.

    A nameless file is written and gone again: permissions alone don't tell of file systems that are mounted read-only
    or full.

    Args:
      folder: An absolute path.

    Returns:
      What the system says, such as "Permission denied"; `None` where files can be written.
    """
    try:
        found = existing_folder(folder)
        if not found.is_dir():
            return f"{found} is a file"
        with tempfile.TemporaryFile(dir=found) as file:
            file.write(_PROBE)
            file.flush()
    except OSError as error:
        return error.strerror or type(error).__name__
    return None
