"""How near is Evaluate's accuracy pass to what the interpreter can do?

    python tests/benchmarks/evaluate_throughput.py [CONFIG] [--quick]

Two things are timed in rounds that take turns, in one process, on the same file
with the same batch size and one interpreter thread: a bare loop of
`Interpreter.invoke()`, and Evaluate's pass over the stored examples (read,
inflated, parsed, scored, counted). Reading goes on in a thread of its own, so the
ratio is that of a machine with a second core free. The file is the project's own int8 export of an
untrained student, the largest of the configuration; the examples are its test
images. Without a configuration that is CIFAR-10 where it is there, else the
bundled digits. The last line printed is one JSON object.
"""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
from ai_edge_litert.interpreter import Interpreter
from command_line import CONFIGS, ROOT, parser_of
from prepared import prepare_examples

from learn2compress.config import CompressionConfig, DataFormat
from learn2compress.config.file import load_config
from learn2compress.data.examples import read_batches
from learn2compress.data.records import Split
from learn2compress.litert.accuracy import accuracy_of, calibration_of
from learn2compress.litert.interpreter import Scorer
from learn2compress.litert.latency import processor_name
from learn2compress.litert.operators import model_cost
from learn2compress.litert.predictions import Predictions, PredictionSettings, batch_size_for, predict_examples
from learn2compress.quantization.convert import to_int8_litert
from learn2compress.quantization.qat_network import quantization_aware
from learn2compress.students.joint import build_joint_network, standalone_student
from learn2compress.training.loop import make_deterministic

HELD_OUT_RATIO = 0.9


def default_config() -> Path:
    """CIFAR-10's, where its images are, else the digits'."""
    name = "cifar10" if (ROOT / "build" / "data" / "cifar10").is_dir() else "digits"
    return CONFIGS / f"{name}.yaml"


def with_test_images_alone(config: CompressionConfig) -> CompressionConfig:
    """Reads the images held out and no others: evaluation needs no training split."""
    if config.data.format is DataFormat.DIGITS:
        return dataclasses.replace(config, data=dataclasses.replace(config.data, held_out_ratio=HELD_OUT_RATIO))
    data = dataclasses.replace(
        config.data, uri=config.data.held_out_uri, held_out_uri=None, held_out_ratio=HELD_OUT_RATIO
    )
    return dataclasses.replace(config, data=data)


def untrained_file(config: CompressionConfig, num_classes: int, examples: np.ndarray) -> bytes:
    """The int8 file of the largest student, its ranges set by a few examples."""
    make_deterministic(config.seed)
    joint = build_joint_network(config.task, num_classes, config.training, config.students)
    largest = max(config.students, key=lambda student: (student.stage or config.training.num_stages, student.width))
    network = quantization_aware(standalone_student(joint, largest.name))
    for batch in np.array_split(examples.astype(np.float32) / 255, 4):
        network(keras.ops.convert_to_tensor(batch), training=True)
    return to_int8_litert(network).pack()


def bare_loop(model: bytes, batch: np.ndarray, num_batches: int) -> Callable[[], None]:
    """Nothing but `invoke`, on an input that is there already."""
    interpreter = Interpreter(model_content=model, num_threads=1)
    (source,) = interpreter.get_input_details()
    interpreter.resize_tensor_input(source["index"], batch.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(source["index"], batch)

    def run() -> None:
        for _ in range(num_batches):
            interpreter.invoke()

    return run


def main() -> None:
    """Prints a line for each round, and the figures."""
    parser = parser_of(__doc__, default_config())
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    arguments = parser.parse_args()
    config = with_test_images_alone(load_config(arguments.config))
    prepared = prepare_examples(config, arguments.work)
    shape, split = config.task.input_shape, prepared.folder / Split.HELD_OUT
    size = batch_size_for(shape)
    examples = next(read_batches(split, shape)).inputs[:size]
    names = [str(index) for index in range(prepared.num_classes)]
    model = untrained_file(config, prepared.num_classes, examples)
    num_batches = prepared.num_held_out // size
    scorer, settings = Scorer(model, shape), PredictionSettings.of(config.evaluate, len(names))

    def evaluate() -> Predictions:
        batches = (batch.graded for batch in read_batches(split, shape))
        predictions = predict_examples(scorer, batches, prepared.num_held_out, settings)
        accuracy_of(predictions, names, settings.k)
        calibration_of(predictions)
        return predictions

    def read() -> None:
        for _ in read_batches(split, shape):
            pass

    bare = bare_loop(model, examples, num_batches)
    timed: dict[str, tuple[Callable[[], object], int]] = {
        "bare": (bare, num_batches * size),
        "evaluate": (evaluate, prepared.num_held_out),
        "reading_alone": (read, prepared.num_held_out),
    }
    per_second: dict[str, list[float]] = {name: [] for name in timed}
    cpu_us: dict[str, list[float]] = {name: [] for name in timed}
    for run, _ in timed.values():
        run()  # warm-up
    num_rounds = 5 if arguments.quick else 20
    for number in range(num_rounds):
        for name in list(timed) if number % 2 else reversed(timed):
            run, count = timed[name]
            started, cpu_started = time.perf_counter(), time.thread_time()
            run()
            per_second[name].append(count / (time.perf_counter() - started))
            cpu_us[name].append((time.thread_time() - cpu_started) / count * 1e6)
        latest = ", ".join(f"{name} {rates[-1]:,.0f}" for name, rates in per_second.items())
        print(f"round {number + 1}/{num_rounds}: {latest} images/s", flush=True)

    ratios = np.array(per_second["evaluate"]) / np.array(per_second["bare"])
    figures = {
        "config": config.name,
        "num_examples": prepared.num_held_out,
        "batch_size": size,
        "macs": model_cost(model).macs,
        "images_per_s": {name: round(float(np.median(rates)), 1) for name, rates in per_second.items()},
        # Of the thread that infers: what is left of the ratio where other work disturbs the times.
        "thread_cpu_us_per_image": {name: round(float(np.median(times)), 1) for name, times in cpu_us.items()},
        "evaluate_over_bare": round(float(np.median(ratios)), 4),
        "evaluate_over_bare_by_thread_cpu": round(float(np.median(cpu_us["bare"]) / np.median(cpu_us["evaluate"])), 4),
        "evaluate_over_bare_range": [round(float(ratios.min()), 4), round(float(ratios.max()), 4)],
        "processor": processor_name(),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
