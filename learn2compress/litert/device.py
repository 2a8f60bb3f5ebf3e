"""Times a `.tflite` file on a phone, with LiteRT's `benchmark_model` binary over adb.

The binary's options and what it prints are documented at
https://ai.google.dev/edge/litert/models/measurement; lines of older binaries
lack the prefix "INFO:" and the percentiles.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

from learn2compress.config import DeviceConfig, EvaluateConfig
from learn2compress.config.parsing import ConfigError
from learn2compress.litert.latency import WARM_UPS
from learn2compress.results.measurements import DeviceLatency

ADB = "adb"
TIMEOUT_S = 600.0
REMOTE_FOLDER = "/data/local/tmp/learn2compress"
_REMOTE_MODEL = f"{REMOTE_FOLDER}/model.tflite"
_REMOTE_BINARY = f"{REMOTE_FOLDER}/benchmark_model"

_NUMBER = r"([\d.]+(?:e[+-]?\d+)?)"
_SUMMARY = re.compile(
    rf"Inference timings in us: Init: {_NUMBER}, First inference: {_NUMBER}, "
    rf"Warmup \(avg\): {_NUMBER}, Inference \(avg\): {_NUMBER}"
)
_RUNS = re.compile(rf"\bcount=(\d+) .*?\bavg={_NUMBER}(?:.*?\bmedian={_NUMBER})?")
_MEMORY = re.compile(rf"Memory footprint delta from the start of the tool \(MB\): init={_NUMBER} overall={_NUMBER}")


def measure_on_device(
    model_path: str | Path, device: DeviceConfig, config: EvaluateConfig, timeout_s: float = TIMEOUT_S
) -> DeviceLatency:
    """Pushes binary and model to the device, runs them, and reads what is printed.

    Args:
      model_path: The `.tflite` file.
      device: Which device, and the binary for it.
      config: Threads and number of inferences.
      timeout_s: When to give up, for each command.

    Raises:
      ConfigError: adb, the device or the binary is not there, or the binary fails; in one line.
    """
    if not Path(device.benchmark_model).is_file():
        raise ConfigError(
            f"evaluate.device.benchmark_model: found no file {device.benchmark_model}, accepted is the benchmark_model "
            "binary built for the device"
        )
    commands = benchmark_commands(Path(model_path), device, config)
    *_, name, benchmark = [_run(command, device, timeout_s) for command in commands]
    printed = benchmark.stdout + benchmark.stderr
    return parse_benchmark(printed, name.stdout.strip() or device.adb_serial, config.num_threads)


def benchmark_commands(model_path: Path, device: DeviceConfig, config: EvaluateConfig) -> list[list[str]]:
    """Returns the command lines that measure a file, in order.

    Args:
      model_path: The `.tflite` file.
      device: Which device, and the binary for it.
      config: Threads and number of inferences.

    Returns:
      Lists of arguments; the last but one prints the device's name, the last the times.
    """
    adb = [ADB, "-s", device.adb_serial]
    options = {
        "graph": _REMOTE_MODEL,
        "num_threads": config.num_threads,
        "warmup_runs": WARM_UPS,
        "num_runs": config.latency_rounds * config.latency_runs,
    }
    return [
        [*adb, "get-state"],
        [*adb, "shell", "mkdir", "-p", REMOTE_FOLDER],
        [*adb, "push", device.benchmark_model, _REMOTE_BINARY],
        [*adb, "shell", "chmod", "755", _REMOTE_BINARY],
        [*adb, "push", str(model_path), _REMOTE_MODEL],
        [*adb, "shell", "getprop", "ro.product.model"],
        [*adb, "shell", _REMOTE_BINARY, *(f"--{option}={value}" for option, value in options.items())],
    ]


def parse_benchmark(printed: str, device: str, num_threads: int) -> DeviceLatency:
    """Reads what `benchmark_model` prints.

    Args:
      printed: Its standard output and error.
      device: The device's name.
      num_threads: Threads that it was asked to use.

    Raises:
      ConfigError: there are no times in it.
    """
    summary, runs, memory = _SUMMARY.search(printed), _RUNS.findall(printed), _MEMORY.search(printed)
    if summary is None or not runs:
        last = (printed.strip().splitlines() or ["nothing"])[-1][:200]
        raise ConfigError(f"evaluate.device: found no times in what benchmark_model printed, but {last!r}")
    load_us, first_us, _, mean_us = map(float, summary.groups())
    count, _, median_us = runs[-1]  # the first line is that of the warm-up
    return DeviceLatency(
        device=device,
        num_threads=num_threads,
        num_runs=int(count),
        load_ms=load_us / 1e3,
        first_ms=first_us / 1e3,
        mean_ms=mean_us / 1e3,
        median_ms=float(median_us) / 1e3 if median_us else None,
        memory_bytes=round(float(memory[2]) * 2**20) if memory else None,
    )


def _run(command: Sequence[str], device: DeviceConfig, timeout_s: float) -> subprocess.CompletedProcess[str]:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=timeout_s, stdin=subprocess.DEVNULL
        )
    except FileNotFoundError:
        raise ConfigError(f"evaluate.device: there is no {ADB} on the PATH; install Android's platform tools") from None
    except subprocess.TimeoutExpired:
        raise ConfigError(
            f"evaluate.device: {' '.join(command[3:5])!r} did not end on {device.adb_serial} in {timeout_s:g} s"
        ) from None
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()[-1][:200]
        raise ConfigError(
            f"evaluate.device: {' '.join(command[3:5])!r} fails on {device.adb_serial!r} ({said}); see that `adb "
            "devices` lists the device as ready"
        )
    return done
