"""A network in which no two students share a weight computes what the joint one does, and students leave it alike."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import pytest

from learn2compress.config import Sharing
from learn2compress.students.joint import content_sha256, standalone_student
from learn2compress.students.unsharing import copy_student, joint_layer_name, unshared_network

FAMILIES = pytest.mark.parametrize("family", ["residual", "mobilenet", "nasnet", "projection"])
SHARINGS = pytest.mark.parametrize("sharing", list(Sharing))


def variables_of(network: keras.Model, student: str) -> set[int]:
    return {id(weight) for weight in keras.Model(network.input, network.output[student]).weights}


@SHARINGS
@FAMILIES
def test_each_student_computes_the_same_with_weights_of_its_own(
    joint_network: Callable[..., keras.Model], family: str, sharing: Sharing
) -> None:
    joint = joint_network(family, sharing)
    unshared = unshared_network(joint)
    inputs = np.random.default_rng(0).random((5, *joint.input_shape[1:]), np.float32)
    expected, found = joint(inputs), unshared(inputs)
    assert list(found) == list(expected)
    seen: set[int] = {id(weight) for weight in joint.weights}
    for name in joint.output:
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-5, atol=1e-6)
        assert not seen & variables_of(unshared, name)
        seen |= variables_of(unshared, name)


@SHARINGS
@FAMILIES
def test_a_student_leaves_it_as_it_would_have_left_the_joint_network(
    joint_network: Callable[..., keras.Model], family: str, sharing: Sharing
) -> None:
    joint = joint_network(family, sharing)
    unshared = unshared_network(joint)
    for name in joint.output:
        one, other = standalone_student(joint, name), standalone_student(unshared, name)
        assert [layer.name for layer in other.layers] == [layer.name for layer in one.layers]
        assert content_sha256(other) == content_sha256(one)


def test_one_student_is_copied_without_the_others(joint_network: Callable[..., keras.Model]) -> None:
    joint = joint_network("residual", Sharing.PREFIX)
    unshared = unshared_network(joint)
    first, second, *_ = joint.output
    before = {name: standalone_student(unshared, name).get_weights() for name in (first, second)}
    for weight in joint.weights:
        weight.assign(weight + 1.0)
    copy_student(joint, unshared, first)
    after = {name: standalone_student(unshared, name).get_weights() for name in (first, second)}
    for old, new in zip(before[first], after[first], strict=True):
        np.testing.assert_array_equal(new, old + 1.0)
    for old, new in zip(before[second], after[second], strict=True):
        np.testing.assert_array_equal(new, old)


@SHARINGS
def test_layers_have_the_names_that_the_joint_network_knows(
    joint_network: Callable[..., keras.Model], sharing: Sharing
) -> None:
    joint = joint_network("residual", sharing)
    unshared = unshared_network(joint)
    assert {joint_layer_name(joint, layer.name) for layer in joint.layers} == {layer.name for layer in joint.layers}
    known = {layer.name for layer in joint.layers if layer.weights}
    assert {joint_layer_name(unshared, layer.name) for layer in unshared.layers if layer.weights} == known
