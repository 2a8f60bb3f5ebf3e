"""The process in which a `.tflite` file is timed and weighed.

`python -m learn2compress.litert.worker` reads one JSON request from stdin and
writes one line of JSON to stdout. It is a process of its own because a damaged
file may end it, because memory is only measurable in a clean one, and because
nothing else should share its time. It imports no TensorFlow, and computes with
nothing that no phone has (`learn2compress.litert.matrix_tiles`).

Requests: `{"task": "latency", "models": [path, ...], "rounds": 30, "runs": 10,
"warm_ups": 10, "num_threads": [1, ...]}` answers `{"times_ms": [[...], ...]}`, one
list for each model with the mean time of an inference in each round;
`{"task": "start", "model": path, "num_threads": 1}` answers `{"peak_bytes": n,
"load_ms": x, "first_ms": y}`.
"""

from __future__ import annotations

import contextlib
import gc
import json
import re
import resource
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from learn2compress.litert.matrix_tiles import forbid_matrix_tiles


class _Model:
    """One interpreter, ready to run on inputs drawn once."""

    def __init__(self, path: str, num_threads: int) -> None:
        self.interpreter = Interpreter(model_path=path, num_threads=num_threads)
        self.interpreter.allocate_tensors()
        loaded = time.perf_counter_ns()
        random = np.random.default_rng(0)
        self.inputs = [(d["index"], _example(random, d)) for d in self.interpreter.get_input_details()]
        self.inputs_ms = (time.perf_counter_ns() - loaded) / 1e6

    def run_ms(self) -> float:
        """Time of one inference. Setting the input is not timed, but repeated: the arena may have reused its memory."""
        for index, value in self.inputs:
            self.interpreter.set_tensor(index, value)
        start = time.perf_counter_ns()
        self.interpreter.invoke()
        return (time.perf_counter_ns() - start) / 1e6


def _example(random: np.random.Generator, detail: dict[str, Any]) -> Any:
    dtype, shape = np.dtype(detail["dtype"]), detail["shape"]
    if dtype.kind == "f":
        return random.random(shape).astype(dtype)
    if dtype in (np.uint8, np.int8):
        return random.integers(np.iinfo(dtype).min, np.iinfo(dtype).max, shape, dtype, endpoint=True)
    if dtype.kind not in "iu":
        raise ValueError(f"input {detail['name']!r}: found {dtype}, accepted are numbers")
    return np.zeros(shape, dtype)  # wider integers are indices, and 0 is always one


def measure_times(
    models: list[str], num_threads: list[int], rounds: int, runs: int, warm_ups: int
) -> list[list[float]]:
    """Mean time of one inference in ms, by model and round; models take turns, in alternating order."""
    loaded = [_Model(path, number) for path, number in zip(models, num_threads, strict=True)]
    for model in loaded:
        for _ in range(warm_ups):
            model.run_ms()
    times: list[list[float]] = [[] for _ in loaded]
    gc.disable()
    for number in range(rounds):
        order = range(len(loaded)) if number % 2 == 0 else reversed(range(len(loaded)))
        for index in order:
            times[index].append(sum(loaded[index].run_ms() for _ in range(runs)) / runs)
    return times


def measure_start(path: str, num_threads: int) -> dict[str, float]:
    """The first load and inference of this process: how long they take, and the memory they add at the peak."""
    gc.collect()
    with contextlib.suppress(OSError):  # without it, the peak of the imports may count: more, never less
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # forget the peak so far
    before = _status_bytes("VmRSS")
    start = time.perf_counter_ns()
    model = _Model(path, num_threads)
    load_ms = (time.perf_counter_ns() - start) / 1e6 - model.inputs_ms
    first_ms = model.run_ms()
    for _ in range(2):
        model.run_ms()
    return {"peak_bytes": max(_status_bytes("VmHWM") - before, 0), "load_ms": load_ms, "first_ms": first_ms}


def _status_bytes(field: str) -> int:
    match = re.search(rf"^{field}:\s+(\d+) kB$", Path("/proc/self/status").read_text(encoding="ascii"), re.MULTILINE)
    if match is None:
        raise ValueError(f"/proc/self/status has no {field}; memory is measured on Linux alone")
    return int(match[1]) * 1024


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    task = request.pop("task")
    if task == "start":
        return measure_start(request["model"], request["num_threads"])
    return {"times_ms": measure_times(**request)}


def main() -> None:
    """Answers the request on stdin."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a model that ends the process leaves no core file
    try:
        forbid_matrix_tiles()
        answer = _answer(json.load(sys.stdin))
    except (OSError, RuntimeError, ValueError, MemoryError) as error:
        answer = {"error": (str(error).strip().splitlines() or [type(error).__name__])[0][:300]}
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
