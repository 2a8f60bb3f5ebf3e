"""What does it take to shrink a Keras classifier, and what comes out, beside what a user would pick today?

    python tests/benchmarks/peers.py [CONFIG] [--quick | --full-set | --train-examples N] [--seeds N] [--first-seed N]
        [--recipes NAME ...] [--mlperf-tiny FOLDER]

The same students, from the same untrained networks, on the same examples in the same order and views, for the same
number of epochs in sum, with the same training examples kept back (`training.validation_ratio`), by

- keras_litert_ptq: `fit` for each, then int8 by the LiteRT converter;
- keras_ai_edge_ptq: the same, then int8 by AI Edge Quantizer;
- keras_distillation: `keras.distillation.Distiller` for each, then int8 by the LiteRT converter;
- tfmot: `fit` in tf_keras for each, then TFMOT's pruning and quantization-aware training;
- distillation_tfmot: distillation as above, then TFMOT as above;
- ours_post_training: one joint training with the teacher's signal, then int8 of each as the first three;
- ours: a shorter joint training, then quantization-aware training of each;
- ours_pruned: a still shorter one, and pruning in between, as TFMOT's;

beside the two int8 files for CIFAR-10 that MLPerf Tiny publishes, where `--mlperf-tiny` says where they are.

Peers train by the optimizer of `training`, at each of `--learning-rate-ratios`, multiples of our learning rates, and
keep of each student the file that is better on the examples kept back; ours trains once, at the configuration's.
Seconds are of everything from an untrained network to the last file, of a peer at the learning rate that is kept, the
teacher's logits included; reading the examples from disk and importing are not, and nobody looks at the held-out split
while training. Files are then measured by the same code: all of the held-out split, latency in rounds in which they
take turns.

The two recipes of TFMOT need `pip install tensorflow-model-optimization==0.8.1 tf_keras`, best into an environment of
its own: it brings Keras 2. What was trained is found again by a later run of the same arguments with the same library,
recipes, packages and teacher, in `--work`; the last line printed is one JSON object.
"""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.metadata
import importlib.util
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import mlperf_tiny
import numpy as np
from command_line import parser_of
from peer_figures import over_ours, spread, table
from prepared import Prepared, prepare_examples, sources_sha256, teacher_sha256

from learn2compress.config import CompressionConfig
from learn2compress.config.file import load_config
from learn2compress.data.examples import read_examples
from learn2compress.data.records import Split
from learn2compress.litert.interpreter import predict
from learn2compress.litert.latency import WARM_UPS, processor_name, run_worker

HERE = Path(__file__).parent
VARIANTS = {
    "ours_post_training": ["ours_post_training"],
    "ours": ["ours", "ours_pruned"],
    "keras_only": ["keras_litert_ptq", "keras_ai_edge_ptq"],
    "keras_distillation": ["keras_distillation"],
    "tfmot": ["tfmot"],
    "distillation_tfmot": ["distillation_tfmot"],
}
# What a recipe needs beside the project's own dependencies.
NEEDED = dict.fromkeys(("tfmot", "distillation_tfmot"), ("tensorflow_model_optimization", "tf_keras"))
WITHOUT_TEACHER = ("keras_only", "tfmot")
# What trains and converts: another version may answer otherwise.
PACKAGES = ("tensorflow", "keras", "tf_keras", "tensorflow-model-optimization", "litert-quantizer", "ai-edge-litert")


