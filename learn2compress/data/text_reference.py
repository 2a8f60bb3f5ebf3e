"""How a text becomes the bytes that a classifier of this folder takes: the definition, in plain Python.

It needs nothing but the standard library, and it is written to be ported: a
phone must compute the very same bytes. `text_features.json` beside it says which
of the functions below the classifier was trained with, and holds texts with
their bytes. Run without arguments, this file checks itself against them; run
with a text, it prints that text's bytes:

    python text_features.py
    python text_features.py "play some jazz"

Steps that all of them share:

- Normalise: Unicode NFKC, then full case folding, then NFKC again.
- Hash: CRC-32 as in zip and PNG, over a byte that tells kinds of features apart
  and the feature's UTF-8 bytes; then `finalize`, MurmurHash3's 32-bit finalizer,
  since CRC-32 is linear and similar features would collide in families.
- Tokens: ASCII punctuation other than the apostrophe (') is a word by itself,
  whatever touches it: "okay." is "okay" and "."; words are separated by Unicode
  white space. How a sentence ends tells much about what it does.

There is no vocabulary in any of them, so none goes to the phone.
"""

from __future__ import annotations

import json
import math
import re
import sys
import unicodedata
import zlib
from itertools import pairwise
from pathlib import Path

# Written for the regular expressions of any language: all of ASCII that is printable, but letters, digits, space and '.
_PUNCTUATION = re.compile(r"([!-&(-/:-@\[-`{-~])")
_MASK = 0xFFFFFFFF


def hashed_ngrams(text: str, length: int) -> list[int]:
    """Counts hashed n-grams (feature hashing; Weinberger et al., arXiv:0902.2206).

    1. Words are what white space separates, punctuation and all. The line is the
       words joined by one space, with one space before and after.
    2. Features: every run of 3, 4 and 5 code points of the line, of kind "c"; every
       word, and every two neighbouring words joined by one space, of kind "w".
    3. A feature's position is `finalize(hash) % length`. The value of a position
       hit n times is min(255, floor(64 * sqrt(n))).

    Args:
      text: Any text.
      length: Bytes of the result.

    Returns:
      Values 0 to 255.
    """
    words = normalize(text).split()
    line = _line(words)
    features = [("c", run) for size in (3, 4, 5) for run in _runs(line, size)]
    features += [("w", word) for word in words] + [("w", f"{a} {b}") for a, b in pairwise(words)]
    counts = [0] * length
    for kind, feature in features:
        counts[finalize(_crc(kind, feature)) % length] += 1
    return [min(255, math.isqrt(4096 * count)) for count in counts]


def projection(text: str, length: int) -> list[int]:
    """Projects features onto bytes (ProjectionNet, arXiv:1708.00630; Ravi & Kozareva, EMNLP 2018).

    1. The line is the tokens joined by one space, with one space before and after.
    2. Features: every run of 3 code points of the line, of kind "c" and weight 1;
       every token, of kind "p" and weight 5; every two neighbouring tokens joined by
       one space, of kind "p" and weight 3, where an empty token stands before the
       first and after the last: " play" says that a text begins with "play".
    3. A feature adds its weight to position i, or takes it away: bit i % 32 (0 is the
       lowest) of `finalize(hash ^ finalize(0x9E3779B9 * (i // 32 + 1)))`, the product
       modulo 2**32, is 1 or 0.
    4. The sum s of a position has the standard deviation d = sqrt(sum of squared
       weights), had the text nothing in common with anything. The value is
       floor(128 + 63.75 * s / d), but 0 and 255 at least and at most, in 64-bit
       floating-point arithmetic: the product first, then the quotient, then the sum.
       Its highest bit is the projection's bit, and the others say how sure it is.

    A text without a word becomes zeros.

    Args:
      text: Any text.
      length: Bytes of the result.

    Returns:
      Values 0 to 255.
    """
    tokens = tokenize(text)
    padded = ["", *tokens, ""]
    features = [("c", run, 1) for run in _runs(_line(tokens), 3)]
    features += [("p", token, 5) for token in tokens]
    features += [("p", f"{a} {b}", 3) for a, b in pairwise(padded)] if tokens else []
    sums = [0] * length
    for kind, feature, weight in features:
        start = _crc(kind, feature)
        for first in range(0, length, 32):
            bits = finalize(start ^ finalize(0x9E3779B9 * (first // 32 + 1) & _MASK))
            for i in range(first, min(first + 32, length)):
                sums[i] += weight if bits >> (i - first) & 1 else -weight
    if not features:
        return sums
    deviation = math.sqrt(sum(weight * weight for _, _, weight in features))
    return [max(0, min(255, math.floor(128.0 + 63.75 * total / deviation))) for total in sums]


def hashed_words(text: str, length: int) -> list[int]:
    """Writes the first `length / 2` tokens as numbers 1 to 65,535, two bytes each, the higher one first.

    The number of a token is `finalize(hash) % 65535 + 1`, its hash of kind "p".
    Where there are fewer tokens, zeros follow.

    Args:
      text: Any text.
      length: Bytes of the result.

    Returns:
      Values 0 to 255.
    """
    values: list[int] = []
    for token in tokenize(text)[: length // 2]:
        values += divmod(finalize(_crc("p", token)) % 65535 + 1, 256)
    return values + [0] * (length - len(values))


def normalize(text: str) -> str:
    """Applies NFKC, full case folding, NFKC."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def tokenize(text: str) -> list[str]:
    """Normalises and splits into words and punctuation."""
    return _PUNCTUATION.sub(r" \1 ", normalize(text)).split()


def finalize(value: int) -> int:
    """Applies MurmurHash3's 32-bit finalizer."""
    value ^= value >> 16
    value = value * 0x85EBCA6B & _MASK
    value ^= value >> 13
    value = value * 0xC2B2AE35 & _MASK
    return value ^ value >> 16


def _crc(kind: str, feature: str) -> int:
    return zlib.crc32((kind + feature).encode())


def _line(words: list[str]) -> str:
    return f" {' '.join(words)} " if words else ""


def _runs(line: str, size: int) -> list[str]:
    return [line[start : start + size] for start in range(len(line) - size + 1)]


def main() -> None:
    """Checks this file against `text_features.json`, or prints the bytes of a text."""
    vectors = json.loads(Path(__file__).with_suffix(".json").read_text("utf-8"))
    function = {"hashed_ngrams": hashed_ngrams, "projection": projection, "hashed_words": hashed_words}[
        vectors["text_features"]
    ]
    if len(sys.argv) > 1:
        print(bytes(function(" ".join(sys.argv[1:]), vectors["length"])).hex())
        return
    for example in vectors["examples"]:
        if bytes(function(example["text"], vectors["length"])).hex() != example["bytes_hex"]:
            sys.exit(f"{example['text']!r}: other bytes than text_features.json has")
    print(f"{vectors['text_features']}: the same bytes for all {len(vectors['examples'])} texts")


if __name__ == "__main__":
    main()
