"""Loads the trained Keras model that students start from, and decides which of its layers are frozen in which epoch."""

from __future__ import annotations

import tempfile
from pathlib import Path

import keras

from learn2compress.config import PretrainedConfig, TaskConfig, TrainingConfig
from learn2compress.config.parsing import ConfigError, about
from learn2compress.students.trunk import trunk_of
from learn2compress.teachers.fetching import fetch_teacher
from learn2compress.teachers.opening import open_keras_model
from learn2compress.teachers.safety import content_sha256


def load_pretrained(training: TrainingConfig, task: TaskConfig, expected_sha256: str = "") -> keras.Model | None:
    """Loads the model that `training.pretrained` names, behind the checks that teachers pass.

    Example:
      >>> import keras
      >>> from learn2compress.config import PretrainedConfig, TaskConfig, TrainingConfig
      >>> from learn2compress.students.pretrained import load_pretrained
      >>> inputs = keras.Input((8, 8, 1))
      >>> first = keras.layers.Conv2D(4, 3, strides=2, padding="same", activation="relu", name="first")(inputs)
      >>> second = keras.layers.Conv2D(8, 3, padding="same", activation="relu", name="second")(first)
      >>> keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(second)).save("trained.keras")
      >>> pretrained = PretrainedConfig("trained.keras", exits=("first", "second"))
      >>> trunk = load_pretrained(TrainingConfig(pretrained=pretrained), TaskConfig())
      >>> [output.shape for output in trunk.outputs]
      [(None, 4, 4, 4), (None, 4, 4, 8)]

    Args:
      training: Which model, and its exits.
      task: Shape of the input.
      expected_sha256: Digest of the file that the run was started with; empty, it is not compared.

    Returns:
      The trunk as `trunk_of` makes it, or `None` where no model is named.

    Raises:
      UnsafeTeacherError: before anything of the file is loaded.
      ConfigError: the model is damaged, does not fit, or changed since the run
        was started; the message names the field.
    """
    config = training.pretrained
    if config is None:
        return None
    with about("training.pretrained.uri"), tempfile.TemporaryDirectory() as folder:
        path = fetch_teacher(config.uri, Path(folder))
        if expected_sha256 and content_sha256(path) != expected_sha256:
            raise ConfigError(f"{config.uri} changed after the run was started: start it again to use it as it is now")
        model = open_keras_model(path)
    return trunk_of(model, config, task)


def frozen_layers(training: TrainingConfig, network: keras.Model, epoch: int) -> frozenset[str]:
    """Returns the layers that are frozen in an epoch of the joint training.

    First the heads learn alone, then the trunk's stages are released from the
    last to the first (gradual unfreezing; Howard & Ruder, arXiv:1801.06146).

    Args:
      training: Epochs and the schedule. `frozen_stages` never learn. Each other
        stage is released at an epoch of its own, rounded to whole ones: the last
        when the heads have learned alone, the first when `unfreeze_ratio` has passed.
      network: From `build_joint_network`.
      epoch: 0-based.

    Returns:
      Names of layers with weights; none without a pretrained trunk.
    """
    config = training.pretrained
    if config is None:
        return frozenset()
    stages = _stages(network, config)
    frozen: set[str] = set()
    for number, names in enumerate(stages, start=1):
        released = _released_at_ratio(config, number, len(stages))
        if released is None or epoch < round(released * training.epochs):
            frozen |= names
    return frozenset(frozen)


def _released_at_ratio(config: PretrainedConfig, number: int, num_stages: int) -> float | None:
    """Returns the share of the epochs after which stage `number` is released; `None` where it never is."""
    if number <= config.frozen_stages:
        return None
    steps = num_stages - config.frozen_stages - 1
    share = (num_stages - number) / steps if steps else 0.0
    return config.frozen_epochs_ratio + config.unfreeze_ratio * share


def _stages(network: keras.Model, config: PretrainedConfig) -> list[set[str]]:
    """Returns the names of the layers with weights of each stage that a network has."""
    names = {layer.name for layer in network.layers}
    stages: list[set[str]] = []
    before: set[str] = set()
    for name in config.exits:
        if name in names:
            layers = keras.Model(network.input, network.get_layer(name).output).layers
            stages.append({layer.name for layer in layers if layer.weights} - before)
            before |= stages[-1]
    return stages
