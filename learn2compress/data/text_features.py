"""Text as a fixed vector of bytes, which a phone has to compute, too.

`learn2compress.data.text_reference` is the definition, in full; it ships with
every text student. Here is the same in NumPy, about a hundred times as fast;
tests hold the two together.
"""

from __future__ import annotations

import functools
import zlib
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from learn2compress.config import TaskConfig, TextFeatures
from learn2compress.data.text_reference import normalize, tokenize

MAX_TEXT_CHARACTERS = 20_000
# Features of a text that are projected at once; bounds the memory that the longest text takes.
_BLOCK = 4096
_CHARACTER_NGRAMS = (3, 4, 5)
# Of character n-grams, tokens and pairs of tokens.
_WEIGHTS = np.array([1, 5, 3], np.float32)


def text_input(text: str, task: TaskConfig) -> NDArray[np.uint8]:
    """Computes the input that students receive for a text.

    Args:
      text: Any text; text without a word becomes zeros.
      task: Which features, and how many bytes.

    Returns:
      uint8 `[*task.input_shape]`.
    """
    (length,) = task.input_shape
    match task.text_features:
        case TextFeatures.HASHED_NGRAMS:
            return hashed_ngrams(text, length)
        case TextFeatures.PROJECTION:
            return projection(text, length)
        case TextFeatures.HASHED_WORDS:
            return hashed_words(text, length)


def hashed_ngrams(text: str, length: int) -> NDArray[np.uint8]:
    """Counts hashed n-grams; see `text_reference.hashed_ngrams`.

    Args:
      text: Any text.
      length: Bytes of the result.

    Returns:
      uint8 `[length]`.
    """
    words = normalize(text).split()
    line = _line(words)
    hashes = [_hashes([line[i : i + size] for i in range(len(line) - size + 1)], b"c") for size in _CHARACTER_NGRAMS]
    hashes += [_hashes(words, b"w"), _hashes([f"{a} {b}" for a, b in pairwise(words)], b"w")]
    positions = _finalize(np.concatenate(hashes)) % np.uint32(length)
    counts = np.bincount(positions, minlength=length)
    return np.minimum(255, np.floor(64.0 * np.sqrt(counts))).astype(np.uint8)


def projection(text: str, length: int) -> NDArray[np.uint8]:
    """Projects n-grams onto bytes by their hashes; see `text_reference.projection`.

    Args:
      text: Any text.
      length: Bytes of the result.

    Returns:
      uint8 `[length]`.
    """
    tokens = tokenize(text)
    if not tokens:
        return np.zeros(length, np.uint8)
    line = _line(tokens)
    runs = _hashes([line[i : i + 3] for i in range(len(line) - 2)], b"c")
    words = _hashes(tokens, b"p")
    pairs = _hashes([f"{a} {b}" for a, b in pairwise(["", *tokens, ""])], b"p")
    weights = np.repeat(_WEIGHTS, [len(runs), len(words), len(pairs)])
    sums = _signed_sums(np.concatenate([runs, words, pairs]), weights, length)
    deviation = np.sqrt(np.sum(weights**2, dtype=np.float64))
    return np.clip(np.floor(128.0 + 63.75 * sums / deviation), 0, 255).astype(np.uint8)


def hashed_words(text: str, length: int) -> NDArray[np.uint8]:
    """Numbers the first words by their hashes; see `text_reference.hashed_words`.

    Args:
      text: Any text.
      length: Bytes of the result.

    Returns:
      uint8 `[length]`.
    """
    numbers = _finalize(_hashes(tokenize(text)[: length // 2], b"p")) % np.uint32(65535) + np.uint32(1)
    values = np.zeros(length, np.uint8)
    values[: 2 * len(numbers)] = numbers.astype(">u2").view(np.uint8)
    return values


def input_description(task: TaskConfig) -> str:
    """Describes a text student's input in one sentence for people.

    Args:
      task: A text task.
    """
    (length,) = task.input_shape
    match task.text_features:
        case TextFeatures.HASHED_NGRAMS:
            return f"Vector of {length} hashed n-gram features of a text, one byte each."
        case TextFeatures.PROJECTION:
            return f"Locality-sensitive projection of a text's n-grams onto {length} bytes."
        case TextFeatures.HASHED_WORDS:
            return f"Hashed numbers of the first {length // 2} words of a text, two bytes each, the higher one first."


def _signed_sums(hashes: NDArray[np.uint32], weights: NDArray[np.float32], length: int) -> NDArray[np.float64]:
    """Sums the weights at each position, a weight being subtracted where its hash's bit there is 0.

    Args:
      hashes: uint32 `[n]`.
      weights: float32 `[n]`.
      length: Positions.

    Returns:
      float64 `[length]`.
    """
    seeds = _seeds(-(-length // 32))
    ones = np.zeros(32 * len(seeds))
    for start in range(0, len(hashes), _BLOCK):
        words = _finalize(hashes[start : start + _BLOCK, None] ^ seeds).astype("<u4", copy=False)
        bits = np.unpackbits(words.view(np.uint8), axis=1, bitorder="little")
        # As float32 the product is BLAS's, and exact: no sum reaches 2**24.
        ones += weights[start : start + _BLOCK] @ bits.astype(np.float32)
    return 2 * ones[:length] - np.sum(weights, dtype=np.float64)


@functools.cache
def _seeds(num_words: int) -> NDArray[np.uint32]:
    return _finalize(np.arange(1, num_words + 1, dtype=np.uint32) * np.uint32(0x9E3779B9))


def _hashes(features: list[str], kind: bytes) -> NDArray[np.uint32]:
    # Starting from the kind's checksum is the checksum of kind and feature together.
    start = zlib.crc32(kind)
    return np.array([zlib.crc32(feature.encode(), start) for feature in features], np.uint32)


def _line(words: list[str]) -> str:
    return f" {' '.join(words)} " if words else ""


def _finalize(hashes: NDArray[np.uint32]) -> NDArray[np.uint32]:
    hashes = hashes ^ hashes >> np.uint32(16)
    hashes *= np.uint32(0x85EBCA6B)
    hashes ^= hashes >> np.uint32(13)
    hashes *= np.uint32(0xC2B2AE35)
    hashes ^= hashes >> np.uint32(16)
    return hashes