def run(recipe: str, request: dict[str, Any], output: Path) -> dict[str, dict[str, Any]]:
    """Runs a recipe in a process of its own, or finds the answer of an earlier run of the same request.

    Args:
      recipe: Module in `peer_recipes`.
      request: Fields of a `peer_recipes.request.Request`, but for the output.
      output: Folder for its files.

    Returns:
      Seconds of each part, epochs, and learning rates by student, by variant; see `peer_recipes.answer`.
    """
    path, answer = output / "request.json", output / "answer.json"
    text = json.dumps(request | {"output": str(output)}, indent=2, sort_keys=True)
    if not answer.exists() or path.read_text("utf-8") != text:
        answer.unlink(missing_ok=True)
        output.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        command = [sys.executable, "-m", f"peer_recipes.{recipe}", str(path)]
        subprocess.run(command, check=True, cwd=HERE, env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"})
    answered: dict[str, dict[str, Any]] = json.loads(answer.read_text("utf-8"))
    return answered


def request_sha256(config: Path, teacher: str = "") -> str:
    """Returns a hash of what decides about a recipe's answer.

    Args:
      config: The configuration's file.
      teacher: A hash of the teacher, for recipes that have one.

    Returns:
      One hash of these, of all of the library, of the recipes, and of the versions of what they use.
    """
    recipes = sorted((HERE / "peer_recipes").glob("*.py"))
    files = [config, HERE / "prepared.py", HERE / "joint_training.py", *recipes]
    contents = [hashlib.sha256(path.read_bytes()).hexdigest() for path in files]
    installed = [f"{name} {version_of(name)}" for name in PACKAGES]
    return hashlib.sha256("\n".join([*contents, sources_sha256(), teacher, *installed]).encode()).hexdigest()


def version_of(package: str) -> str | None:
    """Returns the version of an installed package, or `None`."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def held_out(config: CompressionConfig, prepared: Prepared) -> tuple[np.ndarray, np.ndarray]:
    """Reads the held-out split.

    Args:
      config: Gives the shape of an input.
      prepared: The examples.

    Returns:
      Inputs uint8 `[n, *input_shape]` and labels `[n]`.
    """
    examples = list(read_examples(prepared.folder / Split.HELD_OUT))
    inputs = np.frombuffer(b"".join(example.input for example in examples), np.uint8)
    return inputs.reshape(-1, *config.task.input_shape), np.array([example.label for example in examples])


def latencies(files: dict[str, Path], rounds: int) -> dict[str, float]:
    """Measures latencies; files take turns.

    Args:
      files: Of one student, by variant.
      rounds: Of ten inferences of each file.

    Returns:
      Median milliseconds of one inference, by variant.
    """
    request = {
        "task": "latency",
        "models": [str(path) for path in files.values()],
        "rounds": rounds,
        "runs": 10,
        "warm_ups": WARM_UPS,
        "num_threads": [1] * len(files),
    }
    times = run_worker(request, "the files of one student", 1800.0)["times_ms"]
    return {variant: statistics.median(times_ms) for variant, times_ms in zip(files, times, strict=True)}


def main() -> None:
    """Trains, measures, prints a table and the figures."""
    parser = parser_of(__doc__)
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="one seed unless --seeds says more, 1,000 images, 3 epochs")
    size.add_argument("--full-set", action="store_true", help="one seed unless --seeds says more, all images")
    size.add_argument("--train-examples", type=int, default=10000, help="size of the sample")
    parser.add_argument("--seeds", type=int, help="how many; by default 3 on the sample, else 1")
    parser.add_argument("--first-seed", type=int, help="unless the configuration's is meant")
    parser.add_argument("--recipes", nargs="+", choices=list(VARIANTS), default=list(VARIANTS))
    parser.add_argument("--train-epochs", type=int, default=18)
    parser.add_argument("--prune-epochs", type=int, default=3)
    parser.add_argument("--quantize-epochs", type=int, default=2)
    parser.add_argument(
        "--learning-rate-ratios",
        type=float,
        nargs="+",
        default=[1.0, 1 / 3],  # a third of the library's default is Keras's own
        help="peers train at each of these multiples of our learning rates, and keep the better file",
    )
    parser.add_argument(
        "--mlperf-tiny",
        type=Path,
        metavar="FOLDER",
        help=f"holds {' and '.join(mlperf_tiny.FILES.values())}, which MLPerf Tiny publishes "
        f"({mlperf_tiny.PUBLISHED_AT}); for CIFAR-10 alone",
    )
    arguments = parser.parse_args()
    for option in ("seeds", "train_examples", "train_epochs", "prune_epochs", "quantize_epochs"):
        value = getattr(arguments, option)
        if value is not None and value < 1:
            parser.error(f"--{option.replace('_', '-')}: found {value}, accepted is 1 or more")
    if min(arguments.learning_rate_ratios) <= 0:
        parser.error(f"--learning-rate-ratios: found {min(arguments.learning_rate_ratios)}, accepted is more than 0")
    for recipe, package in ((name, package) for name in arguments.recipes for package in NEEDED.get(name, ())):
        if importlib.util.find_spec(package) is None:
            others = " ".join(name for name in VARIANTS if name not in NEEDED)
            parser.error(f"--recipes: found {recipe!r} without {package}; install it, or give --recipes {others}")
    config = load_config(arguments.config)
    max_train = None if arguments.full_set else 1000 if arguments.quick else arguments.train_examples
    prepared = prepare_examples(config, arguments.work, max_train)
    if arguments.mlperf_tiny is not None:
        problem = mlperf_tiny.problem(arguments.mlperf_tiny, config.task.input_shape, prepared.class_names)
        if problem is not None:
            parser.error(f"--mlperf-tiny: {problem}")
    num_seeds = arguments.seeds or (1 if arguments.quick or arguments.full_set else 3)
    first_seed = config.seed if arguments.first_seed is None else arguments.first_seed
    seeds = range(first_seed, first_seed + num_seeds)
    inputs, labels = held_out(config, prepared)
    names = [student.name for student in config.students]
    teacher = "" if set(arguments.recipes) <= set(WITHOUT_TEACHER) else teacher_sha256(config)
    totals: dict[str, list[float]] = {}
    answers: dict[str, list[dict[str, Any]]] = {}
    accuracy: dict[str, dict[str, list[float]]] = {}
    files: dict[str, dict[str, Path]] = {}
    for seed in seeds:
        for recipe in arguments.recipes:
            output = arguments.work / "peers" / f"{config.name}-{prepared.num_train}-{seed}-{recipe}"
            request = {
                "config": str(arguments.config.resolve()),
                "sha256": request_sha256(arguments.config, "" if recipe in WITHOUT_TEACHER else teacher),
                "prepared": dataclasses.asdict(prepared) | {"folder": str(prepared.folder)},
                "seed": seed,
                "train_epochs": 1 if arguments.quick else arguments.train_epochs,
                "prune_epochs": 1 if arguments.quick else arguments.prune_epochs,
                "quantize_epochs": 1 if arguments.quick else arguments.quantize_epochs,
                "learning_rate_ratios": arguments.learning_rate_ratios,
            }
            answered = run(recipe, request, output)
            for variant in VARIANTS[recipe]:
                answers.setdefault(variant, []).append(answered[variant])
                totals.setdefault(variant, []).append(sum(answered[variant]["seconds"].values()))
                files[variant] = {name: output / variant / f"{name}.tflite" for name in names}
                for name, path in files[variant].items():
                    scores = predict(path.read_bytes(), inputs, num_threads=2)
                    top_1 = float((scores.argmax(axis=1) == labels).mean())
                    accuracy.setdefault(variant, {}).setdefault(name, []).append(top_1)
                print(f"seed {seed}, {variant}: {totals[variant][-1]:.0f} s, {accuracy[variant]}", flush=True)

    published = (
        {name: arguments.mlperf_tiny / file for name, file in mlperf_tiny.FILES.items()}
        if (arguments.mlperf_tiny is not None)
        else {}
    )
    rounds = 5 if arguments.quick else 30
    latency = {
        name: latencies({variant: files[variant][name] for variant in files} | published, rounds) for name in names
    }
    latency_ms = {
        variant: {name: round(latency[name][variant], 4) for name in names} for variant in (*files, *published)
    }
    figures: dict[str, Any] = {
        "config": config.name,
        "num_train": prepared.num_train,
        "num_kept_back": config.training.num_validation(prepared.num_train),
        "seeds": list(seeds),
        "epochs": {variant: of_seeds[-1]["epochs"] for variant, of_seeds in answers.items()},
        "learning_rates": {
            variant: {name: [answer["learning_rates"][name] for answer in of_seeds] for name in names}
            for variant, of_seeds in answers.items()
        },
        "seconds_total": {variant: spread(values) for variant, values in totals.items()},
        "seconds_of_last_seed": {
            variant: {part: round(value, 1) for part, value in of_seeds[-1]["seconds"].items()}
            for variant, of_seeds in answers.items()
        },
        "accuracy": {
            variant: {name: spread(values) for name, values in of.items()} for variant, of in accuracy.items()
        },
        "bytes": {variant: {name: path.stat().st_size for name, path in of.items()} for variant, of in files.items()},
        "latency_ms": {variant: latency_ms[variant] for variant in files},
        "peer_over_ours_seconds": over_ours(totals),
        "published": {
            name: dataclasses.asdict(mlperf_tiny.measure(published[name], inputs, labels))
            | {"latency_ms": latency_ms[name]}
            if published
            else mlperf_tiny.NOT_GIVEN
            for name in mlperf_tiny.FILES
        },
        "processor": processor_name(),
    }
    print(table(figures, names))
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
