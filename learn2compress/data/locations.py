"""Files and folders, local or behind an fsspec URL, listed and opened with care.

A local folder may come from somebody else: links that leave it, devices and
pipes are told apart from plain files before anything is opened.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO, cast

import fsspec
from fsspec.implementations.local import LocalFileSystem

from learn2compress.data.records import SourceError, source_name
from learn2compress.store_files import why_not_readable

# Of the content alone, so that copying an object onto itself changes nothing; then what changes with each writing.
_CHECKSUMS = ("md5Hash", "crc32c", "content_md5", "Content-MD5", "Digest", "checksum", "CRC", "sha")
_VERSIONS = ("ETag", "etag", "VersionId", "generation", "LastModified", "Last-Modified", "last_modified", "mtime")
_TIMES = ("updated", "modified", "created")
# What operating systems and storage boxes leave in folders, in lower case.
_CLUTTER = frozenset(
    {"thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "__macosx", "@eadir", "$recycle.bin", "lost+found"}
    | {"system volume information"}
)


@dataclasses.dataclass(frozen=True)
class Entry:
    """A file or folder in a listing.

    Attributes:
      name: Its last path component.
      path: Path that the file system opens.
      is_folder: Whether it is a folder.
      num_bytes: Size of a file; 0 where the file system does not say.
      problem: Why it must not be opened, or `None`.
      stamp: What a remote store says about the content: a checksum, or else an entity tag, version or time; empty where
        it says nothing, and for a local file, whose content itself is there to be read.
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
      link_root: Local folder that links may lead into beside the place itself.
    """

    def __init__(self, uri: str, field: str, link_root: str | None = None):
        self.uri = uri
        self.field = field
        self._link_root = None if link_root is None else os.path.realpath(link_root)
        try:
            filesystem, path = fsspec.core.url_to_fs(uri)
        except Exception as error:  # whatever a store's own client raises
            raise self.error(
                f"found {uri}, accepted is a path or URL that can be opened: {why_not_readable(error)}"
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

    @property
    def _is_glob(self) -> bool:
        return any(mark in self.path for mark in "*?[")

    def _missing(self) -> SourceError:
        return self.error(f"found nothing at {self.uri}, accepted is a file, a folder or a glob of files")

    def check_exists(self) -> None:
        """Refuses a place at which nothing is; what a glob finds is not looked for.

        Raises:
          SourceError: nothing is there, or it can't be read.
        """
        if not self._is_glob and self.entry() is None:
            raise self._missing()

    def entry(self, path: str | None = None) -> Entry | None:
        """Returns what is at this place, or `None` if nothing is.

        Args:
          path: Another file or folder of the same file system.

        Raises:
          SourceError: the place can't be read.
        """
        try:
            info = self.filesystem.info(self.path if path is None else path)
        except FileNotFoundError:
            return None
        except Exception as error:
            raise self.error(f"{path or self.uri} can't be read: {why_not_readable(error)}") from error
        # The configuration itself may name a link: whoever wrote it meant it.
        return self._entry(info, root=None)

    def folder(self, path: str | None = None) -> list[Entry]:
        """Lists a folder; files that begin with a dot, and `Thumbs.db` and its kind, are left out.

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
        except Exception as error:
            raise self.error(f"{path} can't be listed: {why_not_readable(error)}") from error
        root = os.path.realpath(self.path) if self.is_local else None
        # Some object stores list the folder itself as an entry of its own.
        entries = [self._entry(info, root) for info in infos if info["name"].rstrip("/") != path]
        return sorted((entry for entry in entries if not _is_hidden(entry.name)), key=lambda entry: entry.name)

    def files(self, *, name_part: str, accepts: Callable[[str], bool] | None = None) -> list[Entry]:
        """Finds the file, the files of the folder, or the files that match the glob.

        Args:
          name_part: Part of the names of a folder's files, in lower case; or what to call them in an error.
          accepts: Tells by its name, in lower case, whether a file of a folder is one; by default whether the part is
            in it.

        Returns:
          At least one file, by name.

        Raises:
          SourceError: there is none, or one must not be opened.
        """
        wanted = accepts or (lambda name: name_part in name)
        found = self.entry()
        if found is None and self._is_glob:
            root = os.path.realpath(self._fixed_folder()) if self.is_local else None
            try:
                infos = [self.filesystem.info(path) for path in sorted(self.filesystem.glob(self.path))]
            except Exception as error:
                raise self.error(f"{self.uri} can't be listed: {why_not_readable(error)}") from error
            entries = [self._entry(info, root) for info in infos]
        elif found is None:
            raise self._missing()
        elif found.is_folder:
            entries = [entry for entry in self.folder() if wanted(entry.name.lower())]
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
            if root is not None and not self._is_inside(target, root):
                problem = (
                    "a symbolic link that leaves the data's folder, accepted are files inside it, and in "
                    "data.link_root where that is set"
                )
            elif not os.path.exists(target):
                problem = (
                    "a symbolic link to nothing, accepted are links to files that are there: `dvc pull` or "
                    "`git annex get` brings them"
                )
        if kind not in ("file", "directory"):
            problem = problem or "not a plain file, accepted are plain files"
        return Entry(
            name=path.rpartition("/")[2],
            path=path,
            is_folder=kind == "directory",
            num_bytes=int(info.get("size") or 0),
            problem=problem,
            stamp="" if self.is_local or kind == "directory" else _stamp(info),
        )

    def _is_inside(self, target: str, root: str) -> bool:
        roots = [root] if self._link_root is None else [root, self._link_root]
        return any(os.path.commonpath([accepted, target]) == accepted for accepted in roots)


def _stamp(info: Mapping[str, Any]) -> str:
    settings = info.get("content_settings")  # where Azure's checksum is
    nested = settings if isinstance(settings, Mapping) else {}
    for known in (info, nested):
        for key in _CHECKSUMS:
            if known.get(key):
                return f"{key} {known[key]}"
    found = next((key for key in (*_VERSIONS, *_TIMES) if info.get(key)), None)
    return "" if found is None else f"{found} {info[found]}"


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name.lower() in _CLUTTER
