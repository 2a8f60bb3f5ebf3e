"""What does pruning save, and what does it cost?

    python tests/benchmarks/pruning.py [CONFIG] [--quick | --full-set] [--student NAME] [--prune-epochs N]

One student of a joint training (the largest, unless named) goes on in several
ways for the same number of epochs, and is trained for 8 bits after each:

- unpruned: trained on as it is;
- unstructured_layer, unstructured_global: single weights go, as many as halve the download (the file as gzip), the
  same share of each layer or by one threshold for all;
- channels: channels go that are half of the operations;
- channels_half_size: channels go until the file is half as large, where `channels` leaves more.

Each file is measured on all of the held-out split; their latencies in rounds in
which they take turns, those of the float files, which the same networks give
without 8 bits, in rounds of their own. By the default configuration that is
CIFAR-10 with the teacher that `examples/train_teacher.py` makes. The trained
student and each file are found again by a later run of the same arguments with the
same code, in `--work`; the last line printed is one JSON object.
"""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import json
import time
from pathlib import Path
from typing import Any

import keras
import numpy as np
from command_line import parser_of
from prepared import Prepared, prepare_examples, prepare_logits, sources_sha256

from learn2compress.config import CompressionConfig, PruneConfig, PruneMethod, PruneScope, QuantizeConfig
from learn2compress.config.file import load_config
from learn2compress.config.parsing import to_dict
from learn2compress.data.batches import TrainingData
from learn2compress.data.examples import read_examples
from learn2compress.data.records import Split
from learn2compress.litert.interpreter import predict
from learn2compress.litert.latency import WARM_UPS, processor_name, run_worker
from learn2compress.litert.latency_figures import median_interval
from learn2compress.litert.measure import download_bytes
from learn2compress.litert.operators import model_cost
from learn2compress.pruning import kernel_variable, prunable_layers, prune_student
from learn2compress.pruning.channel_choice import choose_removal, kept_units
from learn2compress.pruning.channel_graph import channel_graph
from learn2compress.pruning.channel_removal import without_channels
from learn2compress.pruning.masks import masks_of
from learn2compress.quantization.convert import to_float_litert, to_int8_litert
from learn2compress.quantization.qat import train_quantized
from learn2compress.students.cost import count_macs
from learn2compress.students.joint import build_joint_network, standalone_student
from learn2compress.training.loop import by_name, fit, make_deterministic
from learn2compress.training.plan import TrainingPlan, joint_plan, phase_plan

RATIOS = tuple(float(ratio) for ratio in np.round(np.arange(0.4, 0.96, 0.0125), 4))


@dataclasses.dataclass(frozen=True)
class Bench:
    """What all variants have in common."""

    config: CompressionConfig
    prepared: Prepared
    data: TrainingData
    name: str
    folder: Path

    def plan(self, phase: str, settings: PruneConfig | QuantizeConfig) -> TrainingPlan:
        """Returns the plan of a phase, as the pipeline makes it."""
        return phase_plan(self.config.training, phase, settings.epochs, settings.learning_rate, self.config.seed)

    def trained_student(self) -> keras.Model:
        """The student as the joint training leaves it."""
        path = self.folder / "trained.keras"
        if not path.exists():
            training = self.config.training
            make_deterministic(self.config.seed)
            joint = build_joint_network(self.config.task, self.prepared.num_classes, training, self.config.students)
            fit(joint, self.data, joint_plan(training, self.config.students, self.name, self.config.seed))
            standalone_student(joint, self.name).save(path)
        return keras.saving.load_model(path)

    def compress(self, variant: str, prune: PruneConfig) -> Path:
        """Prunes or trains on, then trains for 8 bits; gives the int8 file, and the float one lies beside it."""
        settings = f"{variant}-{prune.sparsity_ratio:g}-{prune.epochs}-{self.config.quantize.epochs}"
        path = self.folder / f"{settings}.tflite"
        if not path.exists():
            started = time.perf_counter()
            make_deterministic(self.config.seed)
            student, plan = self.trained_student(), self.plan("prune", prune)
            if prune.sparsity_ratio:
                student, _, _ = prune_student(student, self.name, self.data, prune, plan)
            else:
                fit(by_name(student, self.name), self.data, plan)
            path.with_suffix(".float.tflite").write_bytes(to_float_litert(student).pack())
            plan = self.plan("quantize", self.config.quantize)
            network, _ = train_quantized(student, self.name, self.data, prune.min_layer_weights, plan)
            path.write_bytes(to_int8_litert(network).pack())
            print(f"{variant}: {time.perf_counter() - started:.0f} s", flush=True)
        return path


def ratio_for_half_download(student: keras.Model, prune: PruneConfig, dense_download_bytes: int) -> float:
    """Smallest share of zeros with which the file, as gzip, should be half as large."""
    kernels = [kernel_variable(layer).numpy() for layer in prunable_layers(student.layers, prune.min_layer_weights)]

    def packed_bytes(ratio: float) -> int:
        rounded = []
        for kernel, mask in zip(kernels, masks_of(kernels, ratio, prune), strict=True):
            scales = np.max(np.abs(kernel), axis=tuple(range(kernel.ndim - 1))) / 127.0
            rounded.append(np.round(kernel * mask / scales).astype(np.int8).tobytes())
        return len(gzip.compress(b"".join(rounded)))

    others = dense_download_bytes - packed_bytes(0.0)
    return next((ratio for ratio in RATIOS if others + packed_bytes(ratio) <= 0.5 * dense_download_bytes), RATIOS[-1])


