"""Text as a fixed vector of bytes: hashed character and word n-grams.

In the manner of ProjectionNet (arXiv:1708.00630) and of feature hashing
(Weinberger et al., arXiv:0902.2206): no vocabulary goes to the phone. A phone
has to compute the very same bytes, so this is the definition, in full:

1. Normalise: Unicode NFKC, then full case folding, then NFKC again.
2. Words are what Unicode white space separates. The line is the words joined
   by one space, with one space before and after.
3. Features are the UTF-8 bytes of every run of 3, 4 and 5 code points of the
   line, after a byte "c"; and of every word and every two neighbouring words
   joined by one space, after a byte "w".
4. Hash: CRC-32 (as in zip and PNG), then MurmurHash3's 32-bit finalizer
   (h ^= h >> 16; h *= 0x85ebca6b; h ^= h >> 13; h *= 0xc2b2ae35; h ^= h >> 16),
   since CRC-32 is linear and similar n-grams would collide in families. The
   position is the hash modulo the length of the vector.
5. The value of a position hit n times is min(255, floor(64 * sqrt(n))): one hit
   is a quarter of the range, sixteen fill it, and repetition counts less and less.
"""

from __future__ import annotations

import itertools
import unicodedata
import zlib

import numpy as np
from numpy.typing import NDArray

MAX_TEXT_CHARACTERS = 20_000
_CHARACTER_NGRAMS = (3, 4, 5)


def hashed_ngrams(text: str, num_features: int) -> NDArray[np.uint8]:
    """Hashes the n-grams of `text` into a vector.

    Args:
      text: Any text; text without a word gives zeros.
      num_features: Length of the vector, at least 1.

    Returns:
      uint8 `[num_features]`.
    """
    words = normalize(text).split()
    if not words:
        return np.zeros(num_features, np.uint8)
    line = f" {' '.join(words)} "
    crc32 = zlib.crc32
    character_seed, word_seed = crc32(b"c"), crc32(b"w")
    # Starting from the prefix byte's checksum is the checksum of prefix and n-gram together.
    hashes = [
        crc32(line[start : start + length].encode(), character_seed)
        for length in _CHARACTER_NGRAMS
        for start in range(len(line) - length + 1)
    ]
    hashes += [crc32(word.encode(), word_seed) for word in words]
    hashes += [crc32(f"{first} {second}".encode(), word_seed) for first, second in itertools.pairwise(words)]
    positions = _finalize(np.array(hashes, np.uint32)) % np.uint32(num_features)
    counts = np.bincount(positions, minlength=num_features)
    return np.minimum(255, np.floor(64.0 * np.sqrt(counts))).astype(np.uint8)


def normalize(text: str) -> str:
    """Step 1 of the definition: NFKC, case folding, NFKC."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def _finalize(hashes: NDArray[np.uint32]) -> NDArray[np.uint32]:
    hashes ^= hashes >> np.uint32(16)
    hashes *= np.uint32(0x85EBCA6B)
    hashes ^= hashes >> np.uint32(13)
    hashes *= np.uint32(0xC2B2AE35)
    hashes ^= hashes >> np.uint32(16)
    return hashes
