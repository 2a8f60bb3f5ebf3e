"""Small networks of every shape that channels are taken out of."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import pytest

from learn2compress.config import StageConfig, StudentConfig, TaskConfig, TaskKind, TextFeatures, TrainingConfig
from learn2compress.pruning.channel_graph import ChannelGraph
from learn2compress.students.joint import build_joint_network, standalone_student
from learn2compress.students.layer_decomposition import decompose_layers

NUM_CLASSES = 10
STAGES = (StageConfig(16, 2), StageConfig(40, 2))
TASKS = {
    "residual": TaskConfig(),
    "resnet": TaskConfig(),
    "mobilenet": TaskConfig(),
    "nasnet": TaskConfig(),
    "projection": TaskConfig(TaskKind.TEXT, (64,)),
    "embedding": TaskConfig(TaskKind.TEXT, (12,), TextFeatures.HASHED_WORDS),
}


@pytest.fixture(scope="session")
def network() -> Callable[[str], keras.Model]:
    """Makes a student of a family, the "application" or the "plain" network, whose weights are all different."""

    def make(family: str) -> keras.Model:
        keras.utils.set_random_seed(1)
        made = {"application": application, "plain": plain}.get(family, lambda: student(family))()
        random = np.random.default_rng(2)
        for variable in made.variables:
            variable.assign(variable + random.uniform(0.0, 0.2, variable.shape).astype(np.float32))
        return made

    return make


def student(family: str) -> keras.Model:
    training = TrainingConfig(architecture=family, stages=STAGES)
    return standalone_student(
        build_joint_network(TASKS[family], NUM_CLASSES, training, [StudentConfig("only", 2)]), "only"
    )


def application() -> keras.Model:
    """In the manner of published networks: all kinds of connections, biases, padding, flattened at the end."""
    layers = keras.layers
    inputs = keras.Input((12, 12, 3))
    x = layers.Rescaling(2.0, -1.0)(inputs)
    stem = layers.Conv2D(16, 3, strides=2, padding="same", activation="relu", name="stem")(x)
    x = layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2, name="doubling")(stem)
    x = layers.BatchNormalization()(x)
    x = layers.Activation("relu6")(x)
    dense_block = layers.Concatenate(name="dense_block")([stem, x, layers.Conv2D(8, 1, name="growth")(x)])
    x = layers.SeparableConv2D(24, 3, padding="same", name="separable")(dense_block)
    shortcut = layers.Conv2D(24, 1, use_bias=False, name="shortcut")(dense_block)
    x = layers.Add()([x, shortcut])
    x = layers.ZeroPadding2D(1)(x)
    pooled = layers.Concatenate()([layers.MaxPooling2D(2)(x), layers.AveragePooling2D(2)(x)])
    gate = layers.Dense(48, activation="relu", name="gate")(layers.GlobalAveragePooling2D(keepdims=True)(pooled))
    x = layers.Multiply()([pooled, gate])
    x = layers.Flatten()(x)
    x = layers.Dropout(0.5)(x)
    x = layers.Dense(20, activation="relu", name="hidden")(x)
    return decompose_layers(keras.Model(inputs, layers.Dense(NUM_CLASSES, name="logits")(x), name="application"))


def plain() -> keras.Model:
    """Two convolutions that nothing normalizes."""
    inputs = keras.Input((8, 8, 1))
    x = keras.layers.Conv2D(16, 3, strides=2, activation="relu", name="first")(inputs)
    x = keras.layers.Conv2D(32, 1, activation="relu", name="second")(x)
    x = keras.layers.GlobalMaxPooling2D()(x)
    return keras.Model(inputs, keras.layers.Dense(NUM_CLASSES, name="logits")(x), name="plain")


@pytest.fixture(scope="session")
def zeroed() -> Callable[[keras.Model, ChannelGraph, np.ndarray], keras.Model]:
    """Copies a network; in the copy, of the same size, every weight of the units that are not kept is zero."""

    def zero(network: keras.Model, graph: ChannelGraph, kept: np.ndarray) -> keras.Model:
        copy = keras.models.clone_model(network)
        for layer in network.layers:
            weights = layer.get_weights()
            if layer.name in graph.layers and weights:
                channels = graph.layers[layer.name]
                first, *others = weights
                if isinstance(layer, (keras.layers.Conv2D, keras.layers.Dense, keras.layers.DepthwiseConv2D)):
                    first[..., ~kept[channels.inputs], :] = 0.0
                if not isinstance(layer, keras.layers.DepthwiseConv2D):
                    first[..., ~kept[channels.outputs]] = 0.0
                for weight in others:
                    weight[~kept[channels.outputs]] = 0.0
                weights = [first, *others]
            copy.get_layer(layer.name).set_weights(weights)
        return copy

    return zero
