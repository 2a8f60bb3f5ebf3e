"""The definition of text features that phones port: its steps, and values that never change."""

from __future__ import annotations

import pytest

from learn2compress.data.text_reference import (
    finalize,
    hashed_ngrams,
    hashed_words,
    normalize,
    projection,
    tokenize,
)


def test_punctuation_is_a_word_but_for_the_apostrophe() -> None:
    assert tokenize("Isn't it?! (a_b)") == ["isn't", "it", "?", "!", "(", "a", "_", "b", ")"]


@pytest.mark.parametrize(
    ("text", "normalized"),
    [("Straße ﬁne \uff21", "strasse fine a"), ("CAFE\u0301", "caf\u00e9"), ("\u03a3\u03c2", "\u03c3\u03c3")],
)
def test_normalization_composes_and_folds(text: str, normalized: str) -> None:
    assert normalize(text) == normalized


@pytest.mark.parametrize(("value", "expected"), [(0, 0), (1, 0x514E28B7), (0xFFFFFFFF, 0x81F16F39)])
def test_the_finalizer_is_murmurhash3s(value: int, expected: int) -> None:
    assert finalize(value) == expected


def test_values_never_change() -> None:
    text = "play some jazz"
    assert hashed_ngrams(text, 16) == [128, 90, 143, 64, 90, 110, 64, 110, 64, 90, 90, 64, 128, 90, 128, 169]
    assert projection(text, 16) == [76, 190, 42, 99, 190, 99, 99, 122, 88, 110, 53, 145, 76, 88, 156, 167]
    assert hashed_words(text, 10) == [42, 136, 82, 34, 240, 176, 0, 0, 0, 0]
