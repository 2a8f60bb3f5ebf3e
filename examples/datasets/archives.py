"""Archives on the network, fetched once, and used only where their content is what was published."""

from __future__ import annotations

import gzip
import hashlib
import os
import pickle
import shutil
import tarfile
import tempfile
import urllib.error
import urllib.request
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from learn2compress.config.parsing import ConfigError

_TIMEOUT_S = 60.0
_CHUNK_BYTES = 1 << 20
# Twice what the largest archive and the largest file in one have.
_LARGEST_ARCHIVE_BYTES = 400_000_000
_LARGEST_FILE_BYTES = 64_000_000


@dataclass(frozen=True)
class Archive:
    """A file on the network.

    Attributes:
      url: Where it was published.
      file_name: Its name in the folder of downloads.
      sha256: Of its bytes; `None` where a server packs it anew, so that only its content can be checked.
    """

    url: str
    file_name: str
    sha256: str | None = None


def fetch(archive: Archive, downloads: Path, say: Callable[[str], None] = print) -> Path:
    """Returns an archive from the folder of downloads, and downloads it where it is not there.

    Args:
      archive: What to get.
      downloads: The folder; a file of the archive's name there is used as it is.
      say: Told what is downloaded and how far it is.

    Raises:
      ConfigError: it can't be downloaded, or its bytes are not those that were published.
    """
    path = downloads / archive.file_name
    if not path.is_file():
        say(f"downloading {archive.url}")
        downloads.mkdir(parents=True, exist_ok=True)
        with whole_or_nothing(path) as part:
            _download(archive.url, part, say)
            _check(archive, part)
    _check(archive, path)
    return path


@contextmanager
def whole_or_nothing(path: Path) -> Iterator[Path]:
    """Gives a place beside a path, and moves what was written there onto the path, if the block ends well.

    Args:
      path: A file or folder that is not there yet.

    Yields:
      The place, which is not there either.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as folder:
        part = Path(folder) / path.name
        yield part
        os.rename(part, path)


@contextmanager
def opened_tar(path: Path, archive: Archive) -> Iterator[tarfile.TarFile]:
    """Opens an archive whose bytes nobody vouches for: it is not unpacked before its size is known.

    Args:
      path: The file.
      archive: What it should be.

    Yields:
      The archive, whose members are read by `member_bytes`.

    Raises:
      ConfigError: it is no whole tar archive, is larger than any of ours, or what the block reads is not as published.
    """
    mend = f"accepted is the archive of {archive.url}; remove it to download it again"
    try:
        with tarfile.open(path, "r:gz" if _is_packed(path, mend) else "r:") as opened:
            yield opened
    except ConfigError:
        raise
    except (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError, pickle.UnpicklingError) as error:
        raise ConfigError(f"{path}: found no whole tar archive ({error}), {mend}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: found a file that is not UTF-8 text, {mend}") from None
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise ConfigError(f"{path}: found other rows than were published ({error}), {mend}") from None


def member_bytes(opened: tarfile.TarFile, member: tarfile.TarInfo) -> bytes | None:
    """Returns the content of a file in an archive; `None` where it is no file.

    Args:
      opened: From `opened_tar`.
      member: Of it.

    Raises:
      ConfigError: it is larger than any of ours.
    """
    if member.size > _LARGEST_FILE_BYTES:  # of a sparse file, the archive holds next to nothing
        raise ConfigError(
            f"{opened.name}: found {member.name} of {member.size:,} bytes, accepted are {_LARGEST_FILE_BYTES:,} at most"
        )
    file = opened.extractfile(member)
    return None if file is None else file.read()


def _is_packed(path: Path, mend: str) -> bool:
    """Reads an archive through, a piece at a time, and returns whether it is packed by gzip.

    Args:
      path: The file.
      mend: What to do about one that is too large.

    Raises:
      ConfigError: what is in it is larger than any of ours.
    """
    with path.open("rb") as file:
        is_packed = file.read(2) == b"\x1f\x8b"
    size = 0
    with gzip.open(path) if is_packed else path.open("rb") as content:
        while piece := content.read(_CHUNK_BYTES):
            size += len(piece)
            if size > _LARGEST_ARCHIVE_BYTES:
                raise ConfigError(f"{path}: found more than {_LARGEST_ARCHIVE_BYTES:,} bytes in it, {mend}")
    return is_packed


def sha256_of(path: Path) -> str:
    """Returns the SHA-256 of a file's bytes, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _download(url: str, path: Path, say: Callable[[str], None]) -> None:
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as answer, path.open("wb") as file:  # noqa: S310 - our own URLs
            shutil.copyfileobj(answer, file, _CHUNK_BYTES)
    except (OSError, urllib.error.URLError) as error:
        reason = getattr(error, "reason", None) or error
        raise ConfigError(
            f"{url} can't be downloaded: {reason}; download it elsewhere and put it beside the others as {path.name} "
            "(--downloads names the folder), or set SSL_CERT_FILE to your company's certificates"
        ) from None
    say(f"  {path.stat().st_size / 1e6:,.1f} MB")


def _check(archive: Archive, path: Path) -> None:
    if archive.sha256 is not None and (found := sha256_of(path)) != archive.sha256:
        raise ConfigError(
            f"{path}: found SHA-256 {found}, accepted is {archive.sha256}; remove it to download it again"
        )
