"""What a student receives, and where the examples are."""

from __future__ import annotations

import posixpath
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator
from pydantic.dataclasses import dataclass

from learn2compress.config.fields import STRICT, PositiveInt, Ratio, Size, Uri


class TaskKind(StrEnum):
    """What the teacher classifies."""

    IMAGE = "image"
    TEXT = "text"


class TextFeatures(StrEnum):
    """How a text becomes the bytes that a student takes; see `learn2compress.data.text_features`."""

    HASHED_NGRAMS = "hashed_ngrams"
    PROJECTION = "projection"
    HASHED_WORDS = "hashed_words"


class DataFormat(StrEnum):
    """How the examples are stored; see `learn2compress.data.sources`."""

    DIGITS = "digits"
    IMAGE_FOLDER = "image_folder"
    NPZ = "npz"
    TFRECORD = "tfrecord"
    CSV = "csv"
    TSV = "tsv"
    IDX = "idx"

    @property
    def is_table(self) -> bool:
        """Returns whether rows hold a label and a text."""
        return self in (DataFormat.CSV, DataFormat.TSV)


class RepeatedTexts(StrEnum):
    """What becomes of training texts that recur in the held-out split, or under another label."""

    REMOVE = "remove"
    KEEP = "keep"


# Of a table: its name in the header, or its number from 1.
Column = Annotated[str, Field(min_length=1, max_length=256)] | PositiveInt
_INDEXED = (DataFormat.NPZ, DataFormat.IDX, DataFormat.TFRECORD)


@dataclass(frozen=True, config=STRICT)
class TaskConfig:
    """What a student receives and returns."""

    kind: TaskKind = TaskKind.IMAGE
    """`image` or `text`."""
    input_shape: tuple[Size, ...] = (8, 8, 1)
    """Images: height, width, channels (1 or 3). Text: one number, the bytes of the features; `hashed_words` has two
    bytes for a word."""
    text_features: TextFeatures = TextFeatures.HASHED_NGRAMS
    """Text alone: `hashed_ngrams`, `projection` (locality-sensitive bits) or `hashed_words` (for embeddings)."""

    @model_validator(mode="after")
    def _check(self) -> TaskConfig:
        if self.kind is TaskKind.IMAGE and (len(self.input_shape) != 3 or self.input_shape[2] not in (1, 3)):
            raise ValueError("an image task accepts an input_shape of [height, width, 1 or 3]")
        if self.kind is TaskKind.TEXT and len(self.input_shape) != 1:
            raise ValueError("a text task accepts an input_shape of [number of features]")
        if (
            self.kind is TaskKind.TEXT
            and self.text_features is TextFeatures.HASHED_WORDS
            and (self.input_shape[0] % 2 or self.input_shape[0] > 1024)
        ):
            raise ValueError(
                f"input_shape: found {list(self.input_shape)} with hashed_words, accepted is an even number up to "
                "1024: two bytes for a word"
            )
        return self


class ExifOrientation(StrEnum):
    """What is done with the orientation that cameras write beside the pixels of a photo."""

    APPLY = "apply"
    IGNORE = "ignore"


class ResizeAspect(StrEnum):
    """How an image of another aspect ratio comes to that of the input."""

    STRETCH = "stretch"
    CROP = "crop"
    PAD = "pad"


class ResizeMethod(StrEnum):
    """How pixels are computed of others."""

    NEAREST = "nearest"
    BILINEAR = "bilinear"
    BICUBIC = "bicubic"
    LANCZOS = "lanczos"
    AREA = "area"


@dataclass(frozen=True, config=STRICT)
class ResizeConfig:
    """How images are resized to `task.input_shape`; see `learn2compress.data.image_pixels`."""

    aspect: ResizeAspect = ResizeAspect.STRETCH
    """`stretch` to the input's aspect ratio, `crop` the middle to it, or `pad` with black."""
    method: ResizeMethod = ResizeMethod.BILINEAR
    """`nearest`, `bilinear`, `bicubic`, `lanczos` or `area`."""
    antialias: bool = True
    """Average all the pixels that a pixel of a smaller image covers, as Pillow does; `false` as `tf.image.resize` and
    Keras do unless told otherwise. `nearest` never averages, `area` always does."""


def _resize_from_switch(value: Any) -> Any:
    if isinstance(value, bool):
        return ResizeConfig() if value else None
    if value is not None and not isinstance(value, (dict, ResizeConfig)):
        raise ValueError(f"found {value!r}, accepted is true, false or a mapping of aspect, method and antialias")
    return value


# `true` stands for the default way, and `false` for none.
_Resize = Annotated[
    ResizeConfig | None, BeforeValidator(_resize_from_switch, json_schema_input_type=bool | ResizeConfig | None)
]


def _is_same_place(uri: str, other: str | None) -> bool:
    return other is not None and posixpath.normpath(uri) == posixpath.normpath(other)


