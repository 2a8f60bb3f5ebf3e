"""Checks a `.keras` file: a zip of a configuration, weights and vocabularies."""

from __future__ import annotations

import shutil
import stat
import tempfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from learn2compress.config.parsing import ConfigError
from learn2compress.teachers import hdf5_file
from learn2compress.teachers.formats import (
    EXPANSION_FLOOR_BYTES,
    MAX_EXPANSION,
    MAX_FILES,
    MAX_TEACHER_BYTES,
    UnsafeTeacherError,
)
from learn2compress.teachers.loadable_file import CONFIG_FILE, checked_config

_WEIGHTS = "model.weights.h5"
_FILES = {CONFIG_FILE, _WEIGHTS, "metadata.json"}
_MAX_JSON_BYTES = 64 * 1024**2
_ENCRYPTED_FLAG = 0x1


def check(path: Path) -> None:
    """Checks the archive, then its configuration, then its weights.

    Args:
      path: A zip file.

    Raises:
      UnsafeTeacherError: naming the member or the field of the configuration.
      ConfigError: the archive is damaged or incomplete.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            _check_members(archive, path)
            checked_config(archive.read(CONFIG_FILE), f"{path}: {CONFIG_FILE}", legacy=False)
            with archive.open(_WEIGHTS) as packed, tempfile.TemporaryFile() as weights:
                shutil.copyfileobj(packed, weights, 1024 * 1024)
                hdf5_file.check_structure(weights, f"{path}: {_WEIGHTS}", weights.tell())
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise ConfigError(f"{path}: the archive is damaged ({error}); fetch or export the teacher again") from error


def _check_members(archive: zipfile.ZipFile, path: Path) -> None:
    members = archive.infolist()
    if len(members) > MAX_FILES:
        raise UnsafeTeacherError(f"{path}: found {len(members)} archive members, accepted are {MAX_FILES} at most")
    names = [member.filename for member in members]
    if len(set(names)) != len(names):
        raise UnsafeTeacherError(f"{path}: found an archive member twice, accepted is each name once")
    for member in members:
        _check_member(member, path)
    unpacked_bytes = sum(member.file_size for member in members)
    # Against the file's size, not the members' own claims: overlapping members share their stored bytes.
    limit = min(MAX_TEACHER_BYTES, max(EXPANSION_FLOOR_BYTES, path.stat().st_size * MAX_EXPANSION))
    if unpacked_bytes > limit:
        raise UnsafeTeacherError(
            f"{path}: found an archive that unpacks to {unpacked_bytes} bytes, accepted are up to {limit} for its size"
        )
    for name in (CONFIG_FILE, _WEIGHTS):
        if name not in names:
            raise ConfigError(f"{path}: found an archive without {name}, accepted is a .keras file of Keras 3")


def _check_member(member: zipfile.ZipInfo, path: Path) -> None:
    name = member.filename
    # Some readers take the name cut at a NUL or with backslashes as separators; orig_filename shows both.
    parts = PurePosixPath(name).parts
    if "\\" in member.orig_filename or "\0" in member.orig_filename or name.startswith("/") or ".." in parts:
        raise UnsafeTeacherError(f"{path}: found archive member {name!r} outside the archive, accepted are plain names")
    if name not in _FILES and parts[:1] != ("assets",):
        raise UnsafeTeacherError(
            f"{path}: found archive member {name!r}, accepted are {', '.join(sorted(_FILES))} and assets/"
        )
    if name.endswith(".json") and member.file_size > _MAX_JSON_BYTES:
        raise UnsafeTeacherError(
            f"{path}: found {name!r} of {member.file_size} bytes, accepted are {_MAX_JSON_BYTES} at most"
        )
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise UnsafeTeacherError(f"{path}: found archive member {name!r} as a link or device, accepted are files")
    if member.flag_bits & _ENCRYPTED_FLAG or member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ConfigError(
            f"{path}: found archive member {name!r} encrypted or oddly packed, accepted are stored, deflated"
        )
