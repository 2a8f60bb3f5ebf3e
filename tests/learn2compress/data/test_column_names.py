"""Names of columns: known ones in any spelling, and what could be none."""

from __future__ import annotations

import pytest

from learn2compress.data.column_names import LABEL, TEXT, find_column, is_known, looks_like_name


@pytest.mark.parametrize(
    ("names", "label", "text"),
    [
        (["Category", "Message"], 0, 1),
        (["review", "sentiment"], 1, 0),
        (["text", "label", "label_text"], 1, 0),
        (["textID", "text", "selected_text", "airline_sentiment"], 3, 1),
        (["qid", "questionText", "target"], 2, 1),
        (["Class Index", "Title", "Description"], 0, None),
        (["v1", "v2"], None, None),
    ],
)
def test_known_names_tell_the_columns(names: list[str], label: int | None, text: int | None) -> None:
    assert (find_column(names, LABEL), find_column(names, TEXT)) == (label, text)


def test_a_name_is_a_word_or_has_a_known_one() -> None:
    for name in ("v1", "Review Text", "label", "größe"):
        assert looks_like_name(name)
    for cell in ("1", "", "hello there", "Is this a review?", "x" * 41):
        assert not looks_like_name(cell)
    assert is_known("reviewText", TEXT)
    assert not is_known("context", TEXT)
