"""What paths are checked for before any work: that the inputs are there, and that the output can be written."""

from __future__ import annotations

import contextlib
import difflib
import tempfile
from collections.abc import Iterable
from pathlib import Path

from learn2compress.config.parsing import ConfigError, clipped, listed

_MOST_BESIDE = 1000
_LONGEST_PATH = 300


def check_there(path: str, argument: str, accepted: str) -> None:
    """Refuses a path at which nothing is; a URL is left to who opens it.

    Args:
      path: A path or URL.
      argument: The argument, for the message.
      accepted: What it has to be, for the message.

    Raises:
      ConfigError: nothing is there; the message names what is beside it.
    """
    if "://" in path:
        return
    with contextlib.suppress(OSError, RuntimeError):
        if path.strip() and Path(path).expanduser().exists():
            return
    shown = clipped(repr(path), _LONGEST_PATH)
    raise ConfigError(f"{argument}: found nothing at {shown}{_beside(Path(path))}, accepted is {accepted}")


def _beside(path: Path) -> str:
    """Returns what lies in the folder of a path: what has a like name, or else the first of all."""
    try:
        names = sorted(found.name for found in path.parent.iterdir() if not found.name.startswith("."))
    except OSError:
        return f", nor a folder {path.parent}"
    alike = difflib.get_close_matches(path.name, names[:_MOST_BESIDE])
    if not names:
        return " (its folder is empty)"
    return f" (beside it: {listed(alike or names)})"


def make_output_folder(folder: Path, option: str, files: Iterable[str]) -> None:
    """Makes a folder and checks that files can be written there, before hours of work end in one that can't.

    Args:
      folder: The folder; its parents are made, too.
      option: The option, for messages.
      files: Names of the files that will be written or replaced in it.

    Raises:
      ConfigError: it can't be made or written, or a folder has the name of one of the files.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{option}: {folder} can't be made: {error.strerror}") from None
    for name in files:
        path = folder / name
        if path.exists() and not path.is_file():
            raise ConfigError(
                f"{option}: found {path}, which is no file, accepted is a folder where one can be written"
            )
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ConfigError(f"{option}: {folder} can't be written: {error.strerror or error}") from None
