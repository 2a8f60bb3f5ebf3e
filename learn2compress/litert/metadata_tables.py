"""The tables of TFLite model metadata that one input and one output need, as a flatbuffer.

Written from the published schema (`metadata_schema.fbs`, file identifier "M001",
https://ai.google.dev/edge/litert/models/metadata): a field is known by its place
in its table, and places never change. Code generated from the whole schema
is published in packages of hundreds of megabytes only.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import flatbuffers
from flatbuffers import number_types
from flatbuffers.table import Table

IDENTIFIER = b"M001"
# Every field used here is in the first version of the schema.
_MIN_PARSER_VERSION = "1.0.0"
_TENSOR_AXIS_LABELS = 2  # of the enumeration AssociatedFileType
_FEATURE_PROPERTIES, _IMAGE_PROPERTIES = 1, 2  # of the union ContentProperties
_NORMALIZATION_OPTIONS = 1  # of the union ProcessUnitOptions
_POSITION_BYTES = 4

# Fields by table: their places.
_FILE_NAME, _FILE_DESCRIPTION, _FILE_TYPE, _FILE_FIELDS = 0, 1, 2, 5
_WIDTH, _HEIGHT, _IMAGE_SIZE_FIELDS = 0, 1, 2
_COLOR_SPACE, _DEFAULT_SIZE, _IMAGE_FIELDS = 0, 1, 2
_UNION_TYPE, _UNION_VALUE, _CONTENT_FIELDS, _PROCESS_UNIT_FIELDS = 0, 1, 3, 2
_MEAN, _STD, _NORMALIZATION_FIELDS = 0, 1, 2
_MAX, _MIN, _STATS_FIELDS = 0, 1, 2
_TENSOR_NAME, _TENSOR_DESCRIPTION, _CONTENT, _PROCESS_UNITS, _STATS, _TENSOR_FILES, _TENSOR_FIELDS = 0, 1, 3, 4, 5, 6, 7
_INPUTS, _OUTPUTS, _SUBGRAPH_FIELDS = 2, 3, 10
_MODEL_NAME, _MODEL_DESCRIPTION, _VERSION, _SUBGRAPHS, _MIN_PARSER, _MODEL_FIELDS = 0, 1, 2, 3, 7, 8
_AUTHOR, _LICENSE = 4, 5


class ColorSpace(enum.IntEnum):
    """Colours of an image, as the schema numbers them."""

    UNKNOWN = 0
    RGB = 1
    GRAYSCALE = 2


@dataclass(frozen=True)
class ImageEntry:
    """What an image tensor holds.

    Attributes:
      color_space: Its colours.
      width: In pixels.
      height: In pixels.
    """

    color_space: ColorSpace
    width: int
    height: int


@dataclass(frozen=True)
class TensorEntry:
    """One tensor.

    Attributes:
      name: Its name.
      description: What it holds.
      image: `None` for one that is no image.
      normalization: Mean and standard deviation of the normalization; `None` where there is none.
      value_range: Smallest and largest value.
      labels_file: Name of the file with the names along its last axis, and what the file is; `None` without one.
    """

    name: str
    description: str
    image: ImageEntry | None
    normalization: tuple[float, float] | None
    value_range: tuple[float, float]
    labels_file: tuple[str, str] | None


@dataclass(frozen=True)
class MetadataEntry:
    """A model of one graph with one input and one output.

    Attributes:
      name: Name of the model.
      description: What it does.
      version: Its version.
      source: The input.
      target: The output.
      author: Who made it, or whom to ask; empty where nobody is named.
      license: Its licence; empty where none is named.
    """

    name: str
    description: str
    version: str
    source: TensorEntry
    target: TensorEntry
    author: str = ""
    license: str = ""


def metadata_bytes(entry: MetadataEntry) -> bytes:
    """Writes a flatbuffer; equal entries give equal bytes."""
    builder = flatbuffers.Builder(1024)
    texts = [builder.CreateString(text) for text in (entry.name, entry.description, entry.version)]
    inputs, outputs = (_references(builder, [_write_tensor(builder, each)]) for each in (entry.source, entry.target))
    subgraph = _write(builder, _SUBGRAPH_FIELDS, [(_INPUTS, _offset, inputs), (_OUTPUTS, _offset, outputs)])
    subgraphs = _references(builder, [subgraph])
    owners = [(_AUTHOR, entry.author), (_LICENSE, entry.license)]
    told = [(place, builder.CreateString(text)) for place, text in owners if text]
    parser = builder.CreateString(_MIN_PARSER_VERSION)
    first = zip((_MODEL_NAME, _MODEL_DESCRIPTION, _VERSION), texts, strict=True)
    places = [*first, (_SUBGRAPHS, subgraphs), *told, (_MIN_PARSER, parser)]
    fields = [(place, _offset, value) for place, value in places]
    builder.Finish(_write(builder, _MODEL_FIELDS, fields), IDENTIFIER)
    return bytes(builder.Output())


def read_metadata_bytes(content: bytes) -> MetadataEntry:
    """Reads what `metadata_bytes` wrote.

    Raises:
      Exception: what `learn2compress.litert.flatbuffer.parse_guarded` takes for damage.
    """
    start = Table(content, 0)
    model = Table(content, start.Get(number_types.UOffsetTFlags, 0))
    subgraph = _items(model, _SUBGRAPHS)[0]
    return MetadataEntry(
        _text(model, _MODEL_NAME),
        _text(model, _MODEL_DESCRIPTION),
        _text(model, _VERSION),
        _read_tensor(_items(subgraph, _INPUTS)[0]),
        _read_tensor(_items(subgraph, _OUTPUTS)[0]),
        _text(model, _AUTHOR) if _start(model, _AUTHOR) else "",
        _text(model, _LICENSE) if _start(model, _LICENSE) else "",
    )


def _write_tensor(builder: Any, entry: TensorEntry) -> int:
    name, description = builder.CreateString(entry.name), builder.CreateString(entry.description)
    fields = [(_TENSOR_NAME, _offset, name), (_TENSOR_DESCRIPTION, _offset, description)]
    fields.append((_CONTENT, _offset, _write_content(builder, entry.image)))
    if entry.normalization is not None:
        mean, std = (_floats(builder, [value]) for value in entry.normalization)
        options = _write(builder, _NORMALIZATION_FIELDS, [(_MEAN, _offset, mean), (_STD, _offset, std)])
        unit = _write_union(builder, _PROCESS_UNIT_FIELDS, _NORMALIZATION_OPTIONS, options)
        fields.append((_PROCESS_UNITS, _offset, _references(builder, [unit])))
    low, high = entry.value_range
    highest, lowest = _floats(builder, [high]), _floats(builder, [low])
    stats = _write(builder, _STATS_FIELDS, [(_MAX, _offset, highest), (_MIN, _offset, lowest)])
    fields.append((_STATS, _offset, stats))
    if entry.labels_file is not None:
        texts = [builder.CreateString(text) for text in entry.labels_file]
        of_file = [(_FILE_NAME, _offset, texts[0]), (_FILE_DESCRIPTION, _offset, texts[1])]
        file = _write(builder, _FILE_FIELDS, [*of_file, (_FILE_TYPE, _byte, _TENSOR_AXIS_LABELS)])
        fields.append((_TENSOR_FILES, _offset, _references(builder, [file])))
    return _write(builder, _TENSOR_FIELDS, fields)


def _write_content(builder: Any, image: ImageEntry | None) -> int:
    if image is None:
        return _write_union(builder, _CONTENT_FIELDS, _FEATURE_PROPERTIES, _write(builder, 0, []))
    size = _write(builder, _IMAGE_SIZE_FIELDS, [(_WIDTH, _uint, image.width), (_HEIGHT, _uint, image.height)])
    colors = [(_COLOR_SPACE, _byte, int(image.color_space)), (_DEFAULT_SIZE, _offset, size)]
    return _write_union(builder, _CONTENT_FIELDS, _IMAGE_PROPERTIES, _write(builder, _IMAGE_FIELDS, colors))


def _write_union(builder: Any, num_fields: int, kind: int, value: int) -> int:
    return _write(builder, num_fields, [(_UNION_TYPE, _byte, kind), (_UNION_VALUE, _offset, value)])


_Field = tuple[int, Callable[[Any, int, int], None], int]


def _write(builder: Any, num_fields: int, fields: Iterable[_Field]) -> int:
    builder.StartObject(num_fields)
    for place, add, value in fields:
        add(builder, place, value)
    return int(builder.EndObject())


def _offset(builder: Any, place: int, value: int) -> None:
    builder.PrependUOffsetTRelativeSlot(place, value, 0)


def _byte(builder: Any, place: int, value: int) -> None:
    builder.PrependInt8Slot(place, value, 0)


def _uint(builder: Any, place: int, value: int) -> None:
    builder.PrependUint32Slot(place, value, 0)


def _references(builder: Any, tables: Sequence[int]) -> int:
    builder.StartVector(_POSITION_BYTES, len(tables), _POSITION_BYTES)
    for table in reversed(tables):
        builder.PrependUOffsetTRelative(table)
    return int(builder.EndVector())


def _floats(builder: Any, values: Sequence[float]) -> int:
    builder.StartVector(4, len(values), 4)
    for value in reversed(values):
        builder.PrependFloat32(value)
    return int(builder.EndVector())


def _read_tensor(tensor: Any) -> TensorEntry:
    stats, units, files = _table(tensor, _STATS), _items(tensor, _PROCESS_UNITS), _items(tensor, _TENSOR_FILES)
    normalization = None
    if units and _number(units[0], _UNION_TYPE, number_types.Uint8Flags) == _NORMALIZATION_OPTIONS:
        options = _table(units[0], _UNION_VALUE)
        normalization = (_first_float(options, _MEAN), _first_float(options, _STD))
    return TensorEntry(
        _text(tensor, _TENSOR_NAME),
        _text(tensor, _TENSOR_DESCRIPTION),
        _read_image(_table(tensor, _CONTENT)),
        normalization,
        (_first_float(stats, _MIN), _first_float(stats, _MAX)),
        (_text(files[0], _FILE_NAME), _text(files[0], _FILE_DESCRIPTION)) if files else None,
    )


def _read_image(content: Any) -> ImageEntry | None:
    if _number(content, _UNION_TYPE, number_types.Uint8Flags) != _IMAGE_PROPERTIES:
        return None
    image = _table(content, _UNION_VALUE)
    size = _table(image, _DEFAULT_SIZE)
    return ImageEntry(
        ColorSpace(_number(image, _COLOR_SPACE, number_types.Int8Flags)),
        _number(size, _WIDTH, number_types.Uint32Flags),
        _number(size, _HEIGHT, number_types.Uint32Flags),
    )


def _start(table: Any, place: int) -> int:
    """Returns the position of a field's value, relative to its table; 0 for one that is absent."""
    return int(table.Offset(_POSITION_BYTES + 2 * place))


def _present(table: Any, place: int) -> int:
    start = _start(table, place)
    if not start:
        raise ValueError(f"field {place} of a metadata table is absent")
    return start


def _text(table: Any, place: int) -> str:
    return bytes(table.String(table.Pos + _present(table, place))).decode("utf-8")


def _number(table: Any, place: int, kind: Any) -> int:
    start = _start(table, place)
    return int(table.Get(kind, table.Pos + start)) if start else 0


def _table(table: Any, place: int) -> Any:
    return Table(table.Bytes, table.Indirect(table.Pos + _present(table, place)))


def _items(table: Any, place: int) -> list[Any]:
    """Returns the first table of a vector, if there is one: what is read here has one each."""
    start = _start(table, place)
    if not start or not table.VectorLen(start):
        return []
    return [Table(table.Bytes, table.Indirect(table.Vector(start)))]


def _first_float(table: Any, place: int) -> float:
    start = _present(table, place)
    if not table.VectorLen(start):
        raise ValueError(f"field {place} of a metadata table is empty")
    return float(table.Get(number_types.Float32Flags, table.Vector(start)))
