"""What does it take to shrink a Keras classifier, and what comes out, beside what a user would pick today?

    python tests/benchmarks/peers.py [CONFIG] [--quick | --full-set] [--seeds N] [--first-seed N] [--recipes NAME ...]

The same students, from the same untrained networks, on the same examples in the
same order and views, for the same number of epochs, by

- keras_litert_ptq: `fit` for each, then int8 by the LiteRT converter;
- keras_ai_edge_ptq: the same, then int8 by AI Edge Quantizer;
- keras_distillation: `keras.distillation.Distiller` for each, then int8 by the LiteRT converter;
- tfmot: `fit` in tf_keras for each, then TFMOT's pruning and quantization-aware training;
- ours_post_training: one joint training on the teacher's stored logits, then int8 of each as the first three;
- ours_longer: the same for half as many epochs again, which no peer gets;
- ours: a shorter joint training, then quantization-aware training of each;
- ours_pruned: the same with pruning in between, as TFMOT's.

Seconds are of everything from an untrained network to the last file, the
teacher's logits included; reading the examples from disk and importing are not, and nobody looks at the held-out split
while training.
Files are then measured by the same code: all of the held-out split, latency in
rounds in which they take turns. `tfmot` needs `pip install tensorflow-model-optimization==0.8.1 tf_keras`, best into an
environment of its own: it brings Keras 2. What was trained is found again by a later
run of the same arguments with the same code, in `--work`; the last line printed is one JSON object.
"""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.util
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from command_line import parser_of
from prepared import Prepared, prepare_examples, sources_sha256

from learn2compress.config import CompressionConfig
from learn2compress.config.file import load_config
from learn2compress.data.examples import read_examples
from learn2compress.data.records import Split
from learn2compress.litert.interpreter import predict
from learn2compress.litert.latency import WARM_UPS, processor_name, run_worker

HERE = Path(__file__).parent
VARIANTS = {
    "ours_post_training": ["ours_post_training", "ours_longer"],
    "ours": ["ours", "ours_pruned"],
    "keras_only": ["keras_litert_ptq", "keras_ai_edge_ptq"],
    "keras_distillation": ["keras_distillation"],
    "tfmot": ["tfmot"],
}
# What a recipe needs beside the project's own dependencies.
NEEDED = {"tfmot": ("tensorflow_model_optimization", "tf_keras")}
# Whose phases are whose: after the same training TFMOT prunes and trains for 8 bits, the others convert.
COUNTERPARTS = {"tfmot": "ours_pruned"}
COUNTERPART = "ours_post_training"


