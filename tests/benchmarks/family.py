"""What do students lose that are picked from a family, and what does the family's training cost?

    python tests/benchmarks/family.py [CONFIG] [--quick] [--epochs 20] [--seed 7]

Three budgets are shares of the operations of the largest network of CONFIG's stages. For each of them there are, after
equal epochs with the same signal: the sub-network that is picked from a family (of CONFIG's `search.family`, or of five
widths and three sizes), the same network trained alone, and a named student of the full depth whose width the budget
finds, trained jointly with the other two (`sharing: width`). Each is then trained for 8 bits by CONFIG's `quantize`.
Accuracies are on the held-out split: of the float network, and of the network that computes as its int8 file will.

The family and the largest network alone take turns epoch by epoch, so that whatever else the machine does meets both
alike. A ratio is that of their times: of all epochs, compiling included, and the median of those before and after the
narrower sub-networks join.

`--quick` has three widths and two sizes. The last line printed is one JSON object.
"""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import keras
import numpy as np
from command_line import parser_of
from joint_training import with_training
from prepared import prepare_examples, prepare_logits

from learn2compress.config import BudgetConfig, CompressionConfig, FamilyConfig, Sharing, StudentConfig
from learn2compress.config.file import load_config
from learn2compress.data.batches import TrainingData
from learn2compress.families.cutting import cut_out
from learn2compress.families.front import not_beaten, pick
from learn2compress.families.measuring import accuracies_of
from learn2compress.families.network import FamilyNetwork, build_family
from learn2compress.families.statistics import recalibrate
from learn2compress.families.training import family_plan, family_training, joining_epoch
from learn2compress.litert.latency import processor_name
from learn2compress.quantization.qat import train_quantized
from learn2compress.results.sub_networks import FamilyFront, SubNetwork, SubNetworkResult
from learn2compress.search.width_for_budget import resolve_budgets
from learn2compress.students.cost import count_macs
from learn2compress.students.joint import build_joint_network, standalone_student
from learn2compress.training.accuracy import HeldOutAccuracy
from learn2compress.training.loop import Training, by_name, fit, make_deterministic
from learn2compress.training.plan import joint_plan, phase_plan

BUDGETS = {"large": 0.6, "medium": 0.3, "small": 0.1}
"""Shares of the operations of the largest network."""


class Benchmark:
    """Trainings of one configuration and one family.

    Args:
      config: Stages and training.
      family: Widths and sizes.
      data: Examples beside the teacher's logits.
      labels: Class names in index order.
    """

    def __init__(self, config: CompressionConfig, family: FamilyConfig, data: TrainingData, labels: Sequence[str]):
        self._config, self._family, self._data, self._labels = config, family, data, labels

    def largest_and_family(self) -> tuple[FamilyNetwork, dict[str, list[float]]]:
        """Trains the largest network alone and the family in turns, and returns the latter and the epochs' seconds."""
        config, training = self._config, self._config.training
        make_deterministic(config.seed)
        students = [StudentConfig("largest")]
        alone = build_joint_network(config.task, len(self._labels), training, students)
        make_deterministic(config.seed)
        network = build_family(config.task, len(self._labels), training, self._family)
        plan = family_plan(network, training, self._family, config.seed)
        trainings = {
            "largest": Training(alone, self._data, joint_plan(training, students, "largest", config.seed)),
            "family": family_training(network, self._data, plan, self._family),
        }
        turns = {name: one.epochs() for name, one in trainings.items()}
        seconds: dict[str, list[float]] = {name: [] for name in turns}
        for epoch in range(training.epochs):
            for name in list(turns) if epoch % 2 else reversed(turns):
                started = time.perf_counter()
                next(turns[name])
                seconds[name].append(time.perf_counter() - started)
            print(
                f"epoch {epoch + 1}: " + ", ".join(f"{name} {s[-1]:.1f} s" for name, s in seconds.items()), flush=True
            )
        trainings["family"].finish()
        recalibrate(network, self._data, plan)
        return network, seconds

    def alone(self, sub_network: SubNetwork) -> keras.Model:
        """Trains one sub-network from scratch, and returns it."""
        config = self._config
        make_deterministic(config.seed)
        fresh = build_family(config.task, len(self._labels), config.training, self._family)
        student = cut_out(fresh, sub_network, "student")
        plan = joint_plan(config.training, [StudentConfig("student")], "student", config.seed)
        fit(by_name(student, "student"), self._data, plan)
        return student

    def named(self, max_macs: Mapping[str, int]) -> dict[str, keras.Model]:
        """Trains named students of the budgets jointly, and returns them by name."""
        config = with_training(self._config, sharing=Sharing.WIDTH)
        budgets = [StudentConfig(name, budget=BudgetConfig(max_macs=most)) for name, most in max_macs.items()]
        students = resolve_budgets(config.task, self._labels, config.training, budgets)
        make_deterministic(config.seed)
        network = build_joint_network(config.task, len(self._labels), config.training, students)
        fit(network, self._data, joint_plan(config.training, students, "large", config.seed))
        return {name: standalone_student(network, name) for name in max_macs}

    def picked(self, network: FamilyNetwork, max_macs: Mapping[str, int]) -> dict[str, SubNetworkResult]:
        """Returns the most accurate sub-network within each budget, by the examples kept back."""
        results = []
        for sub_network, top_1 in accuracies_of(network, self._data).items():
            student = cut_out(network, sub_network, "student")
            results.append(SubNetworkResult(sub_network, top_1, student.count_params(), count_macs(student), 1))
        front = not_beaten(results, lambda result: (result.macs,))
        found = FamilyFront(self._data.num_labelled_validation, tuple(front))
        return {name: pick(found, BudgetConfig(max_macs=most), lambda *_: 0.0, name) for name, most in max_macs.items()}

    def accuracies(self, student: keras.Model) -> tuple[float, float]:
        """Trains a network for 8 bits, and returns its held-out accuracies before and after."""
        config, quantize = self._config, self._config.quantize
        top_1 = HeldOutAccuracy.of_students(by_name(student, "student")).measure(self._data)["student"]
        plan = phase_plan(config.training, "quantize", quantize.epochs, quantize.learning_rate, config.seed)
        _, history = train_quantized(student, "student", self._data, config.prune.min_layer_weights, plan)
        return top_1, history[-1].held_out_top_1


