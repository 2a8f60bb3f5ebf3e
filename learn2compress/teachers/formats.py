"""The formats a teacher comes in, what refuses one, and the limits of all formats."""

from __future__ import annotations

from enum import StrEnum

from learn2compress.config.parsing import ConfigError

MAX_TEACHER_BYTES = 16 * 1024**3
"""Largest teacher, unpacked: beyond it a file is a mistake or a bomb, not a classifier to distil from."""

MAX_EXPANSION = 100
"""Largest ratio of unpacked to stored bytes. Keras stores weights unpacked, and trained weights hardly compress."""

EXPANSION_FLOOR_BYTES = 16 * 1024**2
"""Below this unpacked size a high ratio harms nobody: a freshly built model is mostly zeros."""

MAX_FILES = 10_000
"""Most members of an archive, files of a folder or links in an HDF5 file."""


class TeacherFormat(StrEnum):
    """How a teacher is stored."""

    KERAS = "keras"
    H5 = "h5"
    SAVED_MODEL = "saved_model"


class UnsafeTeacherError(ConfigError):
    """The teacher could run code, read or write files, or exhaust the machine; it was not loaded."""
