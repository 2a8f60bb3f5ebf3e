"""What is known of a family before it is trained: that it can be built, and what no sub-network can be within."""

from __future__ import annotations

import dataclasses

from learn2compress.config import CompressionConfig, FamilyConfig
from learn2compress.config.parsing import ConfigError
from learn2compress.families.cutting import part_of
from learn2compress.families.network import build_family
from learn2compress.students.cost import count_macs
from learn2compress.students.sliced import num_parameters


def check_family_networks(config: CompressionConfig, family: FamilyConfig, num_classes: int) -> None:
    """Builds a family at its smallest size, and holds its cheapest sub-networks against the students' budgets.

    Args:
      config: A whole configuration.
      family: Its `search.family`.
      num_classes: Of the data, or the fewest there can be.

    Raises:
      ConfigError: the architecture can't be a family, or even the cheapest sub-network breaks a budget.
    """
    smallest = dataclasses.replace(family, input_sizes=family.input_sizes[:1])
    network = build_family(config.task, num_classes, config.training, smallest)
    parts = [part_of(network, view, end) for _, view, end in network.sub_networks() if view.width == family.widths[0]]
    least_macs = min(count_macs(part) for part in parts)
    # A file has a byte for each parameter at least.
    least_bytes = min(num_parameters(part) for part in parts)
    for student in config.picked_students:
        budget = student.budget
        limits = () if budget is None else (("macs", budget.max_macs), ("model_bytes", budget.max_model_bytes))
        for (name, limit), least in zip(limits, (least_macs, least_bytes), strict=False):
            if limit is not None and limit < least:
                raise ConfigError(
                    f"students.{student.name}.budget: found max_{name} {limit}, accepted is more than {least}: what "
                    f"the cheapest of the {family.num_sub_networks(config.training.stages)} sub-networks of "
                    "search.family needs at least"
                )
