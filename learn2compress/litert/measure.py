"""Measures one `.tflite` file as it will ship: everything a `ModelReport` holds."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from learn2compress import progress
from learn2compress.config import EvaluateConfig
from learn2compress.litert.accuracy import (
    accuracy_of,
    calibration_of,
    corruption_accuracies,
    paired_drop,
    slice_accuracies,
)
from learn2compress.litert.arithmetic import operator_uses, operator_work
from learn2compress.litert.border_details import border_details
from learn2compress.litert.device import measure_on_device
from learn2compress.litert.energy import estimate_energy
from learn2compress.litert.flatbuffer import ModelFileError, read_file
from learn2compress.litert.interpreter import PIXEL_SCALE, Scorer
from learn2compress.litert.latency import measure_latency, measure_start, measure_thread_latencies
from learn2compress.litert.machine_load import num_cores
from learn2compress.litert.operators import ModelCost, model_cost
from learn2compress.litert.predictions import HeldOutBatch, Predictions, PredictionSettings, predict_examples
from learn2compress.results.measurements import LayerBytes
from learn2compress.results.reports import ModelReport

MAX_LAYERS = 20
_NUM_STEPS = 4
_BATCH = 1024


def measure_file(
    name: str,
    model_path: str | Path,
    teacher_path: str | Path,
    class_names: Sequence[str],
    config: EvaluateConfig,
    predict: Callable[[], Predictions],
    teacher_correct: npt.NDArray[np.bool_] | None = None,
) -> tuple[ModelReport, Predictions]:
    """Measures a file, and counts the predictions that it gives.

    The file first runs in worker processes, so that one that ends its process
    never ends the caller's.

    Args:
      name: The student's name, or "teacher".
      model_path: The `.tflite` file.
      teacher_path: The teacher's, timed in the same rounds; `model_path` for the teacher itself.
      class_names: Names in index order.
      config: How to measure.
      predict: Runs the file on the held-out split.
      teacher_correct: bool [n], whether the teacher is right, in the order of the predictions.

    Raises:
      ModelFileError: a file can't be read or run.
      ConfigError: its scores don't fit the labels, or a device that was asked for is not there.
    """
    work = f"measure {name}"
    model_bytes = read_file(model_path)
    try:
        cost, operators = model_cost(model_bytes), operator_work(model_bytes)
        input_tensor, output_tensor = border_details(model_bytes)
    except ModelFileError as error:
        raise ModelFileError(f"{model_path}: {error}") from None
    progress.report(work, 0, _NUM_STEPS, "start and memory")
    cold_start, peak_memory_bytes = measure_start(model_path, config.num_threads)
    progress.report(work, 1, _NUM_STEPS, "latency")
    latency = measure_latency(model_path, teacher_path, config)
    thread_latencies = measure_thread_latencies(model_path, config, latency)
    device_latency = None if config.device is None else measure_on_device(model_path, config.device, config)
    progress.report(work, 2, _NUM_STEPS, "accuracy")
    predictions = predict()
    accuracy = accuracy_of(predictions, class_names, config.top_k)
    progress.report(work, 3, _NUM_STEPS, "download size")
    compares = predictions.reference.size > 0
    report = ModelReport(
        name=name,
        model_sha256=hashlib.sha256(model_bytes).hexdigest(),
        model_bytes=len(model_bytes),
        download_bytes=download_bytes(model_bytes),
        num_parameters=cost.num_parameters,
        num_nonzero_parameters=cost.num_nonzero_parameters,
        macs=cost.macs,
        operators=cost.operators,
        input_dtype=cost.input_dtype,
        output_dtype=cost.output_dtype,
        accuracy=accuracy,
        latency=latency,
        peak_memory_bytes=peak_memory_bytes,
        keras_top_1=float((predictions.reference == predictions.labels).mean()) if compares else None,
        keras_agreement=float((predictions.reference == predictions.predicted).mean()) if compares else None,
        paired_drop=None if teacher_correct is None else paired_drop(teacher_correct, predictions.correct),
        calibration=calibration_of(predictions),
        slices=slice_accuracies(predictions),
        corruptions=corruption_accuracies(predictions, config.corruptions),
        thread_latencies=thread_latencies,
        num_cores=num_cores(),
        cold_start=cold_start,
        layers=_largest_layers(cost),
        weight_bytes=cost.weight_bytes,
        operator_uses=operator_uses(operators),
        energy=estimate_energy(operators, cost.weight_bytes),
        device_latency=device_latency,
        input_tensor=input_tensor,
        output_tensor=output_tensor,
    )
    progress.report(work, _NUM_STEPS, _NUM_STEPS, f"top-1 {accuracy.top_1:.4f}")
    return report, predictions


def measure_model(
    name: str,
    model_path: str | Path,
    teacher_path: str | Path,
    x: npt.NDArray[np.uint8],
    labels: npt.NDArray[np.integer[Any]],
    class_names: Sequence[str],
    config: EvaluateConfig,
    keras_scores: npt.NDArray[np.floating[Any]] | None = None,
    input_scale: float = PIXEL_SCALE,
) -> ModelReport:
    """Measures a file on examples that are in memory; see `measure_file`.

    Example:
      >>> from pathlib import Path
      >>> import keras
      >>> import numpy as np
      >>> from learn2compress.config import EvaluateConfig
      >>> from learn2compress.litert.measure import measure_model
      >>> from learn2compress.quantization.convert import to_float_litert
      >>> one_logit_a_pixel = keras.layers.Dense(4, kernel_initializer="identity")
      >>> student = keras.Sequential([keras.Input((2, 2, 1)), keras.layers.Flatten(), one_logit_a_pixel])
      >>> _ = Path("small.tflite").write_bytes(to_float_litert(student).pack())
      >>> images = (255 * np.eye(4)).astype(np.uint8).reshape(4, 2, 2, 1)  # one bright pixel each: the class
      >>> config = EvaluateConfig(latency_rounds=3, threads=())
      >>> names = ("top left", "top right", "bottom left", "bottom right")
      >>> report = measure_model("small", "small.tflite", "small.tflite", images, np.arange(4), names, config)
      >>> report.accuracy.top_1, report.macs, report.num_parameters
      (1.0, 16, 16)
      >>> report.latency.teacher_ratio  # timed beside itself
      1.0

    Args:
      name: The student's name, or "teacher".
      model_path: The `.tflite` file.
      teacher_path: The teacher's, timed in the same rounds; `model_path` for the teacher itself.
      x: uint8 [n, *input shape], the held-out examples.
      labels: [n], class indices.
      class_names: Names in index order.
      config: How to measure; examples in memory have no sources to slice by.
      keras_scores: [n, num_classes], scores of the float Keras model the file came from.
      input_scale: What one step of a byte is worth to a float input; see `Scorer`.

    Raises:
      ModelFileError: a file can't be read or run.
      ConfigError: its scores don't fit the labels.
    """
    settings = PredictionSettings.of(config, len(class_names), input_scale)

    def predict() -> Predictions:
        scorer = Scorer(read_file(model_path), x.shape[1:], input_scale)
        predictions = predict_examples(scorer, _batches(x, labels), len(x), settings)
        if keras_scores is None:
            return predictions
        return dataclasses.replace(predictions, reference=keras_scores.argmax(axis=1))

    return measure_file(name, model_path, teacher_path, class_names, config, predict)[0]


def download_bytes(model_bytes: bytes) -> int:
    """Returns the size after gzip at its best level, as an app store sends it."""
    return len(gzip.compress(model_bytes, compresslevel=9, mtime=0))


def _batches(x: npt.NDArray[np.uint8], labels: npt.NDArray[np.integer[Any]]) -> Iterator[HeldOutBatch]:
    for start in range(0, len(x), _BATCH):
        rows = x[start : start + _BATCH]
        digests = [hashlib.sha256(row.tobytes()).hexdigest() for row in rows]
        yield rows, labels[start : start + _BATCH], [""] * len(rows), digests


def _largest_layers(cost: ModelCost) -> tuple[LayerBytes, ...]:
    holding = [layer for layer in cost.layers if layer.weight_bytes]
    largest = sorted(holding, key=lambda layer: (-layer.weight_bytes, layer.name))[:MAX_LAYERS]
    return tuple(LayerBytes(layer.name, layer.operator, layer.weight_bytes, layer.macs) for layer in largest)
