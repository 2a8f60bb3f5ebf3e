"""What does joint training cost? The step of a whole family against the step of its largest student alone.

    python tests/benchmarks/joint_training.py [CONFIG] [--quick]

Both networks are built from the configuration and trained on the same batches of
random images with random teacher logits: contents do not change the time of a
step. Steps are timed in rounds that alternate between the two, in one process.
The last line printed is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import numpy as np

from learn2compress.config import CompressionConfig, StudentConfig
from learn2compress.config_file import load_config
from learn2compress.litert.latency import median_interval, processor_name
from learn2compress.students import build_joint_network, standalone_student
from learn2compress.training import TrainingPlan, make_deterministic, optimizer_for, train_step_of

CONFIG = Path(__file__).parents[2] / "pipelines" / "configs" / "fashion_mnist.yaml"
NUM_CLASSES = 10
WARM_UP_STEPS = 5


def make_step(config: CompressionConfig, students: Sequence[StudentConfig]) -> Callable[[], None]:
    """One training step of these students on one shared trunk."""
    make_deterministic(config.seed)
    network = build_joint_network(config.task, NUM_CLASSES, config.training.stages, students)
    plan = TrainingPlan("train", 1, config.training.learning_rate, config.training.distillation, config.seed)
    step = train_step_of(network, optimizer_for(network, plan), plan.distillation)
    random = np.random.default_rng(config.seed)
    size = config.training.batch_size
    inputs = keras.ops.convert_to_tensor(random.random((size, *config.task.input_shape), np.float32))
    labels = keras.ops.convert_to_tensor(random.integers(0, NUM_CLASSES, size))
    logits = keras.ops.convert_to_tensor(random.normal(size=(size, NUM_CLASSES)).astype(np.float32))

    def run() -> None:
        for loss in step(inputs, labels, logits).values():
            loss.numpy()

    return run


def seconds_of(step: Callable[[], None], num_steps: int) -> float:
    """Time of `num_steps` steps."""
    started = time.perf_counter()
    for _ in range(num_steps):
        step()
    return time.perf_counter() - started


def main() -> None:
    """Prints the ratio, and what it would be if each student were trained apart."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", type=Path, nargs="?", default=CONFIG)
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    arguments = parser.parse_args()
    config = load_config(arguments.config)
    num_rounds, num_steps = (12, 5) if arguments.quick else (40, 10)
    deepest = max(config.students, key=lambda student: student.stage)

    steps = {"joint": make_step(config, config.students)}
    steps |= {student.name: make_step(config, [student]) for student in config.students}
    for step in steps.values():
        seconds_of(step, WARM_UP_STEPS)
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for number in range(num_rounds):
        order = list(steps) if number % 2 else list(reversed(steps))
        for name in order:
            seconds[name].append(seconds_of(steps[name], num_steps) / num_steps)
        print(f"round {number + 1}/{num_rounds}: " + ", ".join(f"{n} {s[-1] * 1e3:.1f} ms" for n, s in seconds.items()))

    joint = np.array(seconds["joint"])
    over_largest = joint / np.array(seconds[deepest.name])
    over_separate = joint / np.sum([seconds[student.name] for student in config.students], axis=0)
    low, high = median_interval(over_largest)
    network = build_joint_network(config.task, NUM_CLASSES, config.training.stages, config.students)
    parameters = {s.name: standalone_student(network, s.name).count_params() for s in config.students}
    figures = {
        "config": config.name,
        "students": parameters,
        "rounds": num_rounds,
        "joint_over_largest_cached": round(float(np.median(over_largest)), 4),
        "joint_over_largest_interval": [round(float(low), 4), round(float(high), 4)],
        "joint_over_separate": round(float(np.median(over_separate)), 4),
        "step_ms": {name: round(float(np.median(values)) * 1e3, 2) for name, values in seconds.items()},
        "processor": processor_name(),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
