"""Drift since the run before, and skew between the splits, as TensorFlow Data Validation measures them.

Shares of labels are compared by the L-infinity distance, other measures by the Jensen-Shannon divergence (in bits,
0..1, over TFDV's histograms). What is accepted grows as the samples become small, since chance alone moves both.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

from components.ingest.statistics import LABEL_FEATURE
from components.ingest.tfdv import tfdv
from learn2compress.data.records import Split

_ACCEPTED_SHARE_DISTANCE = 0.05
_ACCEPTED_DIVERGENCE = 0.1
# Of the standard deviation of a share of one half.
_DEVIATIONS = 3.0
# Of the mean divergence of two samples in as many buckets as TFDV's histograms have.
_BUCKETS = 10
_MEANS = 4.0


def accepted_share_distance(num_examples: int, num_others: int) -> float:
    """Returns how far a label's shares of two samples may be apart.

    Args:
      num_examples: In one sample, at least 1.
      num_others: In the other, at least 1.
    """
    return _ACCEPTED_SHARE_DISTANCE + _DEVIATIONS * 0.5 * math.sqrt(1 / num_examples + 1 / num_others)


def accepted_divergence(num_examples: int, num_others: int) -> float:
    """Returns the accepted Jensen-Shannon divergence of a measure between two samples.

    Args:
      num_examples: In one sample, at least 1.
      num_others: In the other, at least 1.
    """
    by_chance = (_BUCKETS - 1) / (8 * math.log(2)) * (1 / num_examples + 1 / num_others)
    return _ACCEPTED_DIVERGENCE + _MEANS * by_chance


def drift_sentences(
    train: Any, others: Mapping[Split, Any], previous: Any | None, schema: schema_pb2.Schema
) -> tuple[str, ...]:
    """Compares the statistics of the training split with those of the other ones and of the previous run.

    Args:
      train: A `DatasetFeatureStatisticsList` of one data set, likewise the others.
      others: Of this run, by split, for skew.
      previous: Of the training split of the previous run, for drift; `None` to leave it out.
      schema: Of the training split.

    Returns:
      One sentence for each measure that is further apart than accepted.
    """
    pairs = [(other, f"in the {split.words} split") for split, other in others.items()] or [(None, "")]
    sentences = {sentence for pair in pairs for sentence in _sentences(train, *pair, previous, schema)}
    return tuple(sorted(sentences))


def _sentences(
    train: Any, skewed: Any | None, whose_skewed: str, previous: Any | None, schema: schema_pb2.Schema
) -> list[str]:
    """Returns the sentences on one other split of this run and on the previous run, as TFDV compares both at once."""
    compared = schema_pb2.Schema()
    compared.CopyFrom(schema)
    names = _features(train)
    for feature in compared.feature:
        for other, comparator in ((previous, feature.drift_comparator), (skewed, feature.skew_comparator)):
            if other is None or feature.name not in names or feature.name not in _features(other):
                continue
            counts = _num_examples(train, feature.name), _num_examples(other, feature.name)
            if not all(counts):
                continue
            if feature.name == LABEL_FEATURE:
                comparator.infinity_norm.threshold = accepted_share_distance(*counts)
            else:
                comparator.jensen_shannon_divergence.threshold = accepted_divergence(*counts)
    found = tfdv.validate_statistics(train, compared, previous_statistics=previous, serving_statistics=skewed)
    sentences = []
    for info in found.drift_skew_info:
        name = info.path.step[0]
        for measurements, other, whose in (
            (info.skew_measurements, skewed, whose_skewed),
            (info.drift_measurements, previous, "in the previous run's"),
        ):
            for measured in measurements:
                if measured.value > measured.threshold:
                    distance = f"{measured.value:.2f}, expected is {measured.threshold:.2f} at most"
                    sentences.append(_sentence(name, train, other, whose, distance))
    return sentences


def _sentence(name: str, train: Any, other: Any, whose: str, distance: str) -> str:
    if name == LABEL_FEATURE:
        shares, others = _shares(train), _shares(other)
        label = max(sorted({*shares, *others}), key=lambda label: abs(shares.get(label, 0) - others.get(label, 0)))
        return (
            f"label {label!r} is {100 * shares.get(label, 0):.1f}% of the training split and "
            f"{100 * others.get(label, 0):.1f}% {whose} (L-infinity distance {distance})"
        )
    means = [_feature(statistics, name).num_stats.mean for statistics in (train, other)]
    return (
        f"{name} is distributed otherwise in the training split than {whose}: mean {means[0]:.3g} and {means[1]:.3g} "
        f"(Jensen-Shannon divergence {distance})"
    )


def _feature(statistics: Any, name: str) -> statistics_pb2.FeatureNameStatistics:
    return next(feature for feature in statistics.datasets[0].features if _name(feature) == name)


def _features(statistics: Any) -> set[str]:
    return {_name(feature) for feature in statistics.datasets[0].features}


def _name(feature: Any) -> str:
    return str(feature.path.step[0]) if feature.HasField("path") else str(feature.name)


def _num_examples(statistics: Any, name: str) -> int:
    feature = _feature(statistics, name)
    common = feature.string_stats.common_stats if feature.HasField("string_stats") else feature.num_stats.common_stats
    return int(common.num_non_missing)


def _shares(statistics: Any) -> dict[str, float]:
    buckets = _feature(statistics, LABEL_FEATURE).string_stats.rank_histogram.buckets
    total = sum(bucket.sample_count for bucket in buckets)
    return {bucket.label: bucket.sample_count / total for bucket in buckets}
