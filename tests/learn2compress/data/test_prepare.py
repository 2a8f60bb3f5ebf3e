"""A record becomes the input of students, and its content decides split and shard."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import numpy as np
import pytest

from learn2compress.config import DataConfig, ResizeConfig, TaskConfig, TaskKind
from learn2compress.data.prepare import MEASURES, PreparedRecord, prepare, shard_of, split_of
from learn2compress.data.records import BadRecord, RawRecord, Split
from learn2compress.data.text_features import MAX_TEXT_CHARACTERS, text_input

IMAGE = TaskConfig()
TEXT = TaskConfig(kind=TaskKind.TEXT, input_shape=(64,))


def prepared(record: RawRecord, task: TaskConfig) -> PreparedRecord:
    found = prepare(record, task, DataConfig())
    assert isinstance(found, PreparedRecord)
    return found


def test_split_and_shard_follow_from_the_content() -> None:
    digests = [hashlib.sha256(bytes([index % 256, index // 256])).hexdigest() for index in range(2000)]
    held_out = [digest for digest in digests if split_of(digest, 0.2) is Split.HELD_OUT]
    assert 330 < len(held_out) < 470
    # A larger share holds out what a smaller one did, and more.
    assert all(split_of(digest, 0.3) is Split.HELD_OUT for digest in held_out)
    assert {shard_of(digest, 7) for digest in held_out} == set(range(7))
    assert split_of("00000000" + "f" * 56, 0.001) is Split.HELD_OUT
    assert split_of("ffffffff" + "0" * 56, 0.999) is Split.TRAIN


def test_an_image_has_its_pixels_and_the_same_content_however_it_is_stored(png: Callable[[int], bytes]) -> None:
    stored = prepared(RawRecord("a.png", "cat", png(7)), IMAGE)
    held = prepared(RawRecord("a.npz#x[0]", 3, np.full((8, 8), 7, np.int64)), IMAGE)
    assert stored.content == held.content == bytes([7] * 64)
    assert stored.content_sha256 == held.content_sha256 == hashlib.sha256(stored.content).hexdigest()
    assert (stored.source, stored.label, stored.text) == ("a.png", "cat", None)
    assert stored.measures == {"pixel_mean": 7.0, "pixel_std": 0.0, "height": 8.0, "width": 8.0}


def test_sizes_are_measured_of_the_original() -> None:
    record = RawRecord("a", 0, np.zeros((16, 12), np.uint8))
    resized = prepare(record, IMAGE, DataConfig(resize=ResizeConfig()))
    assert isinstance(resized, PreparedRecord)
    assert (resized.measures["height"], resized.measures["width"], len(resized.content)) == (16.0, 12.0, 64)
    assert isinstance(prepare(record, IMAGE, DataConfig()), BadRecord)


def test_a_text_has_its_features() -> None:
    record = prepared(RawRecord("a.tsv#1", "music", "play some jazz"), TEXT)
    features = text_input("play some jazz", TEXT)
    assert (record.content, record.text) == (features.tobytes(), "play some jazz")
    assert tuple(record.measures) == MEASURES[TaskKind.TEXT]
    assert tuple(record.measures.values()) == (14.0, 3.0, float(np.count_nonzero(features)))


@pytest.mark.parametrize(
    ("record", "task", "reason"),
    [
        (RawRecord("a", "", "words"), TEXT, "found no label"),
        (RawRecord("a", "x", " \n"), TEXT, "found no text"),
        (RawRecord("a", "x", "w" * (MAX_TEXT_CHARACTERS + 1)), TEXT, f"found {MAX_TEXT_CHARACTERS + 1} characters"),
        (RawRecord("a", "x", b"no image"), IMAGE, "found no image content"),
    ],
)
def test_a_record_that_can_not_be_used_is_told(record: RawRecord, task: TaskConfig, reason: str) -> None:
    found = prepare(record, task, DataConfig())
    assert isinstance(found, BadRecord)
    assert (found.source, found.reason.split(",")[0]) == ("a", reason)
