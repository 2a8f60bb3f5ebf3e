"""The process in which a `.tflite` file is timed and weighed.

`python -m learn2compress.litert.worker` reads one JSON request from stdin and
writes one line of JSON to stdout. It is a process of its own because a damaged
file may end it, because memory is only measurable in a clean one, and because
nothing else should share its time. It imports no TensorFlow, and computes with
nothing that no phone has (`learn2compress.litert.matrix_tiles`).

Requests: `{"task": "latency", "models": [path, ...], "rounds": 30, "runs": 10,
"warm_ups": 10, "num_threads": [1, ...], "least_s": 0.5}` answers `{"times_ms": [[...], ...],
"fastest_ms": ..., "cpu_times_ms": ..., "cpu_fastest_ms": ..., "load": {...}}`: one
list for each model with the mean and the fastest time of an inference in each
round, by the wall clock and by the thread's processor time (`null` for a model
with several threads, and where the system's clock is too coarse), and the fields
of a `MachineLoad`.
`{"task": "start", "model": path, "num_threads": 1}` answers `{"peak_bytes": n,
"load_ms": x, "first_ms": y}`.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import gc
import itertools
import json
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from learn2compress.litert.machine_load import load_between, load_counts, processor_mhz, thread_waiting_s
from learn2compress.litert.matrix_tiles import forbid_matrix_tiles

_EMPTY_READINGS = 200
_COARSEST_STEP_NS = 20_000  # of the thread's clock: some systems count it in ticks of milliseconds
_MHZ_READING_S = 0.05
_STATUS = Path("/proc/self/status")


@dataclasses.dataclass(frozen=True)
class _ClockCost:
    """What reading both clocks adds to the time between them, and whether the thread's is fine enough to use."""

    wall_ns: int
    cpu_ns: int
    has_fine_cpu: bool

    @classmethod
    def measure(cls) -> _ClockCost:
        readings = [_elapsed_ns(lambda: None) for _ in range(_EMPTY_READINGS)]
        wall_ns, cpu_ns = (min(clock) for clock in zip(*readings, strict=True))
        return cls(wall_ns, cpu_ns, 0 < cpu_ns < _COARSEST_STEP_NS)


class _Model:
    """One interpreter, and inputs drawn once."""

    def __init__(self, path: str, num_threads: int) -> None:
        self.interpreter = Interpreter(model_path=path, num_threads=num_threads)
        self.interpreter.allocate_tensors()

    @functools.cached_property
    def inputs(self) -> list[tuple[int, Any]]:
        """Index and value of each input."""
        random = np.random.default_rng(0)
        return [(detail["index"], _example(random, detail)) for detail in self.interpreter.get_input_details()]

    def run_ns(self) -> tuple[int, int]:
        """Runs one inference.

        Setting the input is not timed, but repeated: the arena may have reused its memory.

        Returns:
          Nanoseconds by the wall clock and of this thread's processor time.
        """
        for index, value in self.inputs:
            self.interpreter.set_tensor(index, value)
        return _elapsed_ns(self.interpreter.invoke)


