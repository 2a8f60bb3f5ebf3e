"""Hashed n-grams: the definition in the module's docstring, computed here a second time and by hand."""

import math
import zlib

import numpy as np
import pytest

from learn2compress.data.text_features import hashed_ngrams, normalize


def finalized(text: str, kind: bytes) -> int:
    value = zlib.crc32(kind + text.encode())
    value ^= value >> 16
    value = value * 0x85EBCA6B % 2**32
    value ^= value >> 13
    value = value * 0xC2B2AE35 % 2**32
    return value ^ value >> 16


@pytest.mark.parametrize("num_features", [1, 97, 1024])
def test_vector_is_what_the_definition_says(num_features: int) -> None:
    counts = [0] * num_features
    line = " to be to "
    for length in (3, 4, 5):
        for start in range(len(line) - length + 1):
            counts[finalized(line[start : start + length], b"c") % num_features] += 1
    for ngram in ("to", "be", "to", "to be", "be to"):
        counts[finalized(ngram, b"w") % num_features] += 1
    expected = [min(255, math.isqrt(4096 * count)) for count in counts]
    assert hashed_ngrams("To  BE to", num_features).tolist() == expected


def test_values_are_fixed_for_phones_that_compute_them() -> None:
    features = hashed_ngrams("play some jazz", 16)
    assert features.dtype == np.uint8
    assert features.tolist() == [128, 90, 143, 64, 90, 110, 64, 110, 64, 90, 90, 64, 128, 90, 128, 169]


def test_normalization_makes_equal_what_reads_equal() -> None:
    assert normalize("Straße ﬁne \uff21") == "strasse fine a"
    assert hashed_ngrams("CAFE\u0301 ok", 64).tolist() == hashed_ngrams("caf\u00e9\tok", 64).tolist()


def test_text_without_words_gives_zeros() -> None:
    assert not hashed_ngrams(" \t\n", 32).any()


def test_repetition_is_clipped_at_the_range() -> None:
    assert hashed_ngrams("a " * 5000, 8).max() == 255
