"""What does each quantization recipe cost and give, on one and the same trained student?

    python tests/benchmarks/quantization.py [CONFIG] [--quick | --full-set] [--student NAME]

One student of the configuration is trained with its teacher, by itself and not
pruned. Every recipe makes a file of it, quantization-aware training and its
post-training control each one of their own. Accuracy is that on the held-out
split, `model_bytes` that of the file with metadata, and latency that of all
files taking turns in one process. Data and teacher are the configuration's own;
the last line printed is one JSON object.
"""

from __future__ import annotations

import dataclasses
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
from command_line import parser_of
from prepared import Prepared, prepare_examples, prepare_logits

from learn2compress.config import CompressionConfig, MixedBase, QuantizationRecipe, QuantizeConfig
from learn2compress.config.file import load_config
from learn2compress.data.examples import read_examples
from learn2compress.data.records import Split
from learn2compress.litert.flatbuffer import ModelFileError
from learn2compress.litert.interpreter import predict
from learn2compress.litert.latency import processor_name, run_worker
from learn2compress.litert.latency_figures import median_interval
from learn2compress.litert.load_check import check_runs
from learn2compress.quantization.choice_sample import TrainingSample
from learn2compress.quantization.convert import to_int8_litert
from learn2compress.quantization.qat import train_quantized
from learn2compress.quantization.quantize import QuantizedStudent, quantize_student
from learn2compress.quantization.student_file import StudentDescription, pack_student_file
from learn2compress.students.joint import build_joint_network, standalone_student
from learn2compress.training.loop import by_name, fit, make_deterministic
from learn2compress.training.plan import TrainingPlan

ROUNDS, RUNS, WARM_UPS = 30, 10, 10
TIMEOUT_S = 3600.0

RECIPES: dict[str, QuantizeConfig] = {
    **{
        recipe.value: QuantizeConfig(recipe=recipe)
        for recipe in QuantizationRecipe
        if recipe is not QuantizationRecipe.INT8_QAT
    },
    "mixed_int4": QuantizeConfig(recipe=QuantizationRecipe.MIXED, mixed_base=MixedBase.INT4),
}


@dataclasses.dataclass(frozen=True)
class Trained:
    """The student, and what its files are made and measured with."""

    student: keras.Model
    network: keras.Model
    sample: TrainingSample
    inputs: np.ndarray
    labels: np.ndarray
    description: StudentDescription


def train(config: CompressionConfig, prepared: Prepared, name: str, epochs: int, quantize_epochs: int) -> Trained:
    """Trains one student with its teacher's cached logits, then a copy in simulated 8 bits."""
    make_deterministic(config.seed)
    training, task = config.training, config.task
    data = prepared.training_data(config, prepare_logits(config, prepared))
    chosen = next(student for student in config.students if student.name == name)
    joint = build_joint_network(task, prepared.num_classes, training, [chosen])
    student = standalone_student(joint, name)

    def plan(phase: str, epochs: int, learning_rate: float) -> TrainingPlan:
        return TrainingPlan(
            phase, epochs, learning_rate, training.distillation, config.seed, weight_decay=training.weight_decay
        )

    fit(by_name(student, name), data, plan("train", epochs, training.learning_rate))
    steps = plan("quantize", quantize_epochs, config.quantize.learning_rate)
    network, _ = train_quantized(student, name, data, config.prune_of(chosen).min_layer_weights, steps)
    examples = list(read_examples(prepared.folder / Split.HELD_OUT))
    held_out = np.frombuffer(b"".join(example.input for example in examples), np.uint8)
    return Trained(
        student,
        network,
        TrainingSample.read(prepared.folder / Split.TRAIN, task.input_shape, config.quantize.calibration_examples),
        held_out.reshape(-1, *task.input_shape),
        np.array([example.label for example in examples]),
        StudentDescription(config.name, name, tuple(map(str, range(prepared.num_classes))), task),
    )


