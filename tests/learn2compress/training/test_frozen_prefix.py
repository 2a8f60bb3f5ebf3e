"""A network run in two parts, the frozen one before the tape, trains as it does whole."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import pytest
import tensorflow as tf

from learn2compress.config import DistillationConfig, Precision
from learn2compress.data.batches import TrainingBatch
from learn2compress.keras_internals import leaf_layers
from learn2compress.training import step as step_module
from learn2compress.training.frozen_prefix import split_frozen_prefix
from learn2compress.training.loop import make_deterministic
from learn2compress.training.step import TrainStep

layers = keras.layers


def batch_of(seed: int) -> TrainingBatch:
    rng = np.random.default_rng(seed)
    return TrainingBatch(
        rng.integers(0, 256, (16, 8, 8, 1), np.uint8),
        np.eye(10, dtype=np.float32)[rng.integers(0, 10, 16)],
        rng.normal(size=(16, 10)).astype(np.float32),
    )


def stage(features: keras.KerasTensor, name: str) -> keras.KerasTensor:
    features = layers.Conv2D(8, 3, padding="same", name=f"{name}_conv")(features)
    return layers.ReLU(name=f"{name}_relu")(layers.BatchNormalization(momentum=0.9, name=f"{name}_norm")(features))


def logits(features: keras.KerasTensor, student: str) -> keras.KerasTensor:
    pooled = layers.GlobalAveragePooling2D(name=f"{student}_pool")(features)
    return layers.Dense(10, name=f"{student}_logits")(pooled)


def trunk() -> keras.Model:
    """A join and an early exit behind the first stage, which may be frozen, as all three may."""
    inputs = keras.Input((8, 8, 1), name="input")
    first = stage(layers.Rescaling(2.0, -1.0, name="scaling")(inputs), "a")
    second = layers.Add(name="join")([first, stage(first, "b")])
    return keras.Model(inputs, {"large": logits(stage(second, "c"), "large"), "small": logits(first, "small")})


def dropping() -> keras.Model:
    """Dropout between the stages: what it drops is a random number of the step."""
    inputs = keras.Input((8, 8, 1), name="input")
    first = layers.Dropout(0.5, seed=4, name="drop")(stage(inputs, "a"))
    return keras.Model(inputs, {"large": logits(stage(first, "b"), "large"), "small": logits(first, "small")})


def raw_input_again() -> keras.Model:
    """The image itself joins what a stage that learns makes of a frozen one."""
    inputs = keras.Input((8, 8, 1), name="input")
    joined = layers.Concatenate(name="join")([inputs, stage(stage(inputs, "a"), "b")])
    return keras.Model(inputs, {"large": logits(joined, "large")})


def nested() -> keras.Model:
    """A network of two stages as one layer."""
    inner = keras.Input((8, 8, 1))
    body = keras.Model(inner, stage(stage(inner, "a"), "b"), name="body")
    inputs = keras.Input((8, 8, 1), name="input")
    return keras.Model(inputs, {"large": logits(stage(body(inputs), "c"), "large")})


def shared() -> keras.Model:
    """A frozen layer that is applied before and behind one that learns."""
    inputs = keras.Input((8, 8, 1), name="input")
    twice = layers.Conv2D(1, 3, padding="same", name="a_conv")
    return keras.Model(inputs, {"large": logits(twice(layers.Conv2D(1, 3, name="b_conv")(twice(inputs))), "large")})


def frozen_logits() -> keras.Model:
    """A student that is frozen whole beside one that learns."""
    inputs = keras.Input((8, 8, 1), name="input")
    first = stage(inputs, "a")
    return keras.Model(inputs, {"large": logits(stage(first, "b"), "large"), "small": logits(first, "small")})


NETWORKS = [
    (trunk, "a", {"a_conv", "a_norm"}),
    (trunk, "ab", {"a_conv", "a_norm", "b_conv", "b_norm"}),
    (trunk, "abc", {"a_conv", "a_norm", "b_conv", "b_norm", "c_conv", "c_norm"}),
    # What is frozen behind a layer that learns passes gradients on.
    (trunk, "bc", set()),
    (dropping, "a", {"a_conv", "a_norm", "drop"}),
    (raw_input_again, "a", {"a_conv", "a_norm"}),
    (nested, "ab", {"a_conv", "a_norm", "b_conv", "b_norm"}),
    # Some of it learns: as one layer, it stays whole.
    (nested, "a", set()),
    (shared, "a", {"a_conv"}),
    (frozen_logits, ("a", "small"), {"a_conv", "a_norm", "small_logits"}),
]


def new_network(build: Callable[[], keras.Model], frozen: str | tuple[str, ...]) -> keras.Model:
    make_deterministic(5)
    network = build()
    for layer in leaf_layers(network):
        layer.trainable = not layer.name.startswith(tuple(f"{name}_" for name in frozen))
    return network


def train(
    build: Callable[[], keras.Model], frozen: str | tuple[str, ...], precision: Precision
) -> tuple[list[np.ndarray], dict[str, list]]:
    """Losses of three steps and the weights after them."""
    network = new_network(build, frozen)
    step = TrainStep(network, DistillationConfig(), learning_rate=0.01, precision=precision)
    losses = [step.run(batch_of(seed), step.students).numpy() for seed in range(3)]
    return losses, {layer.name: layer.get_weights() for layer in leaf_layers(network) if layer.weights}


@pytest.mark.parametrize("precision", Precision)
@pytest.mark.parametrize(("build", "frozen", "in_prefix"), NETWORKS)
def test_trains_as_the_whole_network_does(
    build: Callable[[], keras.Model],
    frozen: str | tuple[str, ...],
    in_prefix: set[str],
    precision: Precision,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    prefix, _ = split_frozen_prefix(new_network(build, frozen))
    found = {layer.name for layer in leaf_layers(prefix) if layer.variables} if prefix else set()
    assert found == in_prefix
    losses, weights = train(build, frozen, precision)
    monkeypatch.setattr(step_module, "split_frozen_prefix", lambda network: (None, network))
    whole_losses, whole_weights = train(build, frozen, precision)
    np.testing.assert_array_equal(losses, whole_losses)
    for name, values in whole_weights.items():
        for one, other in zip(weights[name], values, strict=True):
            np.testing.assert_array_equal(one, other, err_msg=name)


def test_a_stage_that_is_released_learns_from_then_on() -> None:
    network = new_network(trunk, "")
    step = TrainStep(network, DistillationConfig(), learning_rate=0.01)
    for name in ("a_conv", "a_norm", "b_conv", "b_norm"):
        network.get_layer(name).trainable = False
    before = {layer.name: layer.get_weights() for layer in network.layers if layer.weights}

    def moved() -> set[str]:
        after = {name: network.get_layer(name).get_weights() for name in before}
        return {name for name in before if any((a != b).any() for a, b in zip(before[name], after[name], strict=True))}

    step.run(batch_of(0), step.students)
    learning = {"c_conv", "c_norm", "large_logits", "small_logits"}
    # Moving statistics are weights, too: normalization in the prefix keeps its own.
    assert moved() == learning
    network.get_layer("b_conv").trainable = network.get_layer("b_norm").trainable = True
    step.run(batch_of(1), step.students)
    assert moved() == learning | {"b_conv", "b_norm"}


def test_no_gradients_are_built_of_what_is_frozen() -> None:
    network = new_network(trunk, "ab")
    step = TrainStep(network, DistillationConfig(), learning_rate=0.01)
    compiled = step._compile(tuple(step.students), network.trainable_variables)
    operators = [operator.type for operator in compiled.get_concrete_function(*batch_of(0)).graph.get_operations()]
    assert operators.count("Conv2D") == 3
    assert operators.count("Conv2DBackpropFilter") == 1


def test_without_frozen_layers_a_network_stays_whole() -> None:
    network = new_network(trunk, "")
    assert split_frozen_prefix(network) == (None, network)


def test_both_parts_compute_with_the_layers_of_the_network_and_leave_it_alone() -> None:
    network = new_network(trunk, "a")
    images = tf.constant(batch_of(0).inputs, tf.float32)
    before = network(images)
    prefix, rest = split_frozen_prefix(network)
    assert prefix is not None
    assert {id(variable) for variable in [*prefix.variables, *rest.variables]} == {id(v) for v in network.variables}
    assert rest.trainable_variables == network.trainable_variables
    for name, logits_of_parts in rest(prefix(images)).items():
        np.testing.assert_array_equal(logits_of_parts, before[name])
        np.testing.assert_array_equal(network(images)[name], before[name])
