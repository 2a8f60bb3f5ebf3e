"""Latency, cold start and peak memory of a `.tflite` file, measured in processes of its own.

Machines are noisy and drift, so a candidate and the teacher run in the same
rounds, taking turns, and the claim is the ratio within a round. The interval of
its median is distribution-free: order statistics by the binomial distribution
(e.g. Conover, Practical Nonparametric Statistics, 3rd ed., section 3.2).
"""

from __future__ import annotations

import json
import os
import platform
import signal
import statistics
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from learn2compress.config import EvaluateConfig
from learn2compress.litert.flatbuffer import ModelFileError
from learn2compress.litert.matrix_tiles import has_matrix_tiles
from learn2compress.results.measurements import ColdStart, ThreadLatency
from learn2compress.results.reports import Latency

WARM_UPS = 10
_FEWEST_ROUNDS = 3
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

    Raises:
      ModelFileError: one of the files can't be loaded or run, or time is up.
    """
    is_teacher = Path(model_path).resolve() == Path(teacher_path).resolve()
    models = [str(model_path)] if is_teacher else [str(model_path), str(teacher_path)]
    request = {
        "task": "latency",
        "models": models,
        "rounds": config.latency_rounds,
        "runs": config.latency_runs,
        "warm_ups": WARM_UPS,
        "num_threads": [config.num_threads] * len(models),
    }
    times_ms = run_worker(request, " and ".join(models), timeout_s)["times_ms"]
    return summarize(times_ms[0], times_ms[-1], config.num_threads, timed_processor())


def measure_thread_latencies(
    model_path: str | Path, config: EvaluateConfig, timeout_s: float = TIMEOUT_S
) -> tuple[ThreadLatency, ...]:
    """Times one inference of one example with each of `config.threads`, taking turns.

    Raises:
      ModelFileError: the file can't be loaded or run, or time is up.
    """
    if not config.threads:
        return ()
    request = {
        "task": "latency",
        "models": [str(model_path)] * len(config.threads),
        "rounds": max(_FEWEST_ROUNDS, config.latency_rounds // 3),
        "runs": config.latency_runs,
        "warm_ups": WARM_UPS,
        "num_threads": list(config.threads),
    }
    times_ms = run_worker(request, str(model_path), timeout_s)["times_ms"]
    return tuple(
        ThreadLatency(number, statistics.median(rounds), float(np.quantile(rounds, 0.9)))
        for number, rounds in zip(config.threads, times_ms, strict=True)
    )


def measure_start(model_path: str | Path, num_threads: int, timeout_s: float = TIMEOUT_S) -> tuple[ColdStart, int]:
    """Loads and runs a file in a few clean processes, one after the other.

    Returns:
      The cold start, and the bytes that loading and running add to a clean process
      at its peak (Linux: VmHWM less VmRSS before), the largest found.

    Raises:
      ModelFileError: the file can't be loaded or run, or time is up.
    """
    request = {"task": "start", "model": str(model_path), "num_threads": num_threads}
    starts = [run_worker(request, str(model_path), timeout_s) for _ in range(_COLD_PROCESSES)]
    load_ms, first_ms = (statistics.median(start[name] for start in starts) for name in ("load_ms", "first_ms"))
    return ColdStart(load_ms, first_ms, len(starts)), max(int(start["peak_bytes"]) for start in starts)


def summarize(model_ms: Sequence[float], teacher_ms: Sequence[float], num_threads: int, processor: str) -> Latency:
    """Figures of a measurement.

    Args:
      model_ms: Mean time of an inference in each round.
      teacher_ms: The teacher's, in the same rounds.
      num_threads: Interpreter threads.
      processor: The machine's processor.
    """
    ratios = [model / teacher for model, teacher in zip(model_ms, teacher_ms, strict=True)]
    low, high = median_interval(ratios)
    return Latency(
        median_ms=statistics.median(model_ms),
        p90_ms=float(np.quantile(model_ms, 0.9)),
        min_ms=min(model_ms),
        teacher_ratio=statistics.median(ratios),
        teacher_ratio_low=low,
        teacher_ratio_high=high,
        num_threads=num_threads,
        processor=processor,
    )


def median_interval(values: Sequence[float]) -> tuple[float, float]:
    """Interval that holds the median of what `values` were drawn from with probability 0.95 at least.

    From the r-th smallest to the r-th largest value, r the largest for which the
    binomial probability of r - 1 or fewer of n values on one side is at most
    0.025. Fewer than 6 values can't reach 0.95: then it is their whole range.
    """
    ordered, n = sorted(values), len(values)
    rank, ways, tail = 0, 1, 1  # whole numbers, as 2**n overflows a float
    while 40 * tail <= 2**n:
        rank += 1
        ways = ways * (n - rank + 1) // rank  # n choose rank
        tail += ways
    rank = max(rank, 1)
    return ordered[rank - 1], ordered[n - rank]


def num_cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def processor_name() -> str:
    """The machine's processor, in its own words."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
            field, _, value = line.partition(":")
            if field.strip() in ("model name", "Hardware", "cpu model") and value.strip():
                return value.strip()
    return platform.processor() or platform.machine()


def timed_processor() -> str:
    """The machine's processor as the worker uses it."""
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
