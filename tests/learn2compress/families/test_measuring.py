"""Every sub-network is measured on the examples kept back; the front knows the size of its files."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from learn2compress.config import TaskConfig
from learn2compress.data.batches import TrainingData
from learn2compress.families.cutting import cut_out
from learn2compress.families.measuring import measure_family
from learn2compress.families.network import FamilyNetwork
from learn2compress.search.width_for_budget import file_before_training
from learn2compress.students.cost import count_macs

LABELS = tuple("0123456789")


def test_figures_are_those_of_the_network_that_is_cut_out(
    network: FamilyNetwork, digits_data: Callable[..., TrainingData]
) -> None:
    data = digits_data(num_validation=128)
    front = measure_family(network, data, TaskConfig(), LABELS)
    assert front.num_examples == 128
    assert len(front.results) == len(network.sub_networks()) == 12
    assert [result.top_1 for result in front.results] == sorted((one.top_1 for one in front.results), reverse=True)
    inputs, labels = (np.concatenate(parts) for parts in zip(*data.validation(), strict=True))
    for result in front.results:
        student = cut_out(network, result.sub_network, "small")
        assert result.macs == count_macs(student)
        assert result.num_parameters == student.count_params()
        right = np.argmax(student(inputs / np.float32(255)), axis=1) == labels
        assert result.top_1 == np.mean(right)
    smallest = min(front.front, key=lambda one: one.macs)
    assert smallest.macs == min(one.macs for one in front.results)
    student = cut_out(network, smallest.sub_network, "small")
    # The student's name is shorter than the one that the front allows for, in the file and before layers of the head.
    assert 0 <= smallest.model_bytes - len(file_before_training(TaskConfig(), LABELS, student, "small")) < 500
