"""Files and folders, local or behind an fsspec URL, listed and opened with care.

A local folder may come from somebody else: links that leave it, devices and
pipes are told apart from plain files before anything is opened.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import tempfile
from collections.abc import Iterator
from typing import Any, BinaryIO, cast

import fsspec
from fsspec.implementations.local import LocalFileSystem

from learn2compress.data.records import SourceError, source_name


@dataclasses.dataclass(frozen=True)
class Entry:
    """A file or folder in a listing.

    Attributes:
      name: Its last path component.
      path: Path that the file system opens.
      is_folder: Whether it is a folder.
      num_bytes: Size of a file; 0 where the file system does not say.
      problem: Why it must not be opened, or `None`.
      stamp: What changes when the content changes: time of modification, checksum or version.
    """

    name: str
    path: str
    is_folder: bool
    num_bytes: int
    problem: str | None
    stamp: str


class Location:
    """A place named by the configuration.

    Args:
      uri: Local path or any fsspec URL.
      field: The configuration's field that names it, for messages.
    """

    def __init__(self, uri: str, field: str):
        self.uri = uri
        self.field = field
        try:
            filesystem, path = fsspec.core.url_to_fs(uri)
        except (ValueError, ImportError, OSError) as error:
            raise self.error(
                f"found {uri}, accepted is a path or URL that can be opened: {_one_line(error)}"
            ) from error
        self.filesystem: Any = filesystem
        self.path = str(path).rstrip("/") or "/"

    @property
    def is_local(self) -> bool:
        """Whether this machine holds it."""
        return isinstance(self.filesystem, LocalFileSystem)

    def error(self, problem: str) -> SourceError:
        """Returns an error about this place.

        Args:
          problem: One line: what was found and what is accepted.
        """
        return SourceError(f"{self.field}: {problem}")

    def entry(self) -> Entry | None:
        """Returns what is at this place, or `None` if nothing is.

        Raises:
          SourceError: the place can't be read.
        """
        try:
            info = self.filesystem.info(self.path)
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise self.error(f"{self.uri} can't be read: {_one_line(error)}") from error
        # The configuration itself may name a link: whoever wrote it meant it.
        return self._entry(info, root=None)

    def folder(self, path: str | None = None) -> list[Entry]:
        """Lists a folder; hidden files, such as `.DS_Store`, are left out.

        Args:
          path: The folder; by default this place.

        Returns:
          Entries by name.

        Raises:
          SourceError: the folder can't be read.
        """
        path = self.path if path is None else path
        try:
            infos = self.filesystem.ls(path, detail=True)
        except (OSError, ValueError) as error:
            raise self.error(f"{path} can't be listed: {_one_line(error)}") from error
        root = os.path.realpath(self.path) if self.is_local else None
        # Some object stores list the folder itself as an entry of its own.
        entries = [self._entry(info, root) for info in infos if info["name"].rstrip("/") != path]
        return sorted((e for e in entries if not e.name.startswith((".", "_"))), key=lambda e: e.name)

    def files(self, *, name_part: str) -> list[Entry]:
        """Finds the file, the files of the folder, or the files that match the glob.

        Args:
          name_part: Part of the names of a folder's files, in lower case.

        Returns:
          At least one file, by name.

        Raises:
          SourceError: there is none, or one must not be opened.
        """
        found = self.entry()
        if found is None and any(mark in self.path for mark in "*?["):
            root = os.path.realpath(self._fixed_folder()) if self.is_local else None
            paths = sorted(self.filesystem.glob(self.path))
            entries = [self._entry(self.filesystem.info(path), root) for path in paths]
        elif found is None:
            raise self.error(f"found nothing at {self.uri}, accepted is a file, a folder or a glob of files")
        elif found.is_folder:
            entries = [entry for entry in self.folder() if name_part in entry.name.lower()]
        else:
            entries = [found]
        entries = [entry for entry in entries if not entry.is_folder]
        for entry in entries:
            if entry.problem:
                raise self.error(f"{entry.path}: {entry.problem}")
        if not entries:
            raise self.error(f"found no {name_part} file at {self.uri}, accepted is one or more")
        return entries

    def open(self, path: str | None = None) -> BinaryIO:
        """Opens a file for reading bytes.

        Args:
          path: The file; by default this place.
        """
        return cast(BinaryIO, self.filesystem.open(self.path if path is None else path, "rb"))

    @contextlib.contextmanager
    def local_file(self, path: str) -> Iterator[str]:
        """Copies a file where it is not local, for libraries that read local files alone.

        Args:
          path: The file.

        Yields:
          A local path; a copy is removed afterwards.
        """
        if self.is_local:
            yield path
            return
        with tempfile.TemporaryDirectory() as folder:
            copy = os.path.join(folder, "copy")
            self.filesystem.get_file(path, copy)
            yield copy

    def relative(self, path: str) -> str:
        """Returns a path as seen from the folder that this place is or lies in.

        Args:
          path: A file.
        """
        fixed = self._fixed_folder() if path != self.path else path.rpartition("/")[0]
        return source_name(path[len(fixed) :].lstrip("/") if path.startswith(fixed) else path)

    def _fixed_folder(self) -> str:
        """Returns the folder in front of a glob's first wildcard; without one, this place."""
        fixed = self.path
        while any(mark in fixed for mark in "*?["):
            fixed = fixed.rpartition("/")[0]
        return fixed

    def _entry(self, info: dict[str, Any], root: str | None) -> Entry:
        path = str(info["name"]).rstrip("/")
        kind = info["type"]
        problem = None
        if self.is_local and info.get("islink"):
            target = os.path.realpath(path)
            # A listing does not say what a link leads to.
            kind = "directory" if os.path.isdir(target) else "file" if os.path.isfile(target) else "other"
            if root is not None and os.path.commonpath([root, target]) != root:
                problem = "a symbolic link that leaves the data's folder, accepted are files inside it"
        if kind not in ("file", "directory"):
            problem = problem or "not a plain file, accepted are plain files"
        return Entry(
            name=path.rpartition("/")[2],
            path=path,
            is_folder=kind == "directory",
            num_bytes=int(info.get("size") or 0),
            problem=problem,
            stamp=self._stamp(path, kind, info),
        )

    def _stamp(self, path: str, kind: str, info: dict[str, Any]) -> str:
        if self.is_local:
            try:
                return str(os.stat(path).st_mtime_ns)
            except OSError as error:
                return f"unreadable: {error.strerror}"
        if kind == "directory":
            return ""
        for key in ("ETag", "etag", "md5Hash", "content_md5", "checksum", "generation", "LastModified", "mtime"):
            if info.get(key):
                return str(info[key])
        return str(self.filesystem.ukey(path))


def _one_line(error: BaseException) -> str:
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return str(text).splitlines()[0]
