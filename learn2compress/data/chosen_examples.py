"""A few examples of a split by their places, small enough to be shown: pictures as data URIs, beginnings of texts."""

from __future__ import annotations

import base64
import io
import unicodedata
from collections.abc import Collection
from pathlib import Path

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from PIL import Image

from learn2compress.data.examples import StoredExample, read_serialized, shard_paths

MAX_SIDE_PIXELS = 64
MAX_TEXT_CHARACTERS = 200
MAX_SOURCE_CHARACTERS = 120
_JPEG_QUALITY = 85
_ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"
# Control characters, those that turn the direction of what follows, and what is no character at all.
_UNSEEN_CATEGORIES = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


def read_chosen(folder: Path, places: Collection[int]) -> dict[int, StoredExample]:
    """Reads some examples of a split, and no record behind the last of them.

    Args:
      folder: Of shards.
      places: Places in the split's stored order, from 0.

    Returns:
      Examples by their places.

    Raises:
      SourceError: a shard is missing, truncated or corrupted.
      ValueError: the split has fewer examples.
    """
    wanted, found = set(places), dict[int, StoredExample]()
    place = 0
    for shard in shard_paths(folder):
        if len(found) == len(wanted):
            break
        for record in read_serialized(shard):
            if place in wanted:
                found[place] = _parse(record)
                if len(found) == len(wanted):
                    break
            place += 1
    if len(found) != len(wanted):
        raise ValueError(f"{folder}: has {place} examples, accepted are places below, found {max(wanted)}")
    return found


def picture_uri(pixels: npt.NDArray[np.uint8]) -> str:
    """Makes a small picture of an image, encoded anew: nothing of the file that it came from is in it.

    Args:
      pixels: uint8 `[height, width, channels]`, with 1 or 3 channels.

    Returns:
      A data URI of at most 64 x 64 pixels: the PNG or the JPEG, whichever is smaller.
    """
    image = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
    image.thumbnail((MAX_SIDE_PIXELS, MAX_SIDE_PIXELS), Image.Resampling.LANCZOS)
    encoded = []
    for kind, options in (("png", {"optimize": True}), ("jpeg", {"quality": _JPEG_QUALITY, "subsampling": 0})):
        file = io.BytesIO()
        image.save(file, kind, **options)
        encoded.append((len(file.getvalue()), kind, file.getvalue()))
    _, kind, content = min(encoded, key=lambda one: one[0])
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def beginning_of(text: bytes) -> str:
    """Returns the beginning of a text as one line of visible characters.

    Args:
      text: In UTF-8.
    """
    decoded = text[: 8 * MAX_TEXT_CHARACTERS].decode("utf-8", "replace")
    line = _visible(decoded)
    return line if len(line) <= MAX_TEXT_CHARACTERS else f"{line[:MAX_TEXT_CHARACTERS]}{_ELLIPSIS}"


def end_of(source: str) -> str:
    """Returns the end of where an example came from, as visible characters: the file's name is there."""
    line = _visible(source)
    return line if len(line) <= MAX_SOURCE_CHARACTERS else f"{_ELLIPSIS}{line[-MAX_SOURCE_CHARACTERS:]}"


def _visible(text: str) -> str:
    shown = (" " if unicodedata.category(letter) in _UNSEEN_CATEGORIES else letter for letter in text)
    return " ".join("".join(shown).split())


def _parse(record: bytes) -> StoredExample:
    features = tf.train.Example.FromString(record).features.feature
    text = features["text"].bytes_list.value if "text" in features else ()
    return StoredExample(
        input=features["input"].bytes_list.value[0],
        label=features["label"].int64_list.value[0],
        content_sha256=features["content_sha256"].bytes_list.value[0].decode(),
        source=features["source"].bytes_list.value[0].decode("utf-8", "backslashreplace"),
        text=text[0] if text else None,
    )
