"""By what a later run tells whether the data are the same: a digest of names and content.

Times decide nothing: a file that is touched is the same file, and one of the same name, size and time with other bytes
is another. Local files are hashed once (`learn2compress.data.file_digests`); a store's own checksum or entity tag
stands for the content of a remote file, which is not fetched.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
from collections.abc import Iterator
from pathlib import Path

from learn2compress.config import DataConfig
from learn2compress.data.file_digests import FileDigests
from learn2compress.data.locations import Entry, Location
from learn2compress.data.records import SourceError
from learn2compress.data.sources import listed_files

_BLOCK_BYTES = 1024**2


def source_fingerprint(data: DataConfig, digests: FileDigests | None = None) -> str:
    """Computes the fingerprint. It decides what to run again; what was read is proven by the hashes of each record.

    A remote file about which its store says nothing, neither checksum, entity tag, version nor time, is read.

    Args:
      data: Where the examples are.
      digests: Remembers the content of local files; without it they are read each time.

    Returns:
      Hex SHA-256.

    Raises:
      SourceError: a source is missing, or can't be listed or read.
    """
    if data.uri is None:
        return _digits_fingerprint()
    digests = FileDigests() if digests is None else digests
    fingerprint = hashlib.sha256(data.format.value.encode())
    for location, entries in listed_files(data):
        for name, content in ((location.field, location.uri), *_contents(location, entries, digests)):
            # The one character that no name holds: no name can pass for another name and its content.
            fingerprint.update(f"{name}\0{content}\0".encode("utf-8", "surrogateescape"))
    return fingerprint.hexdigest()


def _contents(location: Location, entries: list[Entry], digests: FileDigests) -> Iterator[tuple[str, str]]:
    """Returns the path of each entry, and what its content is known by."""
    readable = [entry for entry in entries if not entry.is_folder and entry.problem is None]
    local = digests.of([entry.path for entry in readable]) if location.is_local else iter(())
    for entry in entries:
        if entry.is_folder or entry.problem is not None:
            # Nothing in it is read: that of a folder whose files count is listed by itself.
            content = entry.problem or "folder"
        elif location.is_local:
            content = next(local)
        else:
            content = f"{entry.num_bytes} {_remote_content(location, entry)}"
        yield entry.path, content


def _remote_content(location: Location, entry: Entry) -> str:
    if entry.stamp:
        return entry.stamp
    # A listing may say less than a question about one file does.
    asked = location.entry(entry.path)
    if asked is not None and asked.stamp:
        return asked.stamp
    try:
        digest = hashlib.sha256()
        with location.open(entry.path) as file:
            while block := file.read(_BLOCK_BYTES):
                digest.update(block)
        return digest.hexdigest()
    except (OSError, ValueError) as error:
        raise location.error(f"{entry.path} can't be read: {error}") from error


def _digits_fingerprint() -> str:
    # Found without importing scikit-learn, which takes a second and reads nothing else here.
    spec = importlib.util.find_spec("sklearn")
    if spec is None or spec.origin is None:
        raise SourceError("data.format: 'digits' come with scikit-learn, which is not installed; install it")
    content = (Path(spec.origin).parent / "datasets" / "data" / "digits.csv.gz").read_bytes()
    version = importlib.metadata.version("scikit-learn")
    return hashlib.sha256(f"digits {version} ".encode() + content).hexdigest()
