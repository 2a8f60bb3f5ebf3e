"""Where examples come from: plans the reading of any format, reads a share of it, and lists its files.

Every format has a module of its own that plans and reads; a plan opens no
more than listings, headers and the first rows of tables, so it is quick and
finds what is wrong with a source as a whole before work starts.

Unlabelled examples are stored in the same format. Labels that are there are not
read. What is: the `x` or `x_train` of an `.npz`, the images file of idx, the image
or text of TFRecords, the text of a table, and all images below a folder, however
nested.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from learn2compress.config import DataConfig, DataFormat, TaskConfig, TaskKind
from learn2compress.data import arrays, idx, image_folder, tables, tfrecord_folder, tfrecords
from learn2compress.data.class_names import naming_notes
from learn2compress.data.locations import Entry, Location
from learn2compress.data.records import BadRecord, NamedIndex, RawRecord, ReadPlan, SourceError, Split, Unit
from learn2compress.data.split_folders import check_no_splits
from learn2compress.data.table_layout import TableSettings

_FORMATS = {
    TaskKind.IMAGE: (
        DataFormat.DIGITS,
        DataFormat.IMAGE_FOLDER,
        DataFormat.NPZ,
        DataFormat.IDX,
        DataFormat.TFRECORD,
    ),
    TaskKind.TEXT: (DataFormat.TSV, DataFormat.CSV, DataFormat.TFRECORD),
}
# Fields of sources that belong to one split.
_APART = {"held_out_uri": Split.HELD_OUT, "validation_uri": Split.VALIDATION}


def plan(data: DataConfig, task: TaskConfig) -> ReadPlan:
    """Plans the reading of all examples.

    Args:
      data: Where they are.
      task: What they are.

    Returns:
      Units of the labelled, then the held-out, then those to choose by, then the unlabelled examples.

    Raises:
      SourceError: a source as a whole can't be used; the message names the field.
    """
    accepted = _FORMATS[task.kind]
    if data.format not in accepted:
        words = ", ".join(accepted)
        raise SourceError(
            f"data.format: found {data.format.value!r}, accepted for a task of kind {task.kind} are {words}"
        )
    if data.uri is None:
        return arrays.plan_digits()
    apart = data.held_out_uri is not None
    whole = _plan_source(_place(data, "uri"), data, Split.TRAIN if apart else None)
    for name, split in _APART.items():
        if getattr(data, name) is not None:
            part = _plan_source(_place(data, name), data, split)
            unknown = sorted(set(part.names or ()) - set(whole.names or ())) if whole.names else []
            if unknown:
                raise SourceError(f"data.{name}: found class {unknown[0]!r}, accepted are the classes of data.uri")
            whole = _joined(whole, part)
    if data.unlabelled_uri is not None:
        place = _place(data, "unlabelled_uri")
        whole = _joined(whole, _plan_source(place, data, Split.TRAIN, labelled=False))
    if data.format is DataFormat.IMAGE_FOLDER and whole.names is not None:
        whole = dataclasses.replace(whole, notes=whole.notes + naming_notes(whole.names))
    return whole


def read_unit(unit: Unit, task: TaskConfig) -> Iterator[RawRecord | BadRecord]:
    """Reads one share of the data.

    Args:
      unit: From `plan`.
      task: What the examples are.

    Yields:
      Each record of the source, good or bad.

    Raises:
      SourceError: the source can't be read on, and nobody knows how many records are lost.
    """
    for record in _read_stored(unit, task):
        yield record if isinstance(record, BadRecord) else from_zero(record, unit)


def _read_stored(unit: Unit, task: TaskConfig) -> Iterator[RawRecord | BadRecord]:
    match unit.format:
        case DataFormat.DIGITS:
            yield from arrays.read_digits()
        case DataFormat.IMAGE_FOLDER:
            yield from image_folder.read_image_folder(unit)
        case DataFormat.NPZ:
            yield from arrays.read_npz(unit)
        case DataFormat.IDX:
            yield from idx.read_idx(unit)
        case DataFormat.TFRECORD:
            yield from tfrecords.read_tfrecord(unit, task.kind)
        case DataFormat.CSV | DataFormat.TSV:
            yield from tables.read_table(unit)


def source_uri(data: DataConfig) -> str:
    """Returns the source as lineage names it.

    Args:
      data: Where the examples are.
    """
    return data.uri or arrays.DIGITS_URI


def listed_files(data: DataConfig) -> Iterator[tuple[Location, list[Entry]]]:
    """Lists all that reading would look at, place by place.

    Args:
      data: Where the examples are; not the bundled digits, which are in no place of the configuration.

    Yields:
      Each place, and its entries in a fixed order; some may be folders, or must not be opened.

    Raises:
      SourceError: a source is missing or can't be listed.
    """
    for name in ("uri", *_APART):
        if getattr(data, name) is not None:
            location = _place(data, name)
            yield location, list(_listing(location, data.format))
    if data.unlabelled_uri is not None:
        location = _place(data, "unlabelled_uri")
        yield location, list(_listing_unlabelled(location, data.format))


def _place(data: DataConfig, name: str) -> Location:
    """Returns the place that a field of the data names.

    Args:
      data: Where the examples are.
      name: Of a field that is set.
    """
    return Location(getattr(data, name), f"data.{name}", data.link_root)


def _plan_source(location: Location, data: DataConfig, split: Split | None, *, labelled: bool = True) -> ReadPlan:
    first_label = data.first_label
    if labelled:
        check_no_splits(location, data.format)
    match data.format:
        case DataFormat.IMAGE_FOLDER if labelled:
            return image_folder.plan_image_folder(location, split, subfolders=data.subfolders)
        case DataFormat.IMAGE_FOLDER:
            return image_folder.plan_unlabelled_images(location, split)
        case DataFormat.NPZ:
            planned = arrays.plan_npz(location, split, labelled=labelled, first_label=first_label)
        case DataFormat.IDX:
            planned = idx.plan_idx(location, split, labelled=labelled, first_label=first_label)
        case DataFormat.TFRECORD:
            is_counted = data.num_records is not None
            planned = tfrecords.plan_tfrecord(location, split, labelled=labelled, is_counted=is_counted)
        case _:
            settings = TableSettings(data.header, data.label_column, data.text_column)
            return tables.plan_table(location, data.format, split, labelled=labelled, settings=settings)
    units = tuple(dataclasses.replace(unit, first_label=first_label) for unit in planned.units)
    return dataclasses.replace(planned, units=units)


def from_zero(record: RawRecord, unit: Unit) -> RawRecord | BadRecord:
    """Returns a record whose class index counts from 0, and is named as the source counts.

    Args:
      record: As its reader yields it.
      unit: The unit that it was read from.
    """
    if unit.first_label == 0 or record.label is None or isinstance(record.label, str):
        return record
    named = record.label if isinstance(record.label, NamedIndex) else NamedIndex(record.label, str(record.label))
    if named.index < unit.first_label:
        return BadRecord(
            record.source, f"found label {named.index}, accepted are those from data.first_label: {unit.first_label}"
        )
    index = named.index - unit.first_label
    shifted = NamedIndex(index, named.name) if unit.names is None else index
    return dataclasses.replace(record, label=shifted)


def _joined(whole: ReadPlan, more: ReadPlan) -> ReadPlan:
    return dataclasses.replace(
        whole, units=whole.units + more.units, refused=whole.refused + more.refused, notes=whole.notes + more.notes
    )


def _listing_unlabelled(location: Location, data_format: DataFormat) -> Iterator[Entry]:
    found = location.entry()
    if found is None or not found.is_folder:
        yield from location.files(name_part="")
    elif data_format is DataFormat.IMAGE_FOLDER:
        yield from (entry for _, entry in image_folder.files_below(location))
    else:
        yield from location.folder()


def _listing(location: Location, data_format: DataFormat) -> Iterator[Entry]:
    found = location.entry()
    if found is None or not found.is_folder:
        files = location.files(name_part="")
        yield from files
        if data_format is DataFormat.TFRECORD:
            yield from tfrecord_folder.files_beside(location, files)
        labels = location.entry(idx.labels_path_of(location, location.path)) if data_format is DataFormat.IDX else None
        if labels is not None:
            yield labels
        return
    for entry in location.folder():
        if entry.is_folder and data_format is DataFormat.IMAGE_FOLDER and not entry.problem:
            yield from (below for _, below in image_folder.files_below(location, entry.path))
        else:
            yield entry
