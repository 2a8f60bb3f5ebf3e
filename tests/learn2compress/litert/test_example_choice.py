from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from learn2compress.data.examples import encode_example, shard_path, write_shard
from learn2compress.litert import example_choice
from learn2compress.litert.example_choice import choose_examples, shown_examples
from learn2compress.litert.predictions import Predictions, PredictionSettings, predictions_from_scores
from learn2compress.results.shown_examples import ExampleGroup

N, CLASSES = 400, 5


def predictions(seed: int, wrong_ratio: float, labels: np.ndarray) -> Predictions:
    """Predictions that are wrong for a share of the examples, more or less sure."""
    random = np.random.default_rng(seed)
    told = np.where(random.random(len(labels)) < wrong_ratio, (labels + random.integers(1, 3, len(labels))) % 5, labels)
    scores = np.full((len(labels), CLASSES), 0.01, np.float32)
    scores[np.arange(len(labels)), told] = random.uniform(0.5, 0.9, len(labels))
    return predictions_from_scores(scores, labels, PredictionSettings(CLASSES, 3))


@pytest.fixture
def labels() -> np.ndarray:
    return np.random.default_rng(7).integers(0, CLASSES, N)


def test_each_group_holds_what_its_name_says(labels: np.ndarray) -> None:
    student, teacher = predictions(1, 0.2, labels), predictions(2, 0.1, labels)
    choices = choose_examples(student, teacher, seed=0)
    places = {group: [place for place, found in choices if found is group] for group in ExampleGroup}

    assert len({place for place, _ in choices}) == len(choices)
    wrong = np.flatnonzero(~student.correct)
    assert places[ExampleGroup.MISTAKE] == sorted(wrong, key=lambda place: -student.confidence[place])[:8]
    assert len(places[ExampleGroup.TEACHER_ONLY]) == len(places[ExampleGroup.STUDENT_ONLY]) == 6
    for place in places[ExampleGroup.TEACHER_ONLY]:
        assert teacher.correct[place]
        assert not student.correct[place]
    for place in places[ExampleGroup.STUDENT_ONLY]:
        assert student.correct[place]
        assert not teacher.correct[place]
    assert sorted(labels[places[ExampleGroup.CORRECT]]) == list(range(CLASSES))
    assert student.correct[places[ExampleGroup.CORRECT]].all()


def test_every_confusion_has_an_example_where_they_are_few(labels: np.ndarray) -> None:
    student, teacher = predictions(1, 0.2, labels), predictions(2, 0.1, labels)
    shown = [place for place, _ in choose_examples(student, teacher, seed=0)]
    pairs = {(a, b) for a, b in zip(student.labels, student.predicted, strict=True) if a != b}
    covered = {(student.labels[place], student.predicted[place]) for place in shown}
    assert pairs <= covered


def test_the_seed_decides_and_nothing_else(labels: np.ndarray) -> None:
    student, teacher = predictions(1, 0.2, labels), predictions(2, 0.1, labels)
    once, again, other = (choose_examples(student, teacher, seed) for seed in (3, 3, 4))
    assert once == again
    assert once != other
    unseeded = [choice for choice in once if choice[1] is not ExampleGroup.CORRECT]
    assert unseeded[:20] == [choice for choice in other if choice[1] is not ExampleGroup.CORRECT][:20]


def test_a_student_without_mistakes_and_one_without_hits(labels: np.ndarray) -> None:
    perfect, hopeless = predictions(1, 0.0, labels), predictions(1, 1.0, labels)
    assert {group for _, group in choose_examples(perfect, perfect, 0)} == {ExampleGroup.CORRECT}
    counts = Counter(group for _, group in choose_examples(hopeless, hopeless, 0))
    assert set(counts) <= {ExampleGroup.MISTAKE, ExampleGroup.CONFUSION}
    assert counts[ExampleGroup.MISTAKE] == 8


def test_predictions_of_another_split_are_refused(labels: np.ndarray) -> None:
    with pytest.raises(ValueError, match="found 10 predictions, accepted are 400"):
        choose_examples(predictions(1, 0.2, labels), predictions(1, 0.2, labels[:10]), 0)


def write_split(folder: Path, labels: np.ndarray, text: bool) -> None:
    random = np.random.default_rng(0)
    rows = [
        encode_example(
            random.integers(0, 256, 32 * 32 * 3, np.uint8).tobytes(),
            int(label),
            f"{place:064x}",
            f"{place}.png",
            f"text <b> {place}" if text else None,
        )
        for place, label in enumerate(labels)
    ]
    write_shard(shard_path(folder, 0, 1), rows)


def test_examples_carry_both_predictions_and_stay_within_their_bytes(
    labels: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    student, teacher = predictions(1, 0.2, labels), predictions(2, 0.1, labels)
    write_split(tmp_path, labels, text=False)
    shown = shown_examples(student, teacher, tmp_path, (32, 32, 3), seed=0)
    assert sum(example.num_bytes for example in shown) <= example_choice.MAX_BYTES
    for example in shown:
        place = int(example.source.removesuffix(".png"))
        assert (example.label, example.predicted) == (student.labels[place], student.predicted[place])
        assert example.teacher_predicted == teacher.predicted[place]
        assert example.confidence == pytest.approx(student.confidence[place], abs=1e-6)
        assert example.picture is not None
        assert example.text is None
    monkeypatch.setattr(example_choice, "MAX_BYTES", 9_000)
    fewer = shown_examples(student, teacher, tmp_path, (32, 32, 3), seed=0)
    assert 0 < len(fewer) < len(shown)
    assert fewer == shown[: len(fewer)]


def test_texts_are_shown_by_their_beginning(labels: np.ndarray, tmp_path: Path) -> None:
    student, teacher = predictions(1, 0.2, labels), predictions(2, 0.1, labels)
    write_split(tmp_path, labels, text=True)
    shown = shown_examples(student, teacher, tmp_path, (3072,), seed=0)
    assert {example.picture for example in shown} == {None}
    assert shown[0].text == f"text <b> {shown[0].source.removesuffix('.png')}"