def run(recipe: str, request: dict[str, Any], output: Path) -> dict[str, dict[str, float]]:
    """Runs a recipe in a process of its own, or finds the answer of an earlier run of the same request.

    Args:
      recipe: Module in `peer_recipes`.
      request: Fields of a `peer_recipes.request.Request`, but for the output.
      output: Folder for its files.

    Returns:
      Seconds of each part, by variant.
    """
    path, answer = output / "request.json", output / "seconds.json"
    text = json.dumps(request | {"output": str(output)}, indent=2, sort_keys=True)
    if not answer.exists() or path.read_text("utf-8") != text:
        answer.unlink(missing_ok=True)
        output.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        command = [sys.executable, "-m", f"peer_recipes.{recipe}", str(path)]
        subprocess.run(command, check=True, cwd=HERE, env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"})
    seconds: dict[str, dict[str, float]] = json.loads(answer.read_text("utf-8"))
    return seconds


def request_sha256(config: Path) -> str:
    """Returns a hash of what decides about a recipe's answer: the configuration, the recipes, and the library."""
    files = [config, HERE / "prepared.py", *sorted((HERE / "peer_recipes").glob("*.py"))]
    contents = [hashlib.sha256(path.read_bytes()).hexdigest() for path in files]
    return hashlib.sha256("".join([*contents, sources_sha256()]).encode()).hexdigest()


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


def spread(values: Sequence[float]) -> dict[str, float]:
    """Returns mean, smallest and largest over the seeds."""
    return {"mean": round(float(np.mean(values)), 4), "min": round(min(values), 4), "max": round(max(values), 4)}


def over_ours(totals: dict[str, list[float]]) -> dict[str, float]:
    """Returns how many times as long as ours each peer took, as a mean over the seeds.

    Args:
      totals: Seconds of each seed, by variant.
    """
    ratios = {}
    for variant, values in totals.items():
        ours = totals.get(COUNTERPARTS.get(variant, COUNTERPART))
        if ours and not variant.startswith("ours"):
            ratios[variant] = round(float(np.mean(np.array(values) / np.array(ours))), 3)
    return ratios


def table(figures: dict[str, Any], names: Sequence[str]) -> str:
    """Returns the figures as a Markdown table.

    Args:
      figures: What is printed at the end.
      names: Students, each of which becomes a column.
    """
    lines = ["| variant | seconds | " + " | ".join(f"{name}: top-1, kB, ms" for name in names) + " |"]
    lines.append("|---" * (2 + len(names)) + "|")
    for variant, seconds in figures["seconds_total"].items():
        cells = [
            f"{100 * figures['accuracy'][variant][name]['mean']:.2f}, {figures['bytes'][variant][name] / 1000:.1f}, "
            f"{figures['latency_ms'][variant][name]:.3f}"
            for name in names
        ]
        lines.append(f"| {variant} | {seconds['mean']:.0f} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """Trains, measures, prints a table and the figures."""
    parser = parser_of(__doc__)
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="one seed, 2,000 images, 2 + 1 + 1 epochs")
    size.add_argument("--full-set", action="store_true", help="one seed, all images")
    parser.add_argument("--seeds", type=int, default=3, help="on a sample of 10,000 images")
    parser.add_argument("--first-seed", type=int, help="unless the configuration's is meant")
    parser.add_argument("--recipes", nargs="+", choices=list(VARIANTS), default=list(VARIANTS))
    parser.add_argument("--train-epochs", type=int, default=18)
    parser.add_argument("--prune-epochs", type=int, default=3)
    parser.add_argument("--quantize-epochs", type=int, default=2)
    arguments = parser.parse_args()
    for recipe, package in ((name, package) for name in arguments.recipes for package in NEEDED.get(name, ())):
        if importlib.util.find_spec(package) is None:
            others = " ".join(name for name in VARIANTS if name not in NEEDED)
            parser.error(f"--recipes: found {recipe!r} without {package}; install it, or give --recipes {others}")
    config = load_config(arguments.config)
    max_train = None if arguments.full_set else 2000 if arguments.quick else 10000
    prepared = prepare_examples(config, arguments.work, max_train)
    num_seeds = 1 if arguments.quick or arguments.full_set else arguments.seeds
    first_seed = config.seed if arguments.first_seed is None else arguments.first_seed
    seeds = range(first_seed, first_seed + num_seeds)
    inputs, labels = held_out(config, prepared)
    names = [student.name for student in config.students]
    totals: dict[str, list[float]] = {}
    parts: dict[str, dict[str, float]] = {}
    accuracy: dict[str, dict[str, list[float]]] = {}
    files: dict[str, dict[str, Path]] = {}
    for seed in seeds:
        for recipe in arguments.recipes:
            output = arguments.work / "peers" / f"{config.name}-{prepared.num_train}-{seed}-{recipe}"
            request = {
                "config": str(arguments.config.resolve()),
                "sha256": request_sha256(arguments.config),
                "prepared": dataclasses.asdict(prepared) | {"folder": str(prepared.folder)},
                "seed": seed,
                "train_epochs": 2 if arguments.quick else arguments.train_epochs,
                "prune_epochs": 1 if arguments.quick else arguments.prune_epochs,
                "quantize_epochs": 1 if arguments.quick else arguments.quantize_epochs,
            }
            seconds = run(recipe, request, output)
            for variant in VARIANTS[recipe]:
                parts[variant] = {part: round(value, 1) for part, value in seconds[variant].items()}
                totals.setdefault(variant, []).append(sum(seconds[variant].values()))
                files[variant] = {name: output / variant / f"{name}.tflite" for name in names}
                for name, path in files[variant].items():
                    scores = predict(path.read_bytes(), inputs, num_threads=2)
                    top_1 = float((scores.argmax(axis=1) == labels).mean())
                    accuracy.setdefault(variant, {}).setdefault(name, []).append(top_1)
                print(f"seed {seed}, {variant}: {totals[variant][-1]:.0f} s, {accuracy[variant]}", flush=True)

    rounds = 5 if arguments.quick else 30
    latency = {name: latencies({variant: files[variant][name] for variant in files}, rounds) for name in names}
    figures: dict[str, Any] = {
        "config": config.name,
        "num_train": prepared.num_train,
        "seeds": list(seeds),
        "seconds_total": {variant: spread(values) for variant, values in totals.items()},
        "seconds_of_last_seed": parts,
        "accuracy": {
            variant: {name: spread(values) for name, values in of.items()} for variant, of in accuracy.items()
        },
        "bytes": {variant: {name: path.stat().st_size for name, path in of.items()} for variant, of in files.items()},
        "latency_ms": {variant: {name: round(latency[name][variant], 4) for name in names} for variant in files},
        "peer_over_ours_seconds": over_ours(totals),
        "processor": processor_name(),
    }
    print(table(figures, names))
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
