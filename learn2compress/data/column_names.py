"""Names that people give to the columns of a table: of labels, of texts, and what could be a name at all."""

from __future__ import annotations

import re
from collections.abc import Sequence

# The first is the convention's own.
LABEL = (
    "label",
    *("labels", "class", "classes", "category", "categories", "sentiment", "intent", "target", "tag", "topic"),
    *("emotion", "polarity", "rating", "stars", "y"),
)
TEXT = (
    "text",
    *("texts", "message", "sentence", "review", "utterance", "comment", "tweet", "content", "body", "document"),
    *("query", "question", "phrase", "description", "headline", "title", "sms", "email", "post"),
)
_NAME = re.compile(r"[^\W\d][\w .\-/#()]{0,39}")
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|\d+")
_MAX_WORDS = 3


def is_known(name: str, words: Sequence[str]) -> bool:
    """Returns whether one of the words is in a name, such as `sentiment` in `airline_sentiment` or `reviewSentiment`.

    Args:
      name: A cell of the first row.
      words: `LABEL` or `TEXT`.
    """
    return any(word.lower() in words for word in _WORD.findall(name))


def looks_like_name(cell: str) -> bool:
    """Returns whether a cell could name a column: one word, or some with a known one among them.

    Args:
      cell: Stripped.
    """
    if not _NAME.fullmatch(cell):
        return False
    num_words = len(cell.split())
    return num_words == 1 or (num_words <= _MAX_WORDS and (is_known(cell, LABEL) or is_known(cell, TEXT)))


def find_column(names: Sequence[str], words: Sequence[str]) -> int | None:
    """Finds the one column that its name tells: the convention's, then a whole known name, then a known word in it.

    Args:
      names: Cells of the header, stripped.
      words: `LABEL` or `TEXT`.

    Returns:
      Its position, or `None` where no name tells it, or several do.
    """
    lower = [name.lower() for name in names]
    other = TEXT if words is LABEL else LABEL
    for candidates in (
        [position for position, name in enumerate(lower) if name == words[0]],
        [position for position, name in enumerate(lower) if name in words],
        [position for position, name in enumerate(names) if is_known(name, words) and not is_known(name, other)],
    ):
        if candidates:
            return candidates[0] if len(candidates) == 1 else None
    return None
