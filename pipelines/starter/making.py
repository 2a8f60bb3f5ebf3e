"""Makes the configuration that `l2c init` writes: tells images from texts, and fills in what the files say."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING

from learn2compress.config import DataFormat
from learn2compress.config.parsing import ConfigError
from learn2compress.data.format_of_name import format_of_name
from learn2compress.data.locations import Location
from learn2compress.data.split_folders import SplitFolders, find_split_folders
from pipelines.starter.images import image_values
from pipelines.starter.request import Starter, StarterRequest
from pipelines.starter.writing import render, written_uri

if TYPE_CHECKING:
    from pipelines.starter.teacher import TeacherLook


def make_starter(request: StarterRequest) -> Starter:
    """Makes a commented configuration.

    Args:
      request: What is known. Where it names data, a few examples are looked at, or all the labels of texts; where it
        names a teacher, too, it is asked for their classes.

    Returns:
      A configuration that `load_config` accepts, with three students: `resnet` for images, dense layers over hashed
      features, or convolutions over words, for texts.

    Raises:
      ConfigError: the data or the teacher can't be used, nothing tells whether they are images or texts or how large,
        or the smallest students break a budget.
    """
    if request.data_uri is not None:
        Location(request.data_uri, "--data").check_exists()  # before a teacher is opened, which takes longer
    request = dataclasses.replace(request, data_format=_format(request))
    splits = _splits(request)
    request = request if splits is None else dataclasses.replace(request, data_uri=splits.train)
    with _looked_at(request.teacher_uri) as look:
        if _is_text(request, look):
            from pipelines.starter.texts import text_values

            values = text_values(request, look)
        else:
            values = image_values(request, look)
    parts = {} if splits is None else {"held_out_uri": splits.test, "validation_uri": splits.validation}
    apart = {name: written_uri(uri, request.path, "--data") for name, uri in parts.items() if uri is not None}
    return render(request, values, apart)


@contextlib.contextmanager
def _looked_at(teacher_uri: str | None) -> Iterator[TeacherLook | None]:
    if teacher_uri is None:
        yield None
        return
    from pipelines.starter.teacher import looked_at  # TensorFlow takes seconds to import

    with looked_at(teacher_uri) as look:
        yield look


def _format(request: StarterRequest) -> DataFormat:
    """Returns how the examples are stored: as said, or as the names of the files tell.

    Args:
      request: What is known.

    Raises:
      ConfigError: a folder holds tables of both kinds.
    """
    if request.data_format is not None or request.data_uri is None:
        return request.data_format or DataFormat.IMAGE_FOLDER
    location = Location(request.data_uri, "--data")
    entry = location.entry()
    if entry is None or not entry.is_folder:
        names = [request.data_uri]
    else:
        names = [found.name for found in location.folder() if not found.is_folder]
    found = set(filter(None, map(format_of_name, names)))
    if len(found) > 1:
        raise ConfigError(
            f"--data: found files of several formats in {request.data_uri}: {', '.join(sorted(found))}; say with "
            "--format which of them are the examples"
        )
    return found.pop() if found else DataFormat.IMAGE_FOLDER


def _splits(request: StarterRequest) -> SplitFolders | None:
    if request.data_uri is None or request.data_format is None:
        return None
    return find_split_folders(Location(request.data_uri, "--data"), request.data_format)


def _is_text(request: StarterRequest, look: TeacherLook | None) -> bool:
    """Returns whether the examples are texts: tables are, and so are records for a teacher of one row of numbers.

    Args:
      request: What is known.
      look: The teacher, where there is one.

    Raises:
      ConfigError: teacher and data are of two kinds, or nothing tells.
    """
    is_table = request.data_format is not None and request.data_format.is_table
    if look is None or (look.takes_images and not is_table):
        return is_table
    if look.takes_images:
        raise ConfigError(
            f"--teacher: {look.uri}: found a teacher of images beside a table of texts, accepted is one that takes a "
            "row of text features, or --data with images"
        )
    if look.takes_text:
        raise ConfigError(
            f"--teacher: {look.uri}: found a teacher that takes strings, accepted is one that takes hashed features "
            "as numbers: students are measured against the teacher's LiteRT file (docs/how-to/text.md)"
        )
    if len(look.input_shape) == 1 and (is_table or request.data_format is DataFormat.TFRECORD):
        return True
    texts = ""
    if len(look.input_shape) == 1:
        texts = "; if it takes the features of texts, give --data with a .csv or .tsv file, or a folder of them"
    raise ConfigError(
        f"--teacher: {look.uri}: found an input of shape {list(look.input_shape)}, accepted is one of [height, width, "
        f"1 or 3] for images{texts}"
    )
