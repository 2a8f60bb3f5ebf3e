"""Search tries compressions of a real student, makes the best its variants, and resumes where it was killed."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from tfx.types import channel
from tfx.types.artifact import Artifact

from components.artifacts import Examples, Student, Teacher, TeacherLogits
from components.search.component import Search
from components.search.executor import Executor
from components.student_artifact import read_student, write_student
from learn2compress import progress
from learn2compress.config import (
    PruneConfig,
    QuantizationRecipe,
    QuantizeConfig,
    SearchConfig,
    StageConfig,
    TaskConfig,
    TrainingConfig,
)
from learn2compress.data.examples import read_examples
from learn2compress.data.records import Split
from learn2compress.litert.interpreter import predict
from learn2compress.litert.measure import download_bytes
from learn2compress.steps.training_inputs import TeacherUse, TrainingSettings

TRAINING = TrainingConfig(stages=(StageConfig(8),), batch_size=32, validation_ratio=0.0)
SEARCH = SearchConfig(
    trials=4,
    variants=2,
    sparsity_ratio=(0.0, 0.9),
    recipe=(QuantizationRecipe.INT8_PTQ, QuantizationRecipe.FLOAT16),
    stop_early=False,
)

Inputs = dict[str, list[Any]]


def artifact_at(kind: type[Artifact], folder: Path) -> Any:
    artifact = kind()
    artifact.uri = str(folder)
    return artifact


@pytest.fixture(scope="module")
def inputs(digits_inputs: Callable[..., Inputs], tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    return digits_inputs(tmp_path_factory.mktemp("search"), TRAINING)


def searched(
    inputs: Inputs,
    root: Path,
    search: SearchConfig = SEARCH,
    attempt: int = 1,
    training: TrainingConfig = TRAINING,
    min_layer_weights: int = 8,
) -> dict[str, Any]:
    """Runs the executor as TFX does; returns the output artifacts by key."""
    settings = TrainingSettings(TaskConfig(), training, TeacherUse(False, 1, False, None), 7, str(root / "checkpoints"))
    channels = {"examples": Examples, "teacher": Teacher, "teacher_logits": TeacherLogits, "student": Student}
    component = Search(
        **{name: channel.Channel(type=kind) for name, kind in channels.items()},
        student_name="only",
        family_name="digits",
        search=search,
        prune=PruneConfig(epochs=1, min_layer_weights=min_layer_weights),
        quantize=QuantizeConfig(epochs=1),
        settings=settings,
        code_digest="code",
    )
    outputs = {
        key: [artifact_at(found.type, root / f"attempt_{attempt}" / key)] for key, found in component.outputs.items()
    }
    Executor().Do(inputs, outputs, component.exec_properties)
    return {key: artifacts[0] for key, artifacts in outputs.items()}


def content(artifacts: dict[str, Any]) -> dict[str, bytes]:
    """The `.tflite` files by output."""
    return {key: path.read_bytes() for key, a in artifacts.items() for path in Path(a.uri).glob("*.tflite")}


def test_every_trial_is_an_artifact_and_the_best_become_variants_in_order(inputs: Inputs, tmp_path: Path) -> None:
    found = searched(inputs, tmp_path)
    trials = [found[f"trial_{number}"] for number in range(SEARCH.trials)]
    assert len({(trial.sparsity_ratio, trial.recipe) for trial in trials}) == SEARCH.trials
    assert [trial.sparsity_ratio for trial in trials[:2]] == [0.0, 0.9]
    for number, trial in enumerate(trials):
        assert trial.student == "only"
        assert trial.size == download_bytes(content(found)[f"trial_{number}"])
    by_file = {content(found)[f"trial_{number}"]: trial for number, trial in enumerate(trials)}
    best = [by_file[content(found)[f"model_{rank}"]] for rank in (1, 2)]
    assert best[0].accuracy == max(trial.accuracy for trial in trials)
    assert best[0].accuracy >= best[1].accuracy
    student, history = read_student(found["student_2"])
    assert (found["student_2"].student, found["model_2"].student) == ("only_2", "only_2")
    assert found["student_2"].sparsity_ratio == pytest.approx(best[1].sparsity_ratio, abs=0.1)
    assert [record.phase for record in history] == ["train"] + ["prune"] * (best[1].sparsity_ratio > 0)
    assert student.output_shape == (None, 10)
    assert history[-1].note.startswith("chosen among trials by 64 training examples of which 0 were kept back")
    assert not list((tmp_path / "checkpoints").iterdir())


def test_a_killed_search_resumes_to_the_same_files(inputs: Inputs, tmp_path: Path) -> None:
    whole = searched(inputs, tmp_path / "whole")

    class Killed(BaseException):
        pass

    reported: list[str] = []

    def kill_after_two(report: progress.Progress) -> None:
        reported.append(report.work)
        if report.work == "search only" and report.done == 2 and reported.count("search only") == 2:
            raise Killed

    with progress.listening(kill_after_two), pytest.raises(Killed):
        searched(inputs, tmp_path / "killed")
    reported.clear()
    with progress.listening(lambda report: reported.append(report.work)):
        resumed = searched(inputs, tmp_path / "killed", attempt=2)
    assert content(resumed) == content(whole)
    assert sum(work.startswith("prune epoch 1") for work in reported) < SEARCH.trials * 2


def test_a_trial_that_can_win_nothing_ends_without_a_file(inputs: Inputs, tmp_path: Path) -> None:
    # At most sparsity 0 and nearly all: what lies between is trained, and some of it is worse than the rest.
    search = SearchConfig(
        trials=6, variants=1, sparsity_ratio=(0.5, 0.75), recipe=(QuantizationRecipe.INT8_PTQ,), stop_early=True
    )
    found = searched(inputs, tmp_path, search)
    trials = [found[f"trial_{number}"] for number in range(search.trials)]
    for number, trial in enumerate(trials):
        assert bool(trial.stopped) == (f"trial_{number}" not in content(found))
        assert bool(trial.stopped) == (trial.size == 0)
        assert trial.stopped.startswith("pruned it has") or not trial.stopped
    assert trials[0].stopped == ""


def trained(inputs: Inputs, folder: Path) -> Inputs:
    """The inputs with a student that knows its 64 examples by heart."""
    student, history = read_student(inputs["student"][0])
    data = list(read_examples(Path(inputs["examples"][0].uri) / Split.TRAIN))
    pixels = np.array([np.frombuffer(example.input, np.uint8).reshape(8, 8, 1) / 255.0 for example in data])
    labels = np.array([example.label for example in data])
    student.compile(keras.optimizers.Adam(0.01), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    student.fit(pixels, labels, epochs=150, verbose=0)
    artifact = artifact_at(Student, folder)
    write_student(artifact, student, "only", history)
    return {**inputs, "student": [artifact]}


def test_layers_are_pruned_less_where_the_target_is_missed(inputs: Inputs, tmp_path: Path) -> None:
    search = SearchConfig(
        trials=4, variants=1, sparsity_ratio=(0.0, 0.95), max_accuracy_drop=0.0, back_off_trials=2, stop_early=False
    )
    found = searched(trained(inputs, tmp_path / "student"), tmp_path, search)
    trials = [found[f"trial_{number}"] for number in range(search.trials)]
    own = [json.loads(trial.layer_sparsity_ratios) for trial in trials]
    assert own[:2] == [{}, {}]
    assert trials[1].accuracy < trials[0].accuracy
    assert own[2] != own[3]
    assert {ratio for ratios in own[2:] for ratio in ratios.values()} == {0.475}
    assert trials[1].size < min(trials[2].size, trials[3].size) < trials[0].size


def test_trials_are_compared_on_the_examples_that_were_kept_back(
    digits_inputs: Callable[..., Inputs], tmp_path: Path
) -> None:
    training = dataclasses.replace(TRAINING, validation_ratio=0.4)
    inputs = digits_inputs(tmp_path / "inputs", training, num_train=150)
    search = dataclasses.replace(SEARCH, trials=2, variants=1, sparsity_ratio=(0.0, 0.0))
    found = searched(inputs, tmp_path, search, training=training)
    kept_back = list(read_examples(Path(inputs["examples"][0].uri) / Split.TRAIN))[:60]
    pixels = np.stack([np.frombuffer(example.input, np.uint8).reshape(8, 8, 1) for example in kept_back])
    labels = [example.label for example in kept_back]
    for number in range(search.trials):
        hits = predict(content(found)[f"trial_{number}"], pixels).argmax(axis=1) == labels
        assert found[f"trial_{number}"].accuracy == pytest.approx(np.mean(hits))
    _, history = read_student(found["student_1"])
    assert history[-1].note == ""


def test_a_search_for_a_student_of_small_kernels_says_that_it_was_not_pruned(inputs: Inputs, tmp_path: Path) -> None:
    search = dataclasses.replace(SEARCH, trials=2, variants=2, sparsity_ratio=(0.5, 0.6), recipe=(SEARCH.recipe[1],))
    found = searched(inputs, tmp_path, search, min_layer_weights=10_000)
    for rank in (1, 2):
        _, history = read_student(found[f"student_{rank}"])
        assert [record.phase for record in history] == ["train"]
        assert history[-1].note.startswith("not pruned: no kernel has prune.min_layer_weights 10000 weights")
        assert "; chosen among trials by 64 training examples" in history[-1].note
