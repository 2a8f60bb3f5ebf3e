"""Folders of pushed students: whether each file is the one that SHA256SUMS names, and how large they may be here."""

from __future__ import annotations

import hashlib
from pathlib import Path

from learn2compress.config.parsing import ConfigError
from learn2compress.release.push_content import SUMS_FILE, parse_sums

MAX_MODEL_BYTES = 500_000
MAX_FOLDER_BYTES = 1_200_000
"""Of the students of one data set together, with all that stands beside their files."""


def check_sums(folder: Path) -> None:
    """Checks that a folder holds the files that its SHA256SUMS names, and no others.

    Args:
      folder: A pushed version, or one student that was collected.

    Raises:
      ConfigError: a file is missing, is another one, or is not named there.
    """
    sums = parse_sums((folder / SUMS_FILE).read_bytes())
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} - {SUMS_FILE}
    for relative in sorted(found ^ set(sums)):
        fault = "is not named there" if relative in found else "is missing"
        raise ConfigError(f"{folder / SUMS_FILE}: {relative} {fault}; copy the folder anew from where it was pushed")
    for relative, expected in sums.items():
        digest = hashlib.sha256((folder / relative).read_bytes()).hexdigest()
        if digest != expected:
            raise ConfigError(
                f"{folder / relative}: found SHA-256 {digest}, accepted is {expected}, which {SUMS_FILE} names; "
                "copy the folder anew from where it was pushed"
            )


def checked_students(folder: Path) -> dict[str, Path]:
    """Finds the students in a folder, and checks every file beside them.

    Args:
      folder: A pushed version, a student, or a folder of either.

    Returns:
      Their `.tflite` files by the path of the student's folder from `folder`, or by its name where that is `folder`.

    Raises:
      ConfigError: there is no student, a file is not what a SHA256SUMS names, or no SHA256SUMS names a `.tflite` file.
    """
    checked = [path.parent for path in sorted(folder.rglob(SUMS_FILE))]
    for one in checked:
        check_sums(one)
    models = sorted(folder.rglob("*.tflite"))
    if not models:
        raise ConfigError(f"FOLDER: found no .tflite file in {folder}, accepted is a folder of pushed students")
    for model in models:
        if not any(model.is_relative_to(one) for one in checked):
            raise ConfigError(
                f"{model}: found no {SUMS_FILE} that names it, accepted is a whole pushed version, or students that "
                "collect_students.py took from one"
            )
    return {
        folder.resolve().name if model.parent == folder else model.parent.relative_to(folder).as_posix(): model
        for model in models
    }
