"""Copies a remote teacher onto this machine, file by file and within a size limit."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any

import fsspec
from fsspec.core import url_to_fs

from learn2compress.config.parsing import ConfigError
from learn2compress.progress import report
from learn2compress.store_files import why_not_readable
from learn2compress.teachers.formats import MAX_FILES, MAX_TEACHER_BYTES, UnsafeTeacherError

_BLOCK_BYTES = 4 * 1024**2


def fetch_teacher(uri: str, into: Path) -> Path:
    """Copies a remote teacher into a folder; a local one stays where it is.

    Args:
      uri: A path, or any URL that fsspec opens, of a file or of a SavedModel folder.
      into: A local folder to copy into, usually a temporary one.

    Returns:
      The local path of the teacher.

    Raises:
      UnsafeTeacherError: it is too large, or names files outside its folder.
      ConfigError: it can't be found or read.
    """
    if "://" not in uri:
        return Path(uri)
    try:
        filesystem, root = url_to_fs(uri)
        if isinstance(filesystem, fsspec.get_filesystem_class("file")):
            return Path(root)
        # Some stores know files only, and answer a folder by what lies under it.
        files = {root: filesystem.info(root)} if filesystem.isfile(root) else filesystem.find(root, detail=True)
        if not files:
            raise ConfigError(f"{uri}: found nothing, accepted is a .keras file, a .h5 file or a SavedModel folder")
        return _copy_all(filesystem, uri, root, files, into)
    except ConfigError:
        raise
    except Exception as error:  # whatever a store's own client raises
        raise ConfigError(f"{uri} can't be read: {why_not_readable(error)}") from error


def _copy_all(filesystem: Any, uri: str, root: str, files: dict[str, Any], into: Path) -> Path:
    if len(files) > MAX_FILES:
        raise UnsafeTeacherError(f"{uri}: found {len(files)} files, accepted are {MAX_FILES} at most")
    total_bytes = sum(info.get("size") or 0 for info in files.values())
    target = into / (PurePosixPath(root).name or "teacher")
    done_bytes = 0
    for name in sorted(files):
        relative = PurePosixPath(name[len(root) :].lstrip("/"))
        if not name.startswith(root) or relative.is_absolute() or ".." in relative.parts or "\\" in str(relative):
            raise UnsafeTeacherError(f"{uri}: found {name!r} outside the folder, accepted are files inside it")
        local = target / relative
        local.parent.mkdir(parents=True, exist_ok=True)
        with filesystem.open(name, "rb") as source, local.open("xb") as copy:
            while block := source.read(_BLOCK_BYTES):
                done_bytes += len(block)
                # Counted while reading: what a server says about sizes need not be true.
                if done_bytes > MAX_TEACHER_BYTES:
                    raise UnsafeTeacherError(f"{uri}: found more than {MAX_TEACHER_BYTES} bytes, accepted is less")
                copy.write(block)
                report("fetching the teacher", done_bytes, max(total_bytes, done_bytes, 1), unit="bytes")
    return target