def _elapsed_ns(function: Callable[[], object]) -> tuple[int, int]:
    # The thread's clock outside: reading it is a system call, and takes several times as long as reading the other.
    cpu_start = time.thread_time_ns()
    start = time.perf_counter_ns()
    function()
    wall_ns = time.perf_counter_ns() - start
    return wall_ns, time.thread_time_ns() - cpu_start


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
    models: list[str], num_threads: list[int], rounds: int, runs: int, warm_ups: int, least_s: float = 0.0
) -> dict[str, object]:
    """Times inferences of models that take turns, in alternating order.

    Args:
      models: Paths of `.tflite` files.
      num_threads: Interpreter threads of each.
      rounds: Turns that each model has at least.
      runs: Inferences in a turn.
      warm_ups: Inferences of each model before the first turn.
      least_s: Turns go on until so much time has passed: a short measurement may be disturbed as a whole.

    Returns:
      The answer to a request for latency, see this module.
    """
    loaded = [_Model(path, number) for path, number in zip(models, num_threads, strict=True)]
    for model in loaded:
        for _ in range(warm_ups):
            model.run_ns()
    turns: list[list[list[tuple[int, int]]]] = [[] for _ in loaded]
    cost = _ClockCost.measure()
    gc.disable()
    before, mhz, next_reading_s = load_counts(), list[float | None](), 0.0
    for number in itertools.count():
        if number >= rounds and time.perf_counter() - before.wall_s >= least_s:
            break
        order = range(len(loaded)) if number % 2 == 0 else reversed(range(len(loaded)))
        for index in order:
            turns[index].append([loaded[index].run_ns() for _ in range(runs)])
        if time.perf_counter() >= next_reading_s:
            mhz.append(processor_mhz())
            next_reading_s = time.perf_counter() + _MHZ_READING_S
    load = load_between(before, load_counts(), [one for one in mhz if one is not None])
    gc.enable()
    wall, cpu = (
        [[[max(run[clock] - of_clock, 0) / 1e6 for run in turn] for turn in of_model] for of_model in turns]
        for clock, of_clock in enumerate((cost.wall_ns, cost.cpu_ns))
    )
    # Of several threads this one's clock would count a part alone.
    has_cpu = [cost.has_fine_cpu and number == 1 for number in num_threads]
    return {
        "times_ms": [_means(turns) for turns in wall],
        "fastest_ms": [_fastest(turns) for turns in wall],
        "cpu_times_ms": [_means(turns) if has else None for turns, has in zip(cpu, has_cpu, strict=True)],
        "cpu_fastest_ms": [_fastest(turns) if has else None for turns, has in zip(cpu, has_cpu, strict=True)],
        "load": dataclasses.asdict(load),
    }


def _means(turns: list[list[float]]) -> list[float]:
    return [sum(turn) / len(turn) for turn in turns]


def _fastest(turns: list[list[float]]) -> list[float]:
    return [min(turn) for turn in turns]


def measure_start(path: str, num_threads: int) -> dict[str, float | None]:
    """Times the first load and inference of this process, and takes the memory that they add at the peak.

    What this thread waited for a processor is taken off, where the system counts it.

    Args:
      path: A `.tflite` file.
      num_threads: Interpreter threads.

    Returns:
      The answer to a request for a start, see this module.
    """
    gc.collect()
    with contextlib.suppress(OSError):  # without it, the peak of the imports may count: more, never less
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # forget the peak so far
    before = _status_bytes("VmRSS")
    loaded: list[_Model] = []
    load_ms = _without_waiting_ms(lambda: loaded.append(_Model(path, num_threads)))
    (model,) = loaded
    for index, value in model.inputs:
        model.interpreter.set_tensor(index, value)
    first_ms = _without_waiting_ms(model.interpreter.invoke)
    for _ in range(2):
        model.run_ns()
    peak = _status_bytes("VmHWM")
    peak_bytes = None if peak is None or before is None else max(peak - before, 0)
    return {"peak_bytes": peak_bytes, "load_ms": load_ms, "first_ms": first_ms}


def _without_waiting_ms(function: Callable[[], object]) -> float:
    waited_s = thread_waiting_s()
    wall_ns, cpu_ns = _elapsed_ns(function)
    waited_ns = (thread_waiting_s() - waited_s) * 1e9
    return undisturbed_ms(wall_ns, waited_ns, cpu_ns)


def undisturbed_ms(wall_ns: float, waited_ns: float, cpu_ns: float) -> float:
    """Returns how long something took beside waiting for a processor, in milliseconds.

    Args:
      wall_ns: How long it took.
      waited_ns: How long the thread waited meanwhile, and a little before and after it.
      cpu_ns: Processor time that it took: it can't have been shorter.
    """
    return max(wall_ns - waited_ns, cpu_ns) / 1e6


def _status_bytes(field: str) -> int | None:
    """Reads a size of this process; `None` where the system is not Linux, and does not tell it so."""
    try:
        status = _STATUS.read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    match = re.search(rf"^{field}:\s+(\d+) kB$", status, re.MULTILINE)
    return None if match is None else int(match[1]) * 1024


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    task = request.pop("task")
    if task == "start":
        return measure_start(request["model"], request["num_threads"])
    return measure_times(**request)


def _forbid_core_files() -> None:
    """Lets a model that ends the process leave no core file."""
    try:
        import resource
    except ImportError:  # Windows writes none
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main() -> None:
    """Answers the request on stdin."""
    _forbid_core_files()
    try:
        forbid_matrix_tiles()
        answer = _answer(json.load(sys.stdin))
    except (OSError, RuntimeError, ValueError, MemoryError) as error:
        answer = {"error": (str(error).strip().splitlines() or [type(error).__name__])[0][:300]}
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
