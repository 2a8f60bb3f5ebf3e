"""Looks at a few images of a source: how large they are and what classes there are, for a first configuration."""

from __future__ import annotations

import dataclasses
import itertools

from learn2compress.config import DataConfig, DataFormat, TaskConfig
from learn2compress.data.decode import DecodeError, stored_shape
from learn2compress.data.records import RawRecord, SourceError
from learn2compress.data.sources import plan, read_unit, source_uri

_MOST_UNITS = 16
_MOST_RECORDS_OF_UNIT = 8


@dataclasses.dataclass(frozen=True)
class ImageSurvey:
    """What a look at some images of a source finds.

    Attributes:
      shapes: Different heights, widths and channels (1 or 3) among them, sorted.
      labels: Class names in index order, or `None` where only reading everything tells.
      num_images: Images looked at.
      num_with_orientation: Those of them whose EXIF orientation says that their pixels are turned or mirrored.
    """

    shapes: tuple[tuple[int, int, int], ...]
    labels: tuple[str, ...] | None
    num_images: int = 0
    num_with_orientation: int = 0


def survey_images(data: DataConfig) -> ImageSurvey:
    """Looks at the first images of some places of a source.

    Args:
      data: Where labelled images are.

    Returns:
      Shapes and class names.

    Raises:
      SourceError: the source as a whole can't be used, or none of the images looked at can.
    """
    found = plan(data, TaskConfig())
    # The images of an array have one size, and each unit reads the whole array.
    num_units = _MOST_UNITS if data.format is DataFormat.IMAGE_FOLDER else 1
    units = found.units[:: -(-len(found.units) // num_units)]
    shapes: set[tuple[int, int, int]] = set()
    num_images = num_with_orientation = 0
    problem = "no record"
    for unit in units:
        for record in itertools.islice(read_unit(unit, TaskConfig()), _MOST_RECORDS_OF_UNIT):
            if not isinstance(record, RawRecord) or isinstance(record.payload, str):
                problem = "a record that can't be read"
                continue
            try:
                shape, has_orientation = stored_shape(record.payload, data.exif)
                shapes.add(shape)
                num_with_orientation += has_orientation
                num_images += 1
            except DecodeError as error:
                problem = f"{record.source}: {error}"
    if not shapes:
        raise SourceError(f"data.uri: found no usable image in {source_uri(data)}: {problem}")
    return ImageSurvey(tuple(sorted(shapes)), found.names, num_images, num_with_orientation)
