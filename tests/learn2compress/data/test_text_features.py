"""Text features: the fast form equals the definition that ships, and both keep the values that phones compute."""

import math
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from learn2compress.config import TaskConfig, TaskKind, TextFeatures
from learn2compress.data import text_reference
from learn2compress.data.text_features import hashed_ngrams, hashed_words, input_description, projection, text_input
from learn2compress.data.text_reference import normalize

TEXTS = ("", " \t\n", "a", "To  BE to", "Isn't it? #5", "Straße ﬁne \uff21 日本語 🎵", "a " * 400)
FUNCTIONS = [
    (hashed_ngrams, text_reference.hashed_ngrams),
    (projection, text_reference.projection),
    (hashed_words, text_reference.hashed_words),
]


def finalized(text: str, kind: bytes) -> int:
    value = zlib.crc32(kind + text.encode())
    value ^= value >> 16
    value = value * 0x85EBCA6B % 2**32
    value ^= value >> 13
    value = value * 0xC2B2AE35 % 2**32
    return value ^ value >> 16


@pytest.mark.parametrize(("fast", "defined"), FUNCTIONS)
@pytest.mark.parametrize("length", [2, 32, 98])
def test_the_fast_form_equals_the_definition_that_ships(
    fast: Callable[[str, int], NDArray[np.uint8]], defined: Callable[[str, int], list[int]], length: int
) -> None:
    for text in TEXTS:
        features = fast(text, length)
        assert features.dtype == np.uint8
        assert features.shape == (length,)
        assert features.tolist() == defined(text, length), text


@pytest.mark.parametrize("kind", list(TextFeatures))
def test_the_task_chooses_the_features(kind: TextFeatures) -> None:
    task = TaskConfig(TaskKind.TEXT, (64,), kind)
    assert text_input("play some jazz", task).tolist() == getattr(text_reference, kind)("play some jazz", 64)
    assert ("32 words" if kind is TextFeatures.HASHED_WORDS else "64") in input_description(task)


def test_values_are_fixed_for_phones_that_compute_them() -> None:
    text = "play some jazz"
    assert list(hashed_ngrams(text, 16)) == [128, 90, 143, 64, 90, 110, 64, 110, 64, 90, 90, 64, 128, 90, 128, 169]
    assert list(projection(text, 16)) == [76, 190, 42, 99, 190, 99, 99, 122, 88, 110, 53, 145, 76, 88, 156, 167]
    assert list(hashed_words(text, 10)) == [42, 136, 82, 34, 240, 176, 0, 0, 0, 0]


@pytest.mark.parametrize("num_features", [1, 97, 1024])
def test_ngrams_are_counted_at_their_hash(num_features: int) -> None:
    counts = [0] * num_features
    line = " to be to "
    for length in (3, 4, 5):
        for start in range(len(line) - length + 1):
            counts[finalized(line[start : start + length], b"c") % num_features] += 1
    for ngram in ("to", "be", "to", "to be", "be to"):
        counts[finalized(ngram, b"w") % num_features] += 1
    expected = [min(255, math.isqrt(4096 * count)) for count in counts]
    assert hashed_ngrams("To  BE to", num_features).tolist() == expected


def test_normalization_makes_equal_what_reads_equal() -> None:
    assert normalize("Straße ﬁne \uff21") == "strasse fine a"
    for features in (hashed_ngrams, projection, hashed_words):
        assert features("CAFE\u0301 ok", 64).tolist() == features("caf\u00e9\tok", 64).tolist()


def test_text_without_words_gives_zeros() -> None:
    for features in (hashed_ngrams, projection, hashed_words):
        assert not features(" \t\n", 32).any()


def test_repetition_is_clipped_at_the_range() -> None:
    assert hashed_ngrams("a " * 5000, 8).max() == 255


def test_projections_of_texts_are_as_near_as_their_ngrams() -> None:
    first, near, far = (
        projection(text, 1024) >= 128
        for text in ("play some jazz music", "play some rock music", "will it snow in Oslo tomorrow?")
    )
    assert np.mean(first == near) > 0.65
    assert 0.4 < np.mean(first == far) < 0.6


def test_projected_bits_are_even_and_independent() -> None:
    rows = np.stack([projection(f"word{number} follows word{number * 7}", 256) for number in range(400)])
    bits = (rows >= 128) * 2.0 - 1.0
    assert abs(bits.mean()) < 0.1
    correlations = bits.T @ bits / len(bits)
    np.fill_diagonal(correlations, 0.0)
    assert np.abs(correlations).mean() < 0.15


def test_words_beyond_the_length_are_left_out_and_padding_is_zero() -> None:
    two = hashed_words("jazz, please", 4)
    assert two.tolist() == hashed_words("jazz, please play", 6)[:4].tolist()
    assert hashed_words("jazz", 6)[2:].tolist() == [0, 0, 0, 0]
    assert hashed_words("jazz", 6)[:2].any()
