"""Lines of a text file: plain or gzipped; in UTF-8, or in UTF-16 or UTF-32 where a byte order mark says so."""

from __future__ import annotations

import codecs
import contextlib
import gzip
import io
import zlib
from collections.abc import Iterator
from typing import IO, cast

from learn2compress.data.locations import Location

MAX_LINE_CHARACTERS = 2**20
_FIRST_CHARACTERS = 2**20
_GZIP_MAGIC = b"\x1f\x8b"
# UTF-32's little-endian mark begins with UTF-16's.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_OTHERS = (
    (b"PK\x03\x04", "a zip archive or an Excel workbook", "unpack it, or save the sheet as CSV"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook", "save the sheet as CSV"),
    (b"BZh", "a bzip2 file", "unpack it"),
    (b"\xfd7zXZ", "an xz file", "unpack it"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard file", "unpack it"),
    (b"PAR1", "a Parquet file", "write it as CSV"),
    (b"ARROW1", "an Arrow file", "write it as CSV"),
    (b"version https://git-lfs", "a pointer of Git LFS", "fetch the file itself: git lfs pull"),
)
_MAGIC_BYTES = 64


def table_lines(location: Location, path: str) -> Iterator[str]:
    """Reads the lines of a file, with their ends; a byte that is not UTF-8 becomes a surrogate.

    Args:
      location: The source.
      path: The file.

    Yields:
      Each line; a carriage return alone ends none.

    Raises:
      SourceError: the file can't be read to its end, is no text, or has a line longer than a table's.
    """
    try:
        with _opened(location, path) as file:
            # Undecodable bytes stay in UTF-8 text as surrogates: one bad record, not a stopped file.
            encoding = _encoding(location, path, file.read(_MAGIC_BYTES))
            file.seek(0)
            errors = "surrogateescape" if encoding.startswith("utf-8") else "strict"
            text = io.TextIOWrapper(file, encoding, errors, newline="\n")
            while line := text.readline(MAX_LINE_CHARACTERS + 1):
                if len(line) > MAX_LINE_CHARACTERS:
                    raise location.error(
                        f"{path}: found a line longer than {MAX_LINE_CHARACTERS} characters, accepted is a table of "
                        "text"
                    )
                yield line
    except UnicodeDecodeError as error:
        raise location.error(
            f"{path}: found bytes that are not {error.encoding}, as its byte order mark says: fetch it again, or store "
            "it as UTF-8"
        ) from error
    except OSError as error:
        raise location.error(f"{path} can't be read: {error.strerror or error}") from error
    except (EOFError, zlib.error) as error:
        raise location.error(f"{path}: found a damaged gzip file ({error}): fetch it again") from error


def first_lines(location: Location, path: str) -> list[str]:
    """Reads the first lines of a file, some megabyte at most, for what they tell about all of it.

    Args:
      location: The source.
      path: The file.

    Raises:
      SourceError: as of `table_lines`.
    """
    num_characters = 0
    lines = []
    for line in table_lines(location, path):
        lines.append(line)
        num_characters += len(line)
        if num_characters >= _FIRST_CHARACTERS:
            break
    return lines


@contextlib.contextmanager
def _opened(location: Location, path: str) -> Iterator[IO[bytes]]:
    with location.open(path) as file:
        is_zipped = file.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC
        file.seek(0)
        if not is_zipped:
            yield file
            return
        with gzip.GzipFile(fileobj=file) as inflated:
            yield cast(IO[bytes], inflated)


def _encoding(location: Location, path: str, beginning: bytes) -> str:
    for magic, what, mend in _OTHERS:
        if beginning.startswith(magic):
            raise location.error(f"{path}: found {what}, accepted is plain or gzipped text: {mend}")
    for mark, encoding in _MARKS:
        if beginning.startswith(mark):
            return encoding
    if 3 * beginning.count(0) >= len(beginning) > 3:
        raise location.error(
            f"{path}: found NUL bytes, as UTF-16 without a byte order mark has, accepted is UTF-8: store it as UTF-8"
        )
    return "utf-8"