def sizes_of(height: int, num_sizes: int) -> tuple[int, ...]:
    """Returns heights from three quarters of an image's to its own.

    Args:
      height: Of the image.
      num_sizes: How many.
    """
    return tuple(sorted({round(height * share) for share in np.linspace(0.75, 1.0, num_sizes)}))


def main() -> None:
    """Prints a line for each epoch, and one JSON object at the end."""
    parser = parser_of(__doc__)
    parser.add_argument("--quick", action="store_true", help="three widths and two sizes")
    parser.add_argument("--epochs", type=int, help="by default the configuration's, 12 with --quick")
    parser.add_argument("--seed", type=int, help="by default the configuration's")
    parser.add_argument("--max-train", type=int, help="training examples; by default all")
    arguments = parser.parse_args()
    given = load_config(arguments.config)
    epochs = arguments.epochs or (12 if arguments.quick else given.training.epochs)
    config = with_training(given, epochs=epochs, sharing=Sharing.PREFIX, early_stopping_epochs=None)
    config = dataclasses.replace(config, seed=config.seed if arguments.seed is None else arguments.seed, search=None)
    widths = (0.5, 0.75, 1.0) if arguments.quick else (0.5, 0.625, 0.75, 0.875, 1.0)
    sizes = sizes_of(config.task.input_shape[0], 2 if arguments.quick else 3)
    family = given.family or FamilyConfig(widths=widths, input_sizes=sizes)
    started = time.monotonic()
    prepared = prepare_examples(config, Path(arguments.work), arguments.max_train)
    logits = prepare_logits(config, prepared)
    # Sub-networks are compared on a fifth of few examples: a twentieth of them would tell nothing.
    num_validation = min(1000, prepared.num_train // 5)
    data = prepared.training_data(config, logits, num_validation=num_validation)
    benchmark = Benchmark(config, family, data, prepared.class_names)

    network, seconds = benchmark.largest_and_family()
    largest_macs = count_macs(cut_out(network, network.sub_networks()[len(network.exits) - 1][0], "largest"))
    max_macs = {name: int(share * largest_macs) for name, share in BUDGETS.items()}
    picked = benchmark.picked(network, max_macs)
    named = benchmark.named(max_macs)
    students = {}
    for name, result in picked.items():
        top_1, int8 = benchmark.accuracies(cut_out(network, result.sub_network, name))
        top_1_alone, int8_alone = benchmark.accuracies(benchmark.alone(result.sub_network))
        top_1_named, int8_named = benchmark.accuracies(named[name])
        students[name] = {
            "sub_network": str(result.sub_network),
            "macs": result.macs,
            "named_macs": count_macs(named[name]),
            "top_1": round(top_1, 4),
            "top_1_alone": round(top_1_alone, 4),
            "top_1_named": round(top_1_named, 4),
            "int8": round(int8, 4),
            "int8_alone": round(int8_alone, 4),
            "int8_named": round(int8_named, 4),
            "points_over_alone": round(100 * (int8 - int8_alone), 2),
            "points_over_named": round(100 * (int8 - int8_named), 2),
        }
        print(f"{name}: {json.dumps(students[name])}", flush=True)
    ratios = np.array(seconds["family"]) / np.array(seconds["largest"])
    joins = joining_epoch(config.training, family)
    figures = {
        "benchmark": "family",
        "config": config.name,
        "quick": arguments.quick,
        "seed": config.seed,
        "epochs": epochs,
        "num_train": prepared.num_train - num_validation,
        "num_kept_back": data.num_labelled_validation,
        "num_sub_networks": len(network.sub_networks()),
        "largest_macs": largest_macs,
        "students": students,
        "family_over_largest": round(sum(seconds["family"]) / sum(seconds["largest"]), 3),
        # The first epoch of each, and that in which the narrower ones join, compile.
        "family_over_largest_before_joining": round(float(np.median(ratios[1:joins])), 3) if joins > 1 else None,
        "family_over_largest_joined": round(float(np.median(ratios[joins + 1 :])), 3) if epochs > joins + 1 else None,
        "seconds": round(time.monotonic() - started),
        "processor": processor_name(),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
