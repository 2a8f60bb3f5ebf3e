"""Times one `.tflite` file apart from any run: on this machine, or on a phone."""

from __future__ import annotations

import hashlib
from pathlib import Path

from learn2compress.config import DeviceConfig, EvaluateConfig
from learn2compress.litert.device import measure_on_device
from learn2compress.litert.flatbuffer import ModelFileError, read_file
from learn2compress.litert.latency import measure_latency, measure_start
from learn2compress.litert.operators import model_cost
from learn2compress.results.benchmark import FileBenchmark


def benchmark_file(path: Path, config: EvaluateConfig, device: DeviceConfig | None, field: str) -> FileBenchmark:
    """Times a file on a device, or on this machine.

    Args:
      path: The `.tflite` file.
      config: Threads, rounds and inferences in a round.
      device: The phone and the binary for it; `None` for this machine.
      field: Where a person named the device.

    Returns:
      What was measured.

    Raises:
      ModelFileError: the file can't be read or run.
      ConfigError: adb, the device or the binary is not there, or the binary fails.
    """
    content = read_file(path)
    try:
        model_cost(content)
    except ModelFileError as error:
        raise ModelFileError(f"{path}: {error}") from None
    digest = hashlib.sha256(content).hexdigest()
    if device is not None:
        measured = measure_on_device(path, device, config, field=field)
        return FileBenchmark(path.name, digest, len(content), device_latency=measured)
    cold_start, _ = measure_start(path, config.num_threads)
    return FileBenchmark(path.name, digest, len(content), measure_latency(path, path, config), cold_start)
