"""The executor on real artifacts in a temporary folder: a student, the file made from it, a teacher's predictions."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from tfx.types import channel
from tfx.types.artifact import Artifact

from components.artifacts import Evaluation, Examples, LiteRtModel, Student, Teacher
from components.evaluate.component import Evaluate, EvaluateTeacher
from components.evaluate.executor import Executor, TeacherExecutor
from learn2compress.config import Corruption, DeviceConfig, EvaluateConfig, ReportConfig, TaskConfig
from learn2compress.config.parsing import ConfigError
from learn2compress.data.examples import encode_example, read_examples, shard_path, write_shard
from learn2compress.litert.predictions import Predictions, PredictionSettings, predictions_from_scores
from learn2compress.results.reports import ModelReport, read_json
from learn2compress.results.shown_examples import ExampleGroup, ShownExample

NUM_EXAMPLES = 200
SHOWN = ReportConfig()
CONFIG = EvaluateConfig(
    latency_rounds=3, latency_runs=1, threads=(2,), slice_by="{slice}/*", corruptions=(Corruption.CONTRAST,)
)


def artifact_at(kind: type[Artifact], folder: Path) -> Any:
    folder.mkdir(parents=True, exist_ok=True)
    artifact = kind()
    artifact.uri = str(folder)
    return artifact


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Any]]:
    """Digits, an untrained student and its float file, and a teacher that is right on the first half."""
    from sklearn.datasets import load_digits

    root = tmp_path_factory.mktemp("evaluate")
    digits = load_digits()
    pixels, labels = (digits.images * 255 / 16).astype(np.uint8)[:NUM_EXAMPLES], digits.target[:NUM_EXAMPLES]
    examples = artifact_at(Examples, root / "examples")
    examples.num_held_out, examples.num_classes = NUM_EXAMPLES, 10
    (root / "examples" / "labels.txt").write_text("".join(f"{digit}\n" for digit in range(10)))
    rows = [
        encode_example(pixels[i].tobytes(), int(labels[i]), f"{i:064x}", f"{'pen' if i < 50 else 'brush'}/{i}.png")
        for i in range(NUM_EXAMPLES)
    ]
    write_shard(shard_path(root / "examples" / "held_out", 0, 1), rows)
    keras.utils.set_random_seed(1)
    network = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(10, "softmax")])
    found = {
        "examples": [examples],
        "student": [artifact_at(Student, root / "student")],
        "model": [artifact_at(LiteRtModel, root / "model")],
        "teacher": [artifact_at(Teacher, root / "teacher")],
        "baseline": [artifact_at(Evaluation, root / "baseline")],
    }
    network.save(root / "student" / "model.keras")
    file = tf.lite.TFLiteConverter.from_keras_model(network).convert()
    for folder in ("model", "teacher"):
        (root / folder / "model.tflite").write_bytes(file)
    told = np.where(np.arange(NUM_EXAMPLES) < 100, labels, (labels + 1) % 10)
    predictions_from_scores(np.eye(10)[told], labels, PredictionSettings(10, 3)).save(
        root / "baseline" / "predictions.npz"
    )
    return found


def evaluate(
    inputs: dict[str, list[Any]], folder: Path, config: EvaluateConfig = CONFIG, report: ReportConfig = SHOWN
) -> Any:
    """Runs the executor as TFX does; returns the Evaluation."""
    component = Evaluate(
        **{name: channel.Channel(type=type(artifacts[0])) for name, artifacts in inputs.items()},
        evaluate=config,
        report=report,
        student_name="small",
        task=TaskConfig(),
        seed=3,
        beam_options=["--runner=DirectRunner"],
        code_digest="c0de",
    )
    evaluation = artifact_at(Evaluation, folder)
    Executor().Do(inputs, {"evaluation": [evaluation]}, component.spec.exec_properties)
    return evaluation


def test_everything_that_was_asked_is_in_the_report(inputs: dict[str, list[Any]], tmp_path: Path) -> None:
    evaluation = evaluate(inputs, tmp_path / "evaluation")

    report = read_json(ModelReport, tmp_path / "evaluation" / "report.json")
    predictions = Predictions.load(tmp_path / "evaluation" / "predictions.npz")
    assert report.accuracy.num_examples == len(predictions.labels) == NUM_EXAMPLES
    assert report.accuracy.top_1 == predictions.correct.mean()
    assert report.keras_agreement == 1.0  # the float file of this very student
    assert report.keras_top_1 == report.accuracy.top_1
    assert [(one.name, one.num_examples) for one in report.slices] == [("brush", 150), ("pen", 50)]
    assert [one.severity for one in report.corruptions] == [1, 3, 5]
    assert [one.num_threads for one in report.thread_latencies] == [2]
    assert (evaluation.student, evaluation.accuracy) == ("small", report.accuracy.top_1)
    assert evaluation.calibration_error == report.calibration.expected_error


def test_the_drop_is_that_against_the_teachers_predictions(inputs: dict[str, list[Any]], tmp_path: Path) -> None:
    evaluate(inputs, tmp_path / "evaluation", dataclasses.replace(CONFIG, slice_by=None, corruptions=(), threads=()))

    report = read_json(ModelReport, tmp_path / "evaluation" / "report.json")
    correct = Predictions.load(tmp_path / "evaluation" / "predictions.npz").correct
    assert report.paired_drop.drop == pytest.approx(0.5 - report.accuracy.top_1)
    assert report.paired_drop.num_teacher_only == int((~correct[:100]).sum())
    assert report.paired_drop.num_student_only == int(correct[100:].sum())
    assert (report.slices, report.corruptions, report.thread_latencies) == ((), (), ())


def test_a_few_examples_are_kept_with_both_predictions(inputs: dict[str, list[Any]], tmp_path: Path) -> None:
    quick = dataclasses.replace(CONFIG, slice_by=None, corruptions=(), threads=())
    evaluate(inputs, tmp_path / "evaluation", quick)

    shown = read_json(tuple[ShownExample, ...], tmp_path / "evaluation" / "examples.json")
    predictions = Predictions.load(tmp_path / "evaluation" / "predictions.npz")
    teacher = Predictions.load(Path(inputs["baseline"][0].uri) / "predictions.npz")
    assert {example.group for example in shown} >= {ExampleGroup.MISTAKE, ExampleGroup.TEACHER_ONLY}
    for example in shown:
        place = int(example.source.partition("/")[2].removesuffix(".png"))
        assert (example.label, example.predicted) == (predictions.labels[place], predictions.predicted[place])
        assert example.teacher_predicted == teacher.predicted[place]
        assert (example.picture or "").startswith("data:image/")
    assert (tmp_path / "evaluation" / "examples.json").stat().st_size < 80_000

    evaluate(inputs, tmp_path / "again", quick)
    assert (tmp_path / "again" / "examples.json").read_bytes() == (
        tmp_path / "evaluation" / "examples.json"
    ).read_bytes()


def test_of_private_data_nothing_is_kept(inputs: dict[str, list[Any]], tmp_path: Path) -> None:
    quick = dataclasses.replace(CONFIG, slice_by=None, corruptions=(), threads=())
    evaluate(inputs, tmp_path / "evaluation", quick, ReportConfig(images=False))
    assert {path.name for path in (tmp_path / "evaluation").iterdir()} == {"report.json", "predictions.npz"}


@pytest.mark.parametrize("output", ["logits", "probabilities"])
def test_the_teacher_is_measured_as_the_students_are(output: str, inputs: dict[str, list[Any]], tmp_path: Path) -> None:
    pixels = keras.Input((8, 8, 1))
    scaled = keras.layers.Rescaling(1 / 255)(pixels)  # it takes bytes as they are
    dense = keras.layers.Dense(10, activation="softmax" if output == "probabilities" else None)
    network = keras.Model(pixels, dense(keras.layers.Flatten()(scaled)))
    teacher = artifact_at(Teacher, tmp_path / "teacher")
    teacher.output = output
    (tmp_path / "teacher" / "model.tflite").write_bytes(tf.lite.TFLiteConverter.from_keras_model(network).convert())
    component = EvaluateTeacher(
        examples=channel.Channel(type=Examples),
        teacher=channel.Channel(type=Teacher),
        evaluate=CONFIG,
        task=TaskConfig(),
        beam_options=["--runner=DirectRunner"],
        code_digest="c0de",
    )
    evaluation = artifact_at(Evaluation, tmp_path / "evaluation")
    given = {"examples": inputs["examples"], "teacher": [teacher]}
    TeacherExecutor().Do(given, {"evaluation": [evaluation]}, component.spec.exec_properties)

    report = read_json(ModelReport, tmp_path / "evaluation" / "report.json")
    predictions = Predictions.load(tmp_path / "evaluation" / "predictions.npz")
    images = [example.input for example in read_examples(Path(inputs["examples"][0].uri) / "held_out")]
    told = network.predict(np.frombuffer(b"".join(images), np.uint8).reshape(-1, 8, 8, 1), verbose=0)
    scores = told if output == "probabilities" else np.exp(told) / np.exp(told).sum(axis=1, keepdims=True)
    np.testing.assert_array_equal(predictions.predicted, scores.argmax(axis=1))
    np.testing.assert_allclose(predictions.confidence, scores.max(axis=1), atol=1e-5)
    assert (evaluation.student, evaluation.accuracy) == (report.name, report.accuracy.top_1)
    assert report.name == "teacher"
    assert (report.paired_drop, report.keras_agreement) == (None, None)
    assert not evaluation.keras_agreement  # nothing that it was made from


def test_a_device_that_is_not_there_stops_the_step_in_one_line(inputs: dict[str, list[Any]], tmp_path: Path) -> None:
    config = dataclasses.replace(CONFIG, threads=(), device=DeviceConfig("phone-1", str(tmp_path / "none")))
    with pytest.raises(ConfigError, match=r"evaluate.device: found no file .*none, accepted as benchmark_model is"):
        evaluate(inputs, tmp_path / "evaluation", config)
