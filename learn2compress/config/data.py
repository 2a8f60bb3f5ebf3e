"""What a student receives, and where the examples are."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from learn2compress.config.fields import STRICT, Ratio, Size, Uri


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


@dataclass(frozen=True, config=STRICT)
class DataConfig:
    """Where the examples are and how `Ingest` reads and splits them."""

    format: DataFormat = DataFormat.DIGITS
    """How the examples are stored."""
    uri: Uri | None = None
    """Folder, file or glob of the examples, local or any fsspec URL; not used by `digits`."""
    held_out_uri: Uri | None = None
    """The held-out examples, where they are stored apart. Without it the split is by content hash. Training images that
    are among them are left out and counted."""
    unlabelled_uri: Uri | None = None
    """Further training examples in the same format, which the teacher labels; labels that are there are not read, and
    images may lie anywhere below a folder. Not used by `digits`."""
    held_out_ratio: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.2
    """Share of the examples held out where they are not stored apart."""
    resize: bool = False
    """Resize images whose size differs from `task.input_shape`; otherwise they are bad records."""
    max_bad_ratio: Ratio = 0.0
    """Largest accepted share of unreadable records; above it the step fails."""
    num_shards: Annotated[int, Field(ge=1, le=1000)] = 1
    """Files that each split is written to."""

    @model_validator(mode="after")
    def _check(self) -> DataConfig:
        if (self.format is DataFormat.DIGITS) != (self.uri is None):
            wanted = "no uri" if self.format is DataFormat.DIGITS else "a uri"
            raise ValueError(f"format {self.format.value!r} accepts {wanted}, found uri={self.uri!r}")
        for name in ("held_out_uri", "unlabelled_uri"):
            if self.format is DataFormat.DIGITS and getattr(self, name) is not None:
                raise ValueError(f"format 'digits' accepts no {name}")
        return self
