"""Decides whether a teacher may be loaded, by reading it without loading it.

Nothing of the teacher runs here: archives are listed, JSON and protocol buffers
are parsed, and what they ask for is checked against lists of what is accepted.
Keras's own `safe_mode` is a second line behind this one; it was bypassed
repeatedly (CVE-2025-1550, CVE-2025-8747, CVE-2025-9905, CVE-2025-9906,
CVE-2025-12058) and does not exist for SavedModels.

What this does not cover: memory errors in the native parsers of HDF5 and
protocol buffers, and a teacher that is honest about being too large or too slow
for this machine (a layer of 10^12 units, a loop without end).
"""

from __future__ import annotations

import hashlib
import os
import zipfile
from pathlib import Path

from learn2compress.config.parsing import ConfigError
from learn2compress.teachers import hdf5_file, keras_archive, saved_model
from learn2compress.teachers.formats import TeacherFormat, UnsafeTeacherError

__all__ = ["TeacherFormat", "UnsafeTeacherError", "check_teacher", "content_sha256", "teacher_format"]

_ZIP_MAGIC = b"PK\x03\x04"
_HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"
_ACCEPTED = "a .keras file, a .h5 file or a TensorFlow 2 SavedModel folder"


def check_teacher(path: Path) -> TeacherFormat:
    """Refuses a teacher that is unsafe to load.

    Args:
      path: A local file or folder. Its content decides the format, not its name.

    Returns:
      The format it was found to be in.

    Raises:
      UnsafeTeacherError: loading it could run code, touch files or exhaust memory.
      ConfigError: it can't be read, or is no teacher at all.
    """
    found = teacher_format(path)
    try:
        if found is TeacherFormat.KERAS:
            keras_archive.check(path)
        elif found is TeacherFormat.H5:
            hdf5_file.check_model(path)
        else:
            saved_model.check(path)
    except OSError as error:
        # h5py reports damaged files as OSError without an errno.
        reason = error.strerror or str(error).splitlines()[0]
        raise ConfigError(f"{path} can't be read, or is damaged: {reason}") from error
    return found


def teacher_format(path: Path) -> TeacherFormat:
    """Returns the format that the content shows: a zip, HDF5, or a folder with a `saved_model.pb`.

    Args:
      path: A local file or folder.

    Raises:
      ConfigError: it is none of them, or can't be read.
    """
    try:
        if path.is_dir():
            if (path / "saved_model.pb").is_file():
                return TeacherFormat.SAVED_MODEL
            raise ConfigError(f"{path}: found a folder without saved_model.pb, accepted is {_ACCEPTED}")
        if not path.exists():
            raise ConfigError(f"{path}: found nothing, accepted is {_ACCEPTED}")
        if not path.is_file():
            raise ConfigError(f"{path}: found neither a file nor a folder, accepted is {_ACCEPTED}")
        with path.open("rb") as file:
            head = file.read(8)
    except OSError as error:
        raise ConfigError(f"{path} can't be read: {error.strerror}") from error
    if head.startswith(_HDF5_MAGIC):
        return TeacherFormat.H5
    if head.startswith(_ZIP_MAGIC):
        if not zipfile.is_zipfile(path):
            raise ConfigError(f"{path}: the zip archive is cut short or damaged; fetch or export the teacher again")
        return TeacherFormat.KERAS
    raise ConfigError(f"{path}: found a file that is neither a zip archive nor HDF5, accepted is {_ACCEPTED}")


def content_sha256(path: Path) -> str:
    """Returns a hash of a teacher's bytes, the same wherever it is stored.

    Args:
      path: A file: the hash of its bytes, as `sha256sum` prints it. A folder: a
        hash over each file's relative name, size and bytes, in the order of names.

    Returns:
      64 hexadecimal digits.

    Raises:
      ConfigError: something in it can't be read.
    """
    digest = hashlib.sha256()
    try:
        if not path.is_dir():
            with path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        names = sorted(file.relative_to(path).as_posix() for file in path.rglob("*") if file.is_file())
        for name in names:
            with (path / name).open("rb") as file:
                size_bytes = os.fstat(file.fileno()).st_size
                # Name and size come first, so that bytes can't move between files unseen.
                digest.update(f"{name}\0{size_bytes}\0".encode("utf-8", "surrogateescape"))
                while block := file.read(1024 * 1024):
                    digest.update(block)
    except OSError as error:
        raise ConfigError(f"{path} can't be read: {error.strerror}") from error
    return digest.hexdigest()
