"""Where examples come from: plans the reading of any format, reads a share of it, and fingerprints it.

Every format has a module of its own that plans and reads; a plan opens no
more than listings and headers, so it is quick and finds what is wrong with a
source as a whole before work starts.

Unlabelled examples are stored in the same format. Labels that are there are not
read. What is: the `x` or `x_train` of an `.npz`, the images file of idx, the image
or text of TFRecords, the text of a table, and all images below a folder, however
nested.
"""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.metadata
import importlib.util
import itertools
from collections.abc import Iterator
from pathlib import Path

from learn2compress.config import DataConfig, DataFormat, TaskConfig, TaskKind
from learn2compress.data import arrays, idx, image_folder, tables, tfrecords
from learn2compress.data.locations import Entry, Location
from learn2compress.data.records import BadRecord, RawRecord, ReadPlan, SourceError, Split, Unit

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


def plan(data: DataConfig, task: TaskConfig) -> ReadPlan:
    """Plans the reading of all examples.

    Args:
      data: Where they are.
      task: What they are.

    Returns:
      Units of the labelled, then the held-out, then the unlabelled examples.

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
    whole = _plan_source(Location(data.uri, "data.uri"), data.format, Split.TRAIN if apart else None)
    if data.held_out_uri is not None:
        held_out = _plan_source(Location(data.held_out_uri, "data.held_out_uri"), data.format, Split.HELD_OUT)
        unknown = sorted(set(held_out.names or ()) - set(whole.names or ())) if whole.names else []
        if unknown:
            raise SourceError(f"data.held_out_uri: found class {unknown[0]!r}, accepted are the classes of data.uri")
        whole = _joined(whole, held_out)
    if data.unlabelled_uri is not None:
        place = Location(data.unlabelled_uri, "data.unlabelled_uri")
        whole = _joined(whole, _plan_source(place, data.format, Split.TRAIN, labelled=False))
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


def source_fingerprint(data: DataConfig) -> str:
    """Computes a fingerprint by which a later run tells whether the data are the same, without reading them.

    It is a digest of names, sizes and times of modification (checksums or versions,
    where remote storage has them). It decides what to run again; what was read
    is proven by the content hashes that reading computes.

    Args:
      data: Where the examples are.

    Returns:
      Hex SHA-256.

    Raises:
      SourceError: a source is missing or can't be listed.
    """
    if data.uri is None:
        return _digits_fingerprint()
    digest = hashlib.sha256(data.format.value.encode())
    listings = [_listing(Location(data.uri, "data.uri"), data.format)]
    if data.held_out_uri is not None:
        listings.append(_listing(Location(data.held_out_uri, "data.held_out_uri"), data.format))
    if data.unlabelled_uri is not None:
        listings.append(_listing_unlabelled(Location(data.unlabelled_uri, "data.unlabelled_uri"), data.format))
    for line in itertools.chain.from_iterable(listings):
        digest.update(line.encode("utf-8", "surrogateescape") + b"\n")
    return digest.hexdigest()


def _plan_source(
    location: Location, data_format: DataFormat, split: Split | None, *, labelled: bool = True
) -> ReadPlan:
    match data_format:
        case DataFormat.IMAGE_FOLDER if labelled:
            return image_folder.plan_image_folder(location, split)
        case DataFormat.IMAGE_FOLDER:
            return image_folder.plan_unlabelled_images(location, split)
        case DataFormat.NPZ:
            return arrays.plan_npz(location, split, labelled=labelled)
        case DataFormat.IDX:
            return idx.plan_idx(location, split, labelled=labelled)
        case DataFormat.TFRECORD:
            return tfrecords.plan_tfrecord(location, split, labelled=labelled)
        case _:
            return tables.plan_table(location, data_format, split, labelled=labelled)


def _joined(whole: ReadPlan, more: ReadPlan) -> ReadPlan:
    return dataclasses.replace(whole, units=whole.units + more.units, refused=whole.refused + more.refused)


def _digits_fingerprint() -> str:
    # Found without importing scikit-learn, which takes a second and reads nothing else here.
    spec = importlib.util.find_spec("sklearn")
    if spec is None or spec.origin is None:
        raise SourceError("data.format: 'digits' come with scikit-learn, which is not installed; install it")
    content = (Path(spec.origin).parent / "datasets" / "data" / "digits.csv.gz").read_bytes()
    version = importlib.metadata.version("scikit-learn")
    return hashlib.sha256(f"digits {version} ".encode() + content).hexdigest()


def _listing_unlabelled(location: Location, data_format: DataFormat) -> Iterator[str]:
    found = location.entry()
    if data_format is DataFormat.IMAGE_FOLDER and found is not None and found.is_folder:
        entries = [entry for _, entry in image_folder.files_below(location)]
    else:
        entries = location.folder() if found is not None and found.is_folder else location.files(name_part="")
    yield f"unlabelled {location.uri}"
    yield from map(_line, entries)


def _listing(location: Location, data_format: DataFormat) -> Iterator[str]:
    found = location.entry()
    yield location.uri
    if found is None or not found.is_folder:
        yield from map(_line, location.files(name_part=""))
        if data_format is DataFormat.IDX:
            labels = location.filesystem.info(idx.labels_path_of(location, location.path))
            yield f"{labels['name']} {labels.get('size')} {labels.get('mtime', '')}"
        return
    for entry in location.folder():
        if entry.is_folder and data_format is DataFormat.IMAGE_FOLDER and not entry.problem:
            yield from map(_line, location.folder(entry.path))
        else:
            yield _line(entry)


def _line(entry: Entry) -> str:
    return f"{entry.path} {entry.num_bytes} {entry.stamp}"
