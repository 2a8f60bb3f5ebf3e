"""What the last run of a name counted in its data, kept where unfinished trainings are: the next run compares.

It is no input of the step: the same data make the same examples, whatever was there before.
"""

from __future__ import annotations

import base64
import dataclasses
import os
import tempfile
from pathlib import Path
from typing import Any

from fsspec.core import url_to_fs
from google.protobuf.message import DecodeError
from pydantic import TypeAdapter, ValidationError
from tensorflow_metadata.proto.v0 import statistics_pb2

from learn2compress.results.data import PreviousData
from learn2compress.results.reports import json_bytes
from learn2compress.store_files import put_file

_MAX_BYTES = 64 * 2**20


class LastDataError(Exception):
    """What the last run counted can't be read or written; the message is one line, and nothing depends on it."""


@dataclasses.dataclass(frozen=True)
class LastData:
    """What is kept of a run's data.

    Attributes:
      counts: What `Ingest` counted.
      statistics: TFDV statistics of the training split, serialized, in base64.
    """

    counts: PreviousData
    statistics: str

    @classmethod
    def of(cls, counts: PreviousData, train: Any) -> LastData:
        """Returns what to keep.

        Args:
          counts: What `Ingest` counted.
          train: Statistics of the training split.
        """
        return cls(counts, base64.b64encode(train.SerializeToString(deterministic=True)).decode())

    def train_statistics(self) -> Any:
        """Returns the statistics of the training split.

        Raises:
          LastDataError: the bytes are no statistics.
        """
        try:
            found = statistics_pb2.DatasetFeatureStatisticsList.FromString(base64.b64decode(self.statistics))
        except (ValueError, DecodeError) as error:
            raise LastDataError("the statistics of the previous run are damaged") from error
        if len(found.datasets) != 1:
            raise LastDataError("the statistics of the previous run are not those of one data set")
        return found


def last_data_uri(checkpoint_root: str, name: str) -> str:
    """Returns the file of one name.

    Args:
      checkpoint_root: Folder, or fsspec URL of one, for state that outlives a run.
      name: The configuration's.
    """
    return f"{checkpoint_root.rstrip('/')}/last_data/{name}.json"


def read_last_data(uri: str) -> LastData | None:
    """Reads what the last run kept.

    Args:
      uri: From `last_data_uri`.

    Returns:
      It, or `None` where no run of the name has been.

    Raises:
      LastDataError: the file can't be read, or holds something else.
    """
    try:
        filesystem, path = url_to_fs(uri)
        with filesystem.open(path, "rb") as file:
            content = file.read(_MAX_BYTES + 1)
        if len(content) > _MAX_BYTES:
            raise LastDataError(f"{uri} holds more than what a run counts")
        found: LastData = TypeAdapter(LastData).validate_json(content)
    except FileNotFoundError:
        return None
    except LastDataError:
        raise
    except ValidationError as error:
        raise LastDataError(f"{uri} is damaged, or of another version") from error
    except Exception as error:  # whatever a store's own client raises
        raise LastDataError(f"{uri} can't be read: {_one_line(error)}") from error
    counts = found.counts.class_counts
    if not len(found.counts.labels) == len(counts.train) == len(counts.held_out):
        raise LastDataError(f"{uri} is damaged: its classes and their counts are not as many")
    return found


def write_last_data(uri: str, last: LastData) -> None:
    """Keeps what a run counted; a kill leaves the old file or the new one.

    Args:
      uri: From `last_data_uri`.
      last: What the next run compares with.

    Raises:
      LastDataError: the file can't be written.
    """
    content = json_bytes(last)
    try:
        if "://" in uri:
            filesystem, path = url_to_fs(uri)
            put_file(filesystem, str(path), content)
            return
        folder = Path(uri).parent
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".", delete=False) as file:
            file.write(content)
        os.replace(file.name, uri)
    except Exception as error:  # whatever a store's own client raises
        raise LastDataError(f"{uri} can't be written: {_one_line(error)}") from error


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