def ratio_for_half_size(student: keras.Model) -> float:
    """Smallest share of operations, half at least, with which half of the parameters go."""
    graph = channel_graph(student)
    for ratio in (ratio for ratio in RATIOS if ratio >= 0.5):
        removal = choose_removal(graph, np.ones(graph.num_units), (1.0 - ratio) * count_macs(student), relative=True)
        smaller = without_channels(student, graph, kept_units(graph, removal))
        if smaller.count_params() <= 0.5 * student.count_params():
            return ratio
    return RATIOS[-1]


def accuracy(path: Path, bench: Bench) -> float:
    """Top-1 of a file on all of the held-out split."""
    examples = list(read_examples(bench.prepared.folder / Split.HELD_OUT))
    rows = np.frombuffer(b"".join(example.input for example in examples), np.uint8)
    scores = predict(path.read_bytes(), rows.reshape(-1, *bench.config.task.input_shape))
    return float(np.mean(np.argmax(scores, axis=-1) == [example.label for example in examples]))


def speedups(files: dict[str, Path], rounds: int) -> dict[str, dict[str, Any]]:
    """Median milliseconds, and how many times faster than the first file with its 95% interval; files take turns."""
    request = {
        "task": "latency",
        "models": [str(path) for path in files.values()],
        "rounds": rounds,
        "runs": 10,
        "warm_ups": WARM_UPS,
        "num_threads": [1] * len(files),
    }
    times = np.array(run_worker(request, "the files of one student", 1800.0)["times_ms"])
    answer = {}
    for name, of_file in zip(files, times, strict=True):
        ratios = (times[0] / of_file).tolist()
        answer[name] = {
            "latency_ms": round(float(np.median(of_file)), 4),
            "faster": round(float(np.median(ratios)), 3),
            "faster_interval": [round(end, 3) for end in median_interval(ratios)],
        }
    return answer


def figures_of(files: dict[str, Path], bench: Bench, rounds: int) -> dict[str, dict[str, Any]]:
    """What was measured, by variant; a ratio is to the first of them."""
    measured = speedups(files, rounds)
    floats = speedups({name: path.with_suffix(".float.tflite") for name, path in files.items()}, rounds)
    rows: dict[str, dict[str, Any]] = {}
    for name, path in files.items():
        content = path.read_bytes()
        row = {
            "accuracy": round(accuracy(path, bench), 4),
            "model_bytes": len(content),
            "download_bytes": download_bytes(content),
            "macs": model_cost(content).macs,
        }
        first = next(iter(rows.values()), row)
        rows[name] = (
            row
            | {f"{field}_ratio": round(row[field] / first[field], 4) for field in row}
            | measured[name]
            | {f"float_{field}": value for field, value in floats[name].items()}
        )
    return rows


def main() -> None:
    """Trains, measures, and prints a line for each variant and the figures."""
    parser = parser_of(__doc__)
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="2,000 images, 2 epochs, then 2 and 1")
    size.add_argument("--full-set", action="store_true", help="all images, not 10,000 of them")
    parser.add_argument("--student", help="the one of most stages, unless named")
    parser.add_argument("--prune-epochs", type=int, default=6)
    parser.add_argument("--quantize-epochs", type=int, default=2)
    arguments = parser.parse_args()
    config = load_config(arguments.config)
    prune_epochs, quantize_epochs = arguments.prune_epochs, arguments.quantize_epochs
    if arguments.quick:
        config = dataclasses.replace(config, training=dataclasses.replace(config.training, epochs=2))
        prune_epochs, quantize_epochs = 2, 1
    config = dataclasses.replace(config, quantize=dataclasses.replace(config.quantize, epochs=quantize_epochs))
    max_train = None if arguments.full_set else 2000 if arguments.quick else 10000
    prepared = prepare_examples(config, arguments.work, max_train)
    data = prepared.training_data(config, prepare_logits(config, prepared))
    name = arguments.student or max(config.students, key=lambda student: student.stage or 32).name
    key = hashlib.sha256(json.dumps([to_dict(config), sources_sha256()], sort_keys=True).encode()).hexdigest()[:12]
    folder = arguments.work / "pruning" / f"{config.name}-{prepared.num_train}-{name}-{key}"
    folder.mkdir(parents=True, exist_ok=True)
    bench = Bench(config, prepared, data, name, folder)

    def pruning(ratio: float, method: PruneMethod = PruneMethod.MAGNITUDE) -> PruneConfig:
        return dataclasses.replace(config.prune, method=method, sparsity_ratio=ratio, epochs=prune_epochs)

    student, files = bench.trained_student(), {"unpruned": bench.compress("unpruned", pruning(0.0))}
    dense = download_bytes(files["unpruned"].read_bytes())
    settings = {"channels": pruning(0.5, PruneMethod.CHANNELS)}
    for scope in PruneScope:
        prune = dataclasses.replace(pruning(0.5), scope=scope)
        ratio = ratio_for_half_download(student, prune, dense)
        settings[f"unstructured_{scope}"] = dataclasses.replace(prune, sparsity_ratio=ratio)
    files |= {variant: bench.compress(variant, prune) for variant, prune in settings.items()}
    if files["channels"].stat().st_size > 0.5 * files["unpruned"].stat().st_size:
        settings["channels_half_size"] = pruning(ratio_for_half_size(student), PruneMethod.CHANNELS)
        files["channels_half_size"] = bench.compress("channels_half_size", settings["channels_half_size"])
    rows = figures_of(files, bench, 10 if arguments.quick else 40)
    for variant, row in rows.items():
        print(variant, json.dumps(row))
    print(
        json.dumps(
            {
                "config": config.name,
                "student": name,
                "num_train": prepared.num_train,
                "epochs": [config.training.epochs, prune_epochs, quantize_epochs],
                "sparsity_ratio": {variant: prune.sparsity_ratio for variant, prune in settings.items()},
                "variants": rows,
                "processor": processor_name(),
            }
        )
    )


if __name__ == "__main__":
    main()