@dataclass(frozen=True, config=STRICT)
class DataConfig:
    """Where the examples are and how `Ingest` reads and splits them."""

    format: DataFormat = DataFormat.DIGITS
    """How the examples are stored; a file must say it. `digits` are those that scikit-learn bundles."""
    uri: Uri | None = None
    """Folder, file or glob of the examples, local or any fsspec URL; not used by `digits`."""
    held_out_uri: Uri | None = None
    """The held-out examples, where they are stored apart. Without it the split is by content hash. Training examples
    that are among them are left out of training and counted."""
    validation_uri: Uri | None = None
    """Examples to choose by, where they are stored apart, at least 50. What `training.validation_ratio` keeps training
    examples back for goes by these instead: early stopping by all of them; the choice between two files, a search,
    `prune.sensitivity` and the fit of the scores by the first 2,000 as `Ingest` stores them. Those that are held out,
    too, are left out, and so are training examples that are among them; both are counted."""
    unlabelled_uri: Uri | None = None
    """Further training examples in the same format, which the teacher labels; labels that are there are not read, and
    images may lie anywhere below a folder. Not used by `digits`."""
    held_out_ratio: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.2
    """Share of the examples held out where they are not stored apart."""
    resize: _Resize = None
    """Resize images whose size differs from `task.input_shape`, as the teacher's images were; `true` is the default
    way. Without it they are bad records."""
    exif: ExifOrientation = ExifOrientation.APPLY
    """`apply` turns photos upright as their EXIF orientation says; `ignore` takes the pixels as they are stored."""
    subfolders: bool = False
    """`image_folder` alone: images in folders inside a class folder belong to the class; otherwise they are bad
    records."""
    link_root: Uri | None = None
    """Local folder that links of the data may lead into, such as DVC's cache or `.git/annex`; other links that leave
    the data's folder are bad records."""
    header: bool | None = None
    """Tables alone: whether the first row of each file is a header; by default the rows tell, and where they can't the
    run stops."""
    label_column: Column | None = None
    """Tables alone: the column of the label, by its name in the header or its number from 1. By default `label`, or
    the one that the header tells otherwise, or the first of two."""
    text_column: Column | None = None
    """Tables alone: the column of the text, likewise. By default `text`, or the one that the header tells otherwise,
    or the second of two."""
    first_label: Annotated[int, Field(ge=0, le=1)] = 0
    """Class index of the first class in `npz`, `idx` and `tfrecord`: 1 where the source counts from 1."""
    num_records: PositiveInt | None = None
    """Labelled records that the sources hold, bad ones among them, where you know it: another number stops the run. It
    tells a file that was cut between two records, which looks whole."""
    max_bad_ratio: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.02
    """Largest accepted share of bad records, which are left out and listed; above it the step fails."""
    max_conflict_ratio: Ratio = 0.05
    """Largest accepted share of labelled examples whose content has another label, too. Up to there, they are left out
    of training; above it the step fails: somebody's labels are no classes."""
    min_held_out_per_class: Annotated[int, Field(ge=0)] = 1
    """Fewest held-out examples that each class must have; below it the step fails. 0: nothing tells how well a class
    without any is recognized."""
    repeated_texts: RepeatedTexts = RepeatedTexts.REMOVE
    """Text alone: `remove` leaves training texts out that are held out, too, or that have several labels. `keep` is for
    what people say over and over, as in dialogues: a training split without "yes" is no sample of it. The report then
    says how many held-out texts were trained on."""
    num_shards: Annotated[int, Field(ge=1, le=1000)] = 1
    """Files that each split is written to."""

    @model_validator(mode="after")
    def _check(self) -> DataConfig:
        if (self.format is DataFormat.DIGITS) != (self.uri is None):
            wanted = "no uri" if self.format is DataFormat.DIGITS else "a uri"
            raise ValueError(f"format {self.format.value!r} accepts {wanted}, found uri={self.uri!r}")
        for name in ("held_out_uri", "validation_uri", "unlabelled_uri"):
            if self.format is DataFormat.DIGITS and getattr(self, name) is not None:
                raise ValueError(f"format 'digits' accepts no {name}")
        for name in ("uri", "held_out_uri"):
            if self.validation_uri is not None and _is_same_place(self.validation_uri, getattr(self, name)):
                raise ValueError(
                    f"validation_uri: found {self.validation_uri}, which is {name}, too; accepted is another place, or "
                    "none: training.validation_ratio then keeps training examples back to choose by"
                )
        for name in ("header", "label_column", "text_column"):
            if not self.format.is_table and getattr(self, name) is not None:
                raise ValueError(f"format {self.format.value!r} accepts no {name}, formats csv and tsv do")
        if self.format not in _INDEXED and self.first_label:
            raise ValueError(
                f"format {self.format.value!r} accepts no first_label: 1, formats npz, idx and tfrecord do"
            )
        columns = [column for column in (self.label_column, self.text_column) if column is not None]
        if self.header is False and any(isinstance(column, str) for column in columns):
            raise ValueError("header: found false and a column's name, accepted without a header are numbers from 1")
        if len(columns) == 2 and columns[0] == columns[1]:
            raise ValueError(f"text_column: found {columns[1]!r}, which is label_column, too; accepted is another")
        if self.subfolders and self.format is not DataFormat.IMAGE_FOLDER:
            raise ValueError(f"subfolders: found true with format {self.format.value!r}, accepted is image_folder")
        if self.link_root is not None and "://" in self.link_root:
            raise ValueError(f"link_root: found {self.link_root}, accepted is a local folder, as links are local")
        return self
