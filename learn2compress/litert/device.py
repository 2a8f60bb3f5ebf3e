"""Times a `.tflite` file on a phone, with LiteRT's `benchmark_model` binary over adb.

The binary's options and what it prints are documented at
https://ai.google.dev/edge/litert/models/measurement; lines of older binaries
lack the prefix "INFO:" and the percentiles.
"""

from __future__ import annotations

import math
import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

from learn2compress.config import DeviceConfig, EvaluateConfig
from learn2compress.config.parsing import ConfigError, clipped
from learn2compress.litert.latency import WARM_UPS
from learn2compress.results.measurements import DeviceLatency

ADB = "adb"
TIMEOUT_S = 600.0
REMOTE_FOLDER = "/data/local/tmp/learn2compress"
_REMOTE_MODEL = f"{REMOTE_FOLDER}/model.tflite"
_REMOTE_BINARY = f"{REMOTE_FOLDER}/benchmark_model"

_NUMBER = r"(\d+(?:\.\d*)?(?:e[+-]?\d+)?)"
_SUMMARY = re.compile(
    rf"Inference timings in us: Init: {_NUMBER}, First inference: {_NUMBER}, "
    rf"Warmup \(avg\): {_NUMBER}, Inference \(avg\): {_NUMBER}"
)
_RUNS = re.compile(rf"\bcount=(\d+) .*?\bavg={_NUMBER}(?:.*?\bp5={_NUMBER} median={_NUMBER} p95={_NUMBER})?")
_DEVICE = re.compile(r"^(\S+)\t(\S+)", re.MULTILINE)
_READY = "device"
_MOST_DIGITS = 9
_MEMORY = re.compile(rf"Memory footprint delta from the start of the tool \(MB\): init={_NUMBER} overall={_NUMBER}")


def measure_on_device(
    model_path: str | Path,
    device: DeviceConfig,
    config: EvaluateConfig,
    timeout_s: float = TIMEOUT_S,
    field: str = "evaluate.device",
) -> DeviceLatency:
    """Pushes binary and model to the device, runs them, and reads what is printed.

    Args:
      model_path: The `.tflite` file.
      device: Which device, and the binary for it.
      config: Threads and number of inferences.
      timeout_s: When to give up, for each command.
      field: Where a person named the device.

    Returns:
      What the binary said.

    Raises:
      ConfigError: adb, the device or the binary is not there, or the binary fails; in one line.
    """
    if not os.path.isfile(device.benchmark_model):
        raise ConfigError(
            f"{field}: found no file {device.benchmark_model}, accepted as benchmark_model is the binary built for the "
            "device"
        )
    commands = benchmark_commands(Path(model_path), device, config)
    *_, name, benchmark = [_run(command, device.adb_serial, timeout_s, field) for command in commands]
    printed = benchmark.stdout + benchmark.stderr
    return parse_benchmark(printed, name.stdout.strip() or device.adb_serial, config.num_threads, field)


def find_device(serial: str | None, field: str) -> str:
    """Finds the device to measure on.

    Args:
      serial: As `adb devices` names it; `None` for the only one that is ready.
      field: Where a person named it.

    Returns:
      Its serial.

    Raises:
      ConfigError: adb is not there, or there is not one such device that is ready.
    """
    listed = dict(_DEVICE.findall(_run([ADB, "devices"], "", TIMEOUT_S, field).stdout))
    ready = [name for name, state in listed.items() if state == _READY]
    if serial in ready or (serial is None and len(ready) == 1):
        return serial or ready[0]
    if serial is None and len(ready) > 1:
        raise ConfigError(f"{field}: found {len(ready)} devices, accepted is the serial of one: {', '.join(ready)}")
    found = ", ".join(f"{name} ({state})" for name, state in listed.items()) or "none"
    wanted = "device" if serial is None else repr(serial)
    raise ConfigError(
        f"{field}: found no {wanted} that is ready, adb lists {found}; connect it, switch USB debugging on and allow "
        "this computer on its screen"
    )


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


def parse_benchmark(printed: str, device: str, num_threads: int, field: str = "evaluate.device") -> DeviceLatency:
    """Reads what `benchmark_model` prints.

    Args:
      printed: Its standard output and error.
      device: The device's name.
      num_threads: Threads that it was asked to use.
      field: Where a person named the device.

    Returns:
      Times in milliseconds.

    Raises:
      ConfigError: there are no times in it, or some that can't be.
    """
    summary, runs, memory = _SUMMARY.search(printed), _RUNS.findall(printed), _MEMORY.search(printed)
    if summary is None or not runs:
        last = (printed.strip().splitlines() or ["nothing"])[-1][:200]
        raise ConfigError(f"{field}: found no times in what benchmark_model printed, but {last!r}")
    count, _, *percentiles = runs[-1]  # the first line is that of the warm-up
    numbers = [*summary.groups(), *(text for text in percentiles if text), *(memory.groups() if memory else ())]
    wrong = [text for text in numbers if not math.isfinite(float(text))]
    wrong += ["Inference (avg): 0"] if float(summary[4]) == 0 else []
    wrong += [] if len(count) <= _MOST_DIGITS and int(count) > 0 else [f"count={count}"]
    if wrong:
        raise ConfigError(
            f"{field}: found {clipped(wrong[0])!r} in what benchmark_model printed, accepted are times and a number of "
            "runs that can be: see that it is LiteRT's binary for the device"
        )
    load_us, first_us, _, mean_us = map(float, summary.groups())
    p5_ms, median_ms, p95_ms = (float(text) / 1e3 if text else None for text in percentiles)
    return DeviceLatency(
        device=device,
        num_threads=num_threads,
        num_runs=int(count),
        load_ms=load_us / 1e3,
        first_ms=first_us / 1e3,
        mean_ms=mean_us / 1e3,
        median_ms=median_ms,
        memory_bytes=round(float(memory[2]) * 2**20) if memory else None,
        p5_ms=p5_ms,
        p95_ms=p95_ms,
    )


def _run(command: Sequence[str], serial: str, timeout_s: float, field: str) -> subprocess.CompletedProcess[str]:
    what = " ".join(command[3:5] if serial else command[1:])
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=timeout_s, stdin=subprocess.DEVNULL
        )
    except FileNotFoundError:
        raise ConfigError(f"{field}: there is no {ADB} on the PATH; install Android's platform tools") from None
    except OSError as error:
        raise ConfigError(
            f"{field}: {ADB} can't be started: {error.strerror or error}; see that the {ADB} on the PATH is Android's, "
            "and may be executed"
        ) from None
    except subprocess.TimeoutExpired:
        raise ConfigError(f"{field}: {what!r} did not end on {serial or 'adb'} in {timeout_s:g} s") from None
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()[-1][:200]
        where = f" on {serial!r}" if serial else ""
        raise ConfigError(f"{field}: {what!r} fails{where} ({said}); see that `adb devices` lists the device as ready")
    return done