def make_files(trained: Trained) -> tuple[dict[str, bytes], dict[str, dict[str, Any]]]:
    """Files by recipe, and what is said of each recipe, also of those without a file."""
    files: dict[str, bytes] = {}
    figures: dict[str, dict[str, Any]] = {}

    def attempt(recipe: str, make: Callable[[], QuantizedStudent]) -> None:
        start = time.monotonic()
        try:
            made = make()
        except ModelFileError as error:
            figures[recipe] = {"loads": False, "error": str(error)}
            return
        largest = made.report.largest_deviation
        figures[recipe] = {
            "loads": True,
            "seconds_to_make": round(time.monotonic() - start, 2),
            "reason": made.report.reason,
            "shipped": made.report.shipped,
            "largest_deviation": None if largest is None else dataclasses.asdict(largest),
        }
        files[recipe] = made.model_bytes

    for name, config in RECIPES.items():
        attempt(name, partial(quantize_student, trained.student, trained.sample, config, trained.description))
    default = partial(quantize_student, trained.student, trained.sample, QuantizeConfig(), trained.description)
    attempt("as_shipped", partial(default, trained.network))
    recipe = QuantizationRecipe.INT8_QAT
    files[recipe.value] = pack_student_file(to_int8_litert(trained.network), recipe, trained.description)
    check_runs(files[recipe.value], recipe.value)
    figures[recipe.value] = {"loads": True}
    return files, figures


def measure(trained: Trained, files: dict[str, bytes], figures: dict[str, dict[str, Any]]) -> None:
    """Adds accuracy, size and latency to the figures of each file."""
    times = latencies(files)
    for name, model in files.items():
        accuracy = float((predict(model, trained.inputs).argmax(axis=1) == trained.labels).mean())
        ratios = [own / float32 for own, float32 in zip(times[name], times["float32"], strict=True)]
        figures[name] |= {
            "accuracy": round(accuracy, 5),
            "model_bytes": len(model),
            "smaller_than_float32": round(len(files["float32"]) / len(model), 3),
            "latency_ms": round(statistics.median(times[name]), 5),
            "latency_over_float32": round(statistics.median(ratios), 3),
            "latency_over_float32_interval": [round(bound, 3) for bound in median_interval(ratios)],
        }
    for name in files:
        drop = figures["float32"]["accuracy"] - figures[name]["accuracy"]
        figures[name]["drop_points"] = round(100 * drop, 3)


def latencies(files: dict[str, bytes]) -> dict[str, list[float]]:
    """Mean time of an inference in ms by file and round; files take turns."""
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for name, model in files.items():
            paths.append(str(Path(folder, f"{name}.tflite")))
            Path(paths[-1]).write_bytes(model)
        request = {
            "task": "latency",
            "models": paths,
            "rounds": ROUNDS,
            "runs": RUNS,
            "warm_ups": WARM_UPS,
            "num_threads": [1] * len(paths),
        }
        times = run_worker(request, "all recipes", TIMEOUT_S)["times_ms"]
    return dict(zip(files, times, strict=True))


def main() -> None:
    """Trains, makes all files, measures them, prints."""
    parser = parser_of(__doc__)
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="2,000 images, 2 epochs")
    size.add_argument("--full-set", action="store_true", help="all images, the configuration's epochs")
    parser.add_argument("--epochs", type=int, default=20, help="on a sample of 10,000 images")
    parser.add_argument("--student", help="by default the first")
    arguments = parser.parse_args()
    config = load_config(arguments.config)
    max_train = None if arguments.full_set else 2000 if arguments.quick else 10000
    epochs = config.training.epochs if arguments.full_set else 2 if arguments.quick else arguments.epochs
    quantize_epochs = 1 if arguments.quick else config.quantize.epochs
    name = arguments.student or config.students[0].name
    prepared = prepare_examples(config, arguments.work, max_train)
    trained = train(config, prepared, name, epochs, quantize_epochs)
    files, figures = make_files(trained)
    measure(trained, files, figures)
    for recipe, found in figures.items():
        print(json.dumps({"recipe": recipe, **found}), flush=True)
    trained_8_bit, control = figures["int8_qat"], figures["int8_ptq"]
    print(
        json.dumps(
            {
                "config": config.name,
                "student": name,
                "num_train": prepared.num_train,
                "num_held_out": prepared.num_held_out,
                "epochs": epochs,
                "quantize_epochs": quantize_epochs,
                "recipes": figures,
                "qat_minus_ptq_points": round(100 * (trained_8_bit["accuracy"] - control["accuracy"]), 3),
                "int8_smaller_than_float32": trained_8_bit["smaller_than_float32"],
                "int8_drop_points": trained_8_bit["drop_points"],
                "processor": processor_name(),
            }
        )
    )


if __name__ == "__main__":
    main()
