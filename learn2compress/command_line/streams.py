"""What libraries print: kept from talking, or sent into a log."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

# Set before TensorFlow and gRPC load; a person may still ask for their messages.
_QUIET_ENVIRONMENT = {"TF_CPP_MIN_LOG_LEVEL": "3", "GRPC_VERBOSITY": "ERROR", "ABSL_MIN_LOG_LEVEL": "3"}


def quiet_libraries() -> None:
    """Keeps TensorFlow and gRPC, imported from now on, from talking."""
    os.environ.update({name: os.environ.get(name, value) for name, value in _QUIET_ENVIRONMENT.items()})


@contextlib.contextmanager
def library_output_in(log_file: Path) -> Iterator[None]:
    """Sends what libraries print beneath Python into a file, while Python's own output still reaches the person.

    Most of the noise comes from C++, which writes to the file descriptors of
    standard output and error; Python's streams are moved to copies of them.

    Args:
      log_file: What it has is kept.
    """
    streams = {1: sys.stdout, 2: sys.stderr}
    with descriptors_in(log_file) as copies:
        moved = {number: _on_copy(stream, number, copies[number]) for number, stream in streams.items()}
        try:
            sys.stdout, sys.stderr = moved[1], moved[2]
            yield
        finally:
            sys.stdout, sys.stderr = streams[1], streams[2]
            for number, stream in moved.items():
                stream.flush()
                if stream is not streams[number]:
                    stream.close()


@contextlib.contextmanager
def descriptors_in(log_file: Path) -> Iterator[dict[int, int]]:
    """Sends into a file what is written to the file descriptors of standard output and error.

    Args:
      log_file: What it has is kept.

    Yields:
      Copies of what the two were, by number, which are closed at the end.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    copies = {descriptor: os.dup(descriptor) for descriptor in (1, 2)}
    log = os.open(log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        for descriptor in copies:
            os.dup2(log, descriptor)
        yield copies
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for descriptor, copy in copies.items():
            os.dup2(copy, descriptor)
            os.close(copy)
        os.close(log)


def _on_copy(stream: TextIO, descriptor: int, copy: int) -> TextIO:
    """Returns a stream that writes where another did: to a copy of its descriptor; itself where it has none."""
    with contextlib.suppress(OSError):  # a test's or a notebook's may be no file
        if stream.fileno() == descriptor:
            return open(os.dup(copy), "w", encoding=stream.encoding, errors=stream.errors, buffering=1)
    return stream
