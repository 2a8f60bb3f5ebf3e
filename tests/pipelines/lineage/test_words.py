from __future__ import annotations

import pytest

from pipelines.lineage.words import counts_of_examples, short_digest


@pytest.mark.parametrize("digest", ["5a" * 32, "5a" * 20])
def test_digests_and_commits_are_shortened(digest: str) -> None:
    assert short_digest(digest) == "5a5a5a5a5a5a"


@pytest.mark.parametrize("text", ["digest not recorded", "deadbeef", "", "5A" * 32])
def test_other_texts_stay(text: str) -> None:
    assert short_digest(text) == text


def test_examples_are_counted_by_what_they_are_for() -> None:
    found = {"num_train": 1412, "num_held_out": 385, "num_bad": 0, "num_classes": 10}
    assert counts_of_examples(found) == "1,412 to train, 385 held out, 0 bad, 10 classes"


def test_examples_to_choose_by_are_counted_where_they_are_stored_apart() -> None:
    found = {"num_train": 1412, "num_validation": 60, "num_held_out": 385, "num_bad": 0, "num_classes": 10}
    assert counts_of_examples(found) == "1,412 to train, 60 to choose by, 385 held out, 0 bad, 10 classes"
    assert counts_of_examples(found | {"num_validation": 0}) == "1,412 to train, 385 held out, 0 bad, 10 classes"
