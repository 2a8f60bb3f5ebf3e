"""Measures every sub-network of a family: accuracy on the examples kept back, operations, and the front's files."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from learn2compress import progress
from learn2compress.config import TaskConfig
from learn2compress.data.batches import TrainingData
from learn2compress.families.cutting import cut_out, part_of
from learn2compress.families.front import most_accurate_first, not_beaten
from learn2compress.families.network import FamilyNetwork, View
from learn2compress.results.sub_networks import FamilyFront, SubNetwork, SubNetworkResult
from learn2compress.search.width_for_budget import file_before_training
from learn2compress.students.cost import count_macs
from learn2compress.students.sliced import num_parameters
from learn2compress.training.accuracy import HeldOutAccuracy

# As long as a student's name can be: the file holds it.
_LONGEST_NAME = "n" * 32


def measure_family(network: FamilyNetwork, data: TrainingData, task: TaskConfig, labels: Sequence[str]) -> FamilyFront:
    """Measures all sub-networks, and makes a file of each that may be on the front.

    Args:
      network: Trained, with statistics of each view.
      data: Holds the examples kept back.
      task: What students take.
      labels: Class names in index order; files hold them.

    Returns:
      Every sub-network; those on the front with the bytes of their file.
    """
    accuracies = accuracies_of(network, data)
    results = []
    for sub_network, view, end in network.sub_networks():
        part = part_of(network, view, end)
        top_1 = accuracies[sub_network]
        results.append(SubNetworkResult(sub_network, top_1, num_parameters(part), count_macs(part)))
    # The fewer parameters, the smaller the file: only of what others don't beat by them a file is made.
    candidates = not_beaten(results, lambda result: (result.num_parameters, result.macs))
    sized = []
    for done, result in enumerate(candidates, start=1):
        student = cut_out(network, result.sub_network, _LONGEST_NAME)
        model_bytes = len(file_before_training(task, labels, student, _LONGEST_NAME))
        sized.append(dataclasses.replace(result, model_bytes=model_bytes))
        detail = f"{result.sub_network}: {model_bytes} bytes"
        progress.report("sizes of sub-networks", done, len(candidates), detail, unit="files")
    front = {
        result.sub_network: result
        for result in not_beaten(sized, lambda result: (result.model_bytes or 0, result.macs))
    }
    kept = [front.get(result.sub_network, result) for result in results]
    return FamilyFront(data.num_labelled_validation, tuple(sorted(kept, key=most_accurate_first)))


def accuracies_of(network: FamilyNetwork, data: TrainingData) -> dict[SubNetwork, float]:
    """Measures all sub-networks on the examples kept back, by one forward pass of each view.

    Args:
      network: Trained, with statistics of each view.
      data: Holds the examples.

    Returns:
      Top-1 accuracy, 0..1.
    """
    found: dict[View, dict[str, float]] = {}
    for done, (view, model) in enumerate(network.views.items(), start=1):
        found[view] = HeldOutAccuracy.of_students(model).measure_validation(data)
        progress.report("accuracy of sub-networks", done, len(network.views), unit="widths and sizes")
    return {sub_network: found[view][end.name] for sub_network, view, end in network.sub_networks()}
