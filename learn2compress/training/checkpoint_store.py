"""Training state in an object store, so that it outlives the machine that trains.

State is written on this machine first and then uploaded. An object store shows
an object whole or not at all, so a kill in between leaves the state before.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import weakref
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from fsspec.core import url_to_fs

from learn2compress import progress
from learn2compress.config.parsing import ConfigError
from learn2compress.store_files import put_file

# Says before a long training, not in its middle, that nothing can be written there.
_OPENED_FILE = ".opened"


class CheckpointStore:
    """A folder behind an fsspec URL, and this process's copy of it: the URL alone has what other machines did since.

    Args:
      uri: Of one training's own folder, such as "s3://bucket/checkpoints/0f3c".

    Attributes:
      folder: The copy; it is removed when nothing refers to this object any more.

    Raises:
      ConfigError: the URL can't be read and written.
    """

    def __init__(self, uri: str):
        self._uri = uri.rstrip("/")
        with _telling(self._uri):
            filesystem, root = url_to_fs(self._uri)
            self._filesystem: Any = filesystem
            self._root = str(root)
            put_file(self._filesystem, f"{self._root}/{_OPENED_FILE}", b"")
            self.folder = Path(tempfile.mkdtemp(prefix="checkpoint-"))
            weakref.finalize(self, shutil.rmtree, self.folder, ignore_errors=True)
            self._fetch()

    def _fetch(self) -> None:
        self._filesystem.invalidate_cache()
        for name in sorted(self._filesystem.find(self._root)):
            relative = PurePosixPath(name[len(self._root) :].lstrip("/"))
            if relative.name == _OPENED_FILE or ".." in relative.parts or not name.startswith(f"{self._root}/"):
                continue
            target = self.folder / relative
            target.parent.mkdir(parents=True, exist_ok=True)
            self._filesystem.get_file(name, str(target))

    def keep(self, path: Path) -> None:
        """Uploads a file of the copy.

        One that can't be uploaded is reported, and the training continues: it may end without having needed it.
        """
        try:
            put_file(self._filesystem, f"{self._root}/{path.relative_to(self.folder).as_posix()}", path.read_bytes())
        except Exception as error:  # whatever a store's own client raises
            progress.report(f"checkpoint to {self._uri}", 0, 1, f"not kept: {_one_line(error)}")

    def discard(self, folder: Path) -> None:
        """Removes what is kept of a folder of the copy, or of all of it; what can't be removed is left."""
        relative = folder.relative_to(self.folder)
        with contextlib.suppress(Exception):
            self._filesystem.invalidate_cache()
            self._filesystem.rm("/".join((self._root, *relative.parts)), recursive=True)


@contextlib.contextmanager
def _telling(uri: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # whatever a store's own client raises
        raise ConfigError(
            f"checkpoint_root: {uri} can't be read and written: {_one_line(error)}; see that it is there, and that this"
            " process may write to it"
        ) from error


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
