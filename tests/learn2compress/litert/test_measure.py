from __future__ import annotations

import dataclasses
import gzip
import hashlib
from typing import Any

import pytest

from learn2compress import progress
from learn2compress.config import Corruption, EvaluateConfig
from learn2compress.config.parsing import ConfigError
from learn2compress.litert.measure import download_bytes, measure_model
from learn2compress.results.reports import ModelReport, read_json, write_json

NAMES = ("temple", "sky", "petal", "leaf")
CONFIG = EvaluateConfig(top_k=2, latency_rounds=5, latency_runs=2)


def test_a_report_holds_what_the_file_is_and_does(models: Any, write: Any, tmp_path: Any) -> None:
    model, teacher = write("student.tflite", models.int8), write("teacher.tflite", models.float32)
    labels = models.keras_scores.argmax(axis=1)
    heard: list[progress.Progress] = []

    with progress.listening(heard.append):
        report = measure_model("small", model, teacher, models.x, labels, NAMES, CONFIG, models.keras_scores)

    assert report.name == "small"
    assert report.model_sha256 == hashlib.sha256(models.int8).hexdigest()
    assert report.model_bytes == len(models.int8)
    assert 0 < report.download_bytes < report.model_bytes
    assert (report.num_parameters, report.num_nonzero_parameters, report.macs) == (340, 240, 15008)
    assert (report.input_dtype, report.output_dtype) == ("uint8", "uint8")
    assert report.keras_top_1 == 1.0  # the labels are the Keras model's own predictions
    assert report.accuracy.top_1 == report.keras_agreement
    assert 0.8 < report.accuracy.top_1 < 1.0
    assert report.accuracy.top_k is not None
    assert report.accuracy.top_1 < report.accuracy.top_k <= 1.0
    assert report.accuracy.num_examples == len(models.x)
    assert report.peak_memory_bytes > 0
    assert report.latency.median_ms <= report.latency.p90_ms
    steps = [event for event in heard if event.work == "measure small"]
    assert [event.done for event in steps] == [0, 1, 2, 3, 4]

    assert report.calibration is not None
    assert sum(one.num_examples for one in report.calibration.bins) == len(models.x)
    assert [one.num_threads for one in report.thread_latencies] == [1, 2, 4]
    assert sum(layer.weight_bytes for layer in report.layers) == report.weight_bytes
    assert report.layers[0].weight_bytes == max(layer.weight_bytes for layer in report.layers)
    assert sum(use.count for use in report.operator_uses) == sum(report.operators.values())
    assert report.energy is not None
    assert report.cold_start is not None
    assert (report.paired_drop, report.slices, report.corruptions, report.device_latency) == (None, (), (), None)

    write_json(tmp_path / "report.json", report)
    assert read_json(ModelReport, tmp_path / "report.json") == report


def test_the_teacher_is_measured_against_itself(models: Any, write: Any) -> None:
    teacher = write("teacher.tflite", models.float32)
    labels = models.keras_scores.argmax(axis=1)

    report = measure_model("teacher", teacher, teacher, models.x, labels, NAMES, CONFIG)

    assert report.accuracy.top_1 == 1.0
    assert report.latency.teacher_ratio == 1.0
    assert (report.keras_top_1, report.keras_agreement) == (None, None)


def test_corruptions_are_measured_where_somebody_asks(models: Any, write: Any) -> None:
    teacher = write("teacher.tflite", models.float32)
    labels = models.keras_scores.argmax(axis=1)
    config = dataclasses.replace(CONFIG, corruptions=(Corruption.CONTRAST,), threads=())

    report = measure_model("teacher", teacher, teacher, models.x, labels, NAMES, config)

    assert [(one.corruption, one.severity) for one in report.corruptions] == [("contrast", s) for s in (1, 3, 5)]
    assert report.corruptions[-1].top_1 < report.accuracy.top_1
    assert report.thread_latencies == ()


def test_input_scale_reaches_the_model(models: Any, write: Any) -> None:
    teacher = write("teacher.tflite", models.float32)
    labels = models.keras_scores.argmax(axis=1)

    report = measure_model("raw", teacher, teacher, models.x, labels, NAMES, CONFIG, input_scale=1.0)

    assert report.accuracy.top_1 < 1.0  # this model wants 0..1 and was given 0..255


def test_download_size_is_gzips_and_the_same_every_time(models: Any) -> None:
    size = download_bytes(models.int8)

    assert size == download_bytes(models.int8)
    assert size == len(gzip.compress(models.int8, 9, mtime=0))


def test_bad_files_are_clear_errors_that_name_the_file(models: Any, crashing: bytes, write: Any, tmp_path: Any) -> None:
    labels = models.keras_scores.argmax(axis=1)
    teacher = write("teacher.tflite", models.float32)
    for path, message in (
        (tmp_path / "missing.tflite", r"missing\.tflite can't be read: No such file"),
        (write("garbage.tflite", b"garbage" * 50), r"garbage\.tflite: model: found 350 bytes"),
        (write("crashing.tflite", crashing), r"crashing\.tflite: ended the interpreter's process"),
    ):
        with pytest.raises(ConfigError, match=message) as error:
            measure_model("bad", path, teacher, models.x, labels, NAMES, CONFIG)
        assert "\n" not in str(error.value)


def test_class_names_must_fit_the_model(models: Any, write: Any) -> None:
    teacher = write("teacher.tflite", models.float32)
    labels = models.keras_scores.argmax(axis=1)

    with pytest.raises(ConfigError, match="5 classes"):
        measure_model("small", teacher, teacher, models.x, labels, (*NAMES, "more"), CONFIG)
