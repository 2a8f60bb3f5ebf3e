"""What TFDV measures becomes a sentence only where it is more than chance."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from components.ingest.drift import accepted_divergence, accepted_share_distance, drift_sentences
from components.ingest.statistics import LABEL_FEATURE
from components.ingest.tfdv import tfdv
from learn2compress.data.records import Split


def statistics(labels: list[str], brightness: np.ndarray) -> Any:
    """Statistics of records with a label and one measure."""
    import pandas as pd

    return tfdv.generate_statistics_from_dataframe(
        pd.DataFrame({LABEL_FEATURE: labels, "pixel_mean": brightness.astype(np.float32)})
    )


def sample(num_examples: int, seed: int, share: float = 0.5, mean: float = 100.0) -> Any:
    draw = np.random.default_rng(seed)
    labels = ["cat" if chance < share else "dog" for chance in draw.random(num_examples)]
    return statistics(labels, draw.normal(mean, 20.0, num_examples))


@pytest.mark.parametrize(("num_examples", "num_others"), [(40, 10), (200, 50), (2000, 500)])
def test_samples_of_the_same_source_are_not_told_apart(num_examples: int, num_others: int) -> None:
    for seed in range(4):
        train, other = sample(num_examples, seed), sample(num_others, seed + 100)
        assert drift_sentences(train, {Split.HELD_OUT: other}, other, tfdv.infer_schema(train)) == ()


def test_other_shares_and_other_pictures_are_said_with_both_figures() -> None:
    train = sample(400, 0, share=0.2, mean=160.0)
    before, held_out = sample(400, 1), sample(100, 2, share=0.2, mean=160.0)
    sentences = drift_sentences(train, {Split.HELD_OUT: held_out}, before, tfdv.infer_schema(train))
    assert len(sentences) == 2
    assert sentences[0].startswith("label 'cat' is ")
    assert "of the training split and 5" in sentences[0]
    assert sentences[1].startswith(
        "pixel_mean is distributed otherwise in the training split than in the previous run's: "
    )
    for split, words in ((Split.HELD_OUT, "held-out"), (Split.VALIDATION, "validation")):
        skewed = drift_sentences(train, {split: before}, None, tfdv.infer_schema(train))
        assert len(skewed) == 2
        assert all(f"in the {words} split" in sentence for sentence in skewed)
    # What is true of the previous run is said once.
    both = drift_sentences(
        train, {Split.HELD_OUT: held_out, Split.VALIDATION: before}, before, tfdv.infer_schema(train)
    )
    assert set(both) == {*sentences, *skewed}
    assert len(both) == 4
    assert drift_sentences(train, {}, None, tfdv.infer_schema(train)) == ()


def test_a_class_that_is_new_and_a_measure_that_is_gone_can_be_compared() -> None:
    train = statistics(["cat"] * 50 + ["owl"] * 50, np.arange(100))
    before = statistics(["cat"] * 100, np.arange(100))
    schema = tfdv.infer_schema(train)
    (sentence,) = drift_sentences(train, {}, before, schema)
    assert sentence.startswith("label 'cat' is 50.0% of the training split and 100.0% in the previous run's")
    for index, feature in enumerate(before.datasets[0].features):
        if feature.path.step[0] == "pixel_mean":
            del before.datasets[0].features[index]
            break
    assert drift_sentences(train, {}, before, schema) == (sentence,)


def test_small_samples_are_given_more() -> None:
    assert accepted_share_distance(10**6, 10**6) == pytest.approx(0.05, abs=0.01)
    assert accepted_divergence(10**6, 10**6) == pytest.approx(0.1, abs=0.01)
    assert accepted_share_distance(10, 1000) > accepted_share_distance(100, 1000)
    assert accepted_divergence(10, 1000) > accepted_divergence(100, 1000)
