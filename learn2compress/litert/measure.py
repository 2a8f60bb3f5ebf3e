"""Measures one `.tflite` file as it will ship: everything a `ModelReport` holds."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from learn2compress import progress
from learn2compress.config import EvaluateConfig
from learn2compress.litert.accuracy import accuracy_of, agreement
from learn2compress.litert.flatbuffer import ModelFileError, read_file
from learn2compress.litert.interpreter import PIXEL_SCALE, predict
from learn2compress.litert.latency import measure_latency, measure_peak_memory
from learn2compress.litert.operators import model_cost
from learn2compress.results import ModelReport

_NUM_STEPS = 4


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
    """Measures a file on the held-out split.

    The file first runs in a worker process, so that one that ends its process
    never ends the caller's.

    Args:
      name: The student's name, or "teacher".
      model_path: The `.tflite` file.
      teacher_path: The teacher's, timed in the same rounds; `model_path` for the teacher itself.
      x: uint8 [n, *input shape], the held-out examples.
      labels: [n], class indices.
      class_names: Names in index order.
      config: How to measure.
      keras_scores: [n, num_classes], scores of the float Keras model the file came from.
      input_scale: What one step of a byte is worth to a float input; see `predict`.

    Raises:
      ModelFileError: a file can't be read or run.
      ConfigError: its scores don't fit the labels.
    """
    work = f"measure {name}"
    model_bytes = read_file(model_path)
    try:
        cost = model_cost(model_bytes)
    except ModelFileError as error:
        raise ModelFileError(f"{model_path}: {error}") from None
    progress.report(work, 0, _NUM_STEPS, "memory")
    peak_memory_bytes = measure_peak_memory(model_path)
    progress.report(work, 1, _NUM_STEPS, "latency")
    latency = measure_latency(model_path, teacher_path, config)
    progress.report(work, 2, _NUM_STEPS, "accuracy")
    scores = predict(model_bytes, x, input_scale)
    accuracy = accuracy_of(scores, labels, class_names, config.top_k)
    progress.report(work, 3, _NUM_STEPS, "download size")
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
        keras_top_1=None if keras_scores is None else float((keras_scores.argmax(axis=1) == labels).mean()),
        keras_agreement=None if keras_scores is None else agreement(scores, keras_scores),
    )
    progress.report(work, _NUM_STEPS, _NUM_STEPS, f"top-1 {accuracy.top_1:.4f}")
    return report


def download_bytes(model_bytes: bytes) -> int:
    """Size after gzip at its best level, as an app store sends it."""
    return len(gzip.compress(model_bytes, compresslevel=9, mtime=0))
