"""Latency, cold start and peak memory of a `.tflite` file, measured in processes of its own.

Machines are noisy, drift and are busy with other things, so a candidate and the
teacher run in the same rounds, taking turns, and the claim is a ratio; see
`learn2compress.litert.latency_figures`.
"""

from __future__ import annotations

import json
import math
import platform
import signal
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from learn2compress.config import EvaluateConfig
from learn2compress.litert.flatbuffer import ModelFileError
from learn2compress.litert.latency_figures import Rounds, summarize, thread_latency
from learn2compress.litert.machine_load import combined_load
from learn2compress.litert.matrix_tiles import has_matrix_tiles
from learn2compress.results.latency import Latency, MachineLoad, ThreadLatency
from learn2compress.results.measurements import ColdStart

WARM_UPS = 10
_FEWEST_ROUNDS = 3
_LEAST_S = 0.5  # for small files, more rounds than were asked for; of all processes together
_PROCESSES = 3
_COLD_PROCESSES = 3
TIMEOUT_S = 1800.0


def measure_latency(
    model_path: str | Path, teacher_path: str | Path, config: EvaluateConfig, timeout_s: float = TIMEOUT_S
) -> Latency:
    """Times one inference of one example, interleaved with the teacher.

    Args:
      model_path: The `.tflite` file to time.
      teacher_path: The teacher's; the same file times the teacher alone, with ratio 1.
      config: Rounds, runs in a round, and threads.
      timeout_s: When to give up.

    Returns:
      The latency, by the thread's processor time with one thread, else by the wall clock.

    Raises:
      ModelFileError: one of the files can't be loaded or run, or time is up.
    """
    is_teacher = Path(model_path).resolve() == Path(teacher_path).resolve()
    models = [str(model_path)] if is_teacher else [str(model_path), str(teacher_path)]
    num_threads = [config.num_threads] * len(models)
    num_rounds = max(_FEWEST_ROUNDS, math.ceil(config.latency_rounds / _PROCESSES))
    found = [_measure_rounds(models, num_threads, num_rounds, config, timeout_s) for _ in range(_PROCESSES)]
    rounds, loads = [of_process for of_process, _ in found], [load for _, load in found]
    return summarize(
        [of_process[0] for of_process in rounds],
        [of_process[-1] for of_process in rounds],
        config.num_threads,
        timed_processor(),
        combined_load(loads),
    )


def measure_thread_latencies(
    model_path: str | Path, config: EvaluateConfig, latency: Latency, timeout_s: float = TIMEOUT_S
) -> tuple[ThreadLatency, ...]:
    """Times one inference of one example with each of `config.threads`, taking turns.

    Args:
      model_path: The `.tflite` file to time.
      config: Numbers of threads, rounds, and runs in a round.
      latency: What was measured with `config.num_threads`: that number is not measured
        again, and the others are times of it, so that a file has one latency.
      timeout_s: When to give up.

    Returns:
      One entry for each of `config.threads`, in their order.

    Raises:
      ModelFileError: the file can't be loaded or run, or time is up.
    """
    known = ThreadLatency(config.num_threads, latency.median_ms, latency.p90_ms, latency.fastest_ms, latency.load)
    others = [number for number in config.threads if number != config.num_threads]
    found = {config.num_threads: known}
    if others:
        num_threads = [config.num_threads, *others]
        num_rounds = max(_FEWEST_ROUNDS, config.latency_rounds // 3)
        (base, *rounds), load = _measure_rounds(
            [str(model_path)] * len(num_threads), num_threads, num_rounds, config, timeout_s
        )
        found |= {
            number: thread_latency(number, of_number, base, latency.time_ms, load)
            for number, of_number in zip(others, rounds, strict=True)
        }
    return tuple(found[number] for number in config.threads)


def measure_start(
    model_path: str | Path, num_threads: int, timeout_s: float = TIMEOUT_S
) -> tuple[ColdStart, int | None]:
    """Loads and runs a file in a few clean processes, one after the other.

    Args:
      model_path: The `.tflite` file.
      num_threads: Interpreter threads.
      timeout_s: When to give up, for each process.

    Returns:
      The cold start, and the bytes that loading and running add to a clean process
      at its peak (Linux: VmHWM less VmRSS before), the largest found; `None` on other systems.

    Raises:
      ModelFileError: the file can't be loaded or run, or time is up.
    """
    request = {"task": "start", "model": str(model_path), "num_threads": num_threads}
    starts = [run_worker(request, str(model_path), timeout_s) for _ in range(_COLD_PROCESSES)]
    load_ms, first_ms = (statistics.median(start[name] for start in starts) for name in ("load_ms", "first_ms"))
    peaks = [start["peak_bytes"] for start in starts]
    return ColdStart(load_ms, first_ms, len(starts)), None if None in peaks else max(map(int, peaks))


def _measure_rounds(
    models: list[str], num_threads: list[int], num_rounds: int, config: EvaluateConfig, timeout_s: float
) -> tuple[list[Rounds], MachineLoad]:
    request = {
        "task": "latency",
        "models": models,
        "rounds": num_rounds,
        "runs": config.latency_runs,
        "warm_ups": WARM_UPS,
        "num_threads": num_threads,
        "least_s": _LEAST_S / _PROCESSES,
    }
    answer = run_worker(request, " and ".join(dict.fromkeys(models)), timeout_s)
    lists = (answer[name] for name in ("times_ms", "fastest_ms", "cpu_times_ms", "cpu_fastest_ms"))
    return [Rounds(*of_model) for of_model in zip(*lists, strict=True)], MachineLoad(**answer["load"])


def processor_name() -> str:
    """Returns the machine's processor, in its own words."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
            field, _, value = line.partition(":")
            if field.strip() in ("model name", "Hardware", "cpu model") and value.strip():
                return value.strip()
    return platform.processor() or platform.machine()


def timed_processor() -> str:
    """Returns the machine's processor as the worker uses it."""
    return processor_name() + (" without AMX" if has_matrix_tiles() else "")


def run_worker(request: dict[str, Any], what: str, timeout_s: float) -> dict[str, Any]:
    """Sends one request to a fresh `learn2compress.litert.worker`.

    Args:
      request: See there.
      what: The files, for error messages.
      timeout_s: When to end it.

    Raises:
      ModelFileError: it failed, was ended by a signal, or time is up.
    """
    command = [sys.executable, "-P", "-m", "learn2compress.litert.worker"]  # -P: nothing from the working folder
    try:
        done = subprocess.run(
            command, input=json.dumps(request), capture_output=True, text=True, errors="replace", timeout=timeout_s
        )
    except subprocess.TimeoutExpired:
        raise ModelFileError(f"{what}: the measurement did not end in {timeout_s:g} s") from None
    lines = done.stdout.strip().splitlines()
    if done.returncode != 0 or not lines:
        raise ModelFileError(f"{what}: ended the interpreter's process: {_ending(done.returncode, done.stderr)}")
    answer: dict[str, Any] = json.loads(lines[-1])  # the last line: libraries may print before it
    if "error" in answer:
        raise ModelFileError(f"{what}: does not run: {answer['error']}")
    return answer


def _ending(returncode: int, stderr: str) -> str:
    last = stderr.strip().splitlines()[-1:] or ["no message"]
    if returncode < 0:
        return f"{signal.Signals(-returncode).name} ({last[0]})"
    return f"exit status {returncode} ({last[0]})"
