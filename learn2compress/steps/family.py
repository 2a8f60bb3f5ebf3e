"""The training and the measurement of a family, and the folder that it is kept in."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from pydantic import TypeAdapter

from learn2compress.config import FamilyConfig
from learn2compress.config.parsing import ConfigError
from learn2compress.families.measuring import measure_family
from learn2compress.families.network import FamilyNetwork, build_family
from learn2compress.families.statistics import recalibrate
from learn2compress.families.training import family_plan, train_family
from learn2compress.file_names import FAMILY_WEIGHTS_FILE, FRONT_FILE, HISTORY_FILE
from learn2compress.results.reports import json_bytes, read_json, write_json
from learn2compress.results.sub_networks import FamilyFront
from learn2compress.steps.student_folder import History
from learn2compress.steps.training_inputs import TrainingInputs
from learn2compress.training.accuracy import check_validation_examples
from learn2compress.training.loop import make_deterministic


@dataclasses.dataclass(frozen=True)
class TrainedFamily:
    """A family after its training.

    Attributes:
      network: With statistics of each view.
      history: Epochs of the deepest exits of the widest and of the narrowest view, by output name.
      front: What was measured on all sub-networks.
    """

    network: FamilyNetwork
    history: dict[str, History]
    front: FamilyFront


def make_family(inputs: TrainingInputs, labels: Sequence[str], family: FamilyConfig) -> TrainedFamily:
    """Trains a family and measures all of its sub-networks.

    Args:
      inputs: What to train with.
      labels: Class names in index order.
      family: Widths, sizes and depths.

    Raises:
      ConfigError: too few labelled examples are kept back to compare sub-networks by, or the architecture can't be one.
    """
    settings = inputs.settings
    check_validation_examples(inputs.data.num_labelled_validation, "search.family", "name data.validation_uri")
    make_deterministic(settings.seed)
    network = build_family(settings.task, inputs.examples.num_classes, settings.training, family)
    plan = family_plan(network, settings.training, family, settings.seed)
    history = train_family(network, inputs.data, plan, family, teacher=inputs.teacher, checkpoint=inputs.checkpoint)
    recalibrate(network, inputs.data, plan)

    def measure() -> str:
        return json_bytes(measure_family(network, inputs.data, settings.task, labels)).decode()

    front = TypeAdapter(FamilyFront).validate_json(inputs.checkpoint.once("front", measure))
    return TrainedFamily(network, history, front)


def write_family_folder(folder: Path, trained: TrainedFamily) -> None:
    """Writes a family: its weights, its epochs, and what was measured on all sub-networks.

    Args:
      folder: Made where it is not there.
      trained: The family.
    """
    folder.mkdir(parents=True, exist_ok=True)
    weights = trained.network.whole.get_weights()
    np.savez(folder / FAMILY_WEIGHTS_FILE, **{f"v{index}": value for index, value in enumerate(weights)})
    write_json(folder / HISTORY_FILE, trained.history)
    write_json(folder / FRONT_FILE, trained.front)


def read_family(folder: Path, inputs: TrainingInputs, family: FamilyConfig) -> tuple[FamilyNetwork, FamilyFront]:
    """Reads what `write_family_folder` wrote.

    Args:
      folder: The family's.
      inputs: Of the same settings as those of its training.
      family: As for its training.

    Raises:
      ConfigError: the weights are of another family.
    """
    settings = inputs.settings
    network = build_family(settings.task, inputs.examples.num_classes, settings.training, family)
    with np.load(folder / FAMILY_WEIGHTS_FILE, allow_pickle=False) as saved:
        weights = [saved[f"v{index}"] for index in range(len(saved.files))]
    expected = [tuple(weight.shape) for weight in network.whole.weights]
    if [weight.shape for weight in weights] != expected:
        raise ConfigError(f"{folder}: found the weights of another family, accepted are those of this configuration's")
    network.whole.set_weights(weights)
    return network, read_front(folder)


def read_front(folder: Path) -> FamilyFront:
    """Reads what was measured on all sub-networks of a family.

    Args:
      folder: The family's.
    """
    front: FamilyFront = read_json(FamilyFront, folder / FRONT_FILE)
    return front
