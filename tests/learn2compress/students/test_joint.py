"""The joint network and the students cut out of it."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import pytest

from learn2compress.config import Sharing, StageConfig, StudentConfig, TaskConfig, TrainingConfig
from learn2compress.students.joint import build_joint_network, content_sha256, standalone_student
from learn2compress.students.sliced import SlicedConv2D, SlicedDense, SlicedDepthwiseConv2D

STAGES = (StageConfig(8, 1), StageConfig(12, 2), StageConfig(16, 1))
STUDENTS = (StudentConfig("large", 3), StudentConfig("medium", 2), StudentConfig("small", 1))
TRAINING = TrainingConfig(stages=STAGES)
SLICED = (SlicedConv2D, SlicedDepthwiseConv2D, SlicedDense)


@pytest.fixture(scope="module")
def joint() -> keras.Model:
    keras.utils.set_random_seed(1)
    return build_joint_network(TaskConfig(), 10, TRAINING, STUDENTS)


@pytest.mark.parametrize("sharing", list(Sharing))
@pytest.mark.parametrize("family", ["residual", "resnet", "mobilenet", "nasnet", "projection"])
def test_a_standalone_student_is_plain_and_computes_what_its_exit_computes(
    joint_network: Callable[..., keras.Model], family: str, sharing: Sharing
) -> None:
    network = joint_network(family, sharing)
    inputs = np.random.default_rng(0).random((5, *network.input_shape[1:]), np.float32)
    expected = network(inputs)
    for name in network.output:
        student = standalone_student(network, name)
        assert not any(isinstance(layer, SLICED) for layer in student.layers)
        np.testing.assert_allclose(student(inputs), expected[name], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("family", ["residual", "resnet", "mobilenet", "nasnet"])
def test_a_stage_that_shall_not_halve_keeps_the_image_as_large_as_it_is(family: str) -> None:
    stages = (StageConfig(8), StageConfig(8), StageConfig(8, halve=False))
    students = (StudentConfig("large", 3), StudentConfig("small", 2))
    training = TrainingConfig(architecture=family, stages=stages)
    network = build_joint_network(TaskConfig(input_shape=(12, 12, 3)), 10, training, students)
    sizes = [layer.output.shape[1] for layer in network.layers if layer.name.startswith("stage3")]
    assert set(sizes) == {6}


@pytest.mark.parametrize("sharing", list(Sharing))
@pytest.mark.parametrize("family", ["residual", "resnet", "mobilenet", "nasnet", "projection"])
def test_every_weight_of_a_joint_network_learns(
    joint_network: Callable[..., keras.Model], family: str, sharing: Sharing
) -> None:
    import tensorflow as tf

    network = joint_network(family, sharing)
    inputs = np.random.default_rng(0).random((16, *network.input_shape[1:]), np.float32)
    labels = np.arange(16) % 5
    with tf.GradientTape() as tape:
        losses = [
            keras.losses.sparse_categorical_crossentropy(labels, logits, from_logits=True)
            for logits in network(inputs, training=True).values()
        ]
        loss = tf.reduce_sum(losses)
    gradients = tape.gradient(loss, network.trainable_variables)
    for variable, gradient in zip(network.trainable_variables, gradients, strict=True):
        assert gradient is not None, variable.path
        assert np.all(np.isfinite(gradient)), variable.path


def test_students_share_the_trunk_and_nothing_else(joint: keras.Model) -> None:
    sizes = {name: standalone_student(joint, name).count_params() for name in joint.output}
    assert sizes["small"] < sizes["medium"] < sizes["large"]
    trunk_of_small = sum(layer.count_params() for layer in joint.layers if layer.name.startswith("stage1"))
    heads = {name: sum(x.count_params() for x in joint.layers if x.name.startswith(f"{name}_")) for name in sizes}
    assert sizes["small"] == trunk_of_small + heads["small"]
    assert joint.count_params() < sum(sizes.values())
    assert joint.count_params() == sizes["large"] + heads["medium"] + heads["small"]


def test_a_student_has_its_own_copy_of_the_weights(joint: keras.Model) -> None:
    student = standalone_student(joint, "small")
    before = joint.get_weights()
    student.set_weights([weights + 1 for weights in student.get_weights()])
    for old, new in zip(before, joint.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_a_standalone_student_survives_saving(joint: keras.Model, tmp_path) -> None:  # type: ignore[no-untyped-def]
    student = standalone_student(joint, "medium")
    student.save(tmp_path / "student.keras")
    read = keras.saving.load_model(tmp_path / "student.keras", compile=False, safe_mode=True)
    assert content_sha256(read) == content_sha256(student)


def test_stages_behind_the_deepest_exit_are_not_built() -> None:
    joint = build_joint_network(TaskConfig(), 10, TRAINING, STUDENTS[2:])
    assert not any(layer.name.startswith(("stage2", "stage3")) for layer in joint.layers)


def test_a_student_without_a_stage_ends_after_the_last() -> None:
    left_out = build_joint_network(TaskConfig(), 10, TRAINING, [StudentConfig("deep")])
    said = build_joint_network(TaskConfig(), 10, TRAINING, [StudentConfig("deep", 3)])
    assert [layer.name for layer in left_out.layers] == [layer.name for layer in said.layers]


@pytest.mark.parametrize("family", ["residual", "resnet", "mobilenet", "nasnet"])
def test_an_image_is_never_halved_below_one_pixel(family: str) -> None:
    training = TrainingConfig(architecture=family, stages=STAGES * 2)
    joint = build_joint_network(TaskConfig(input_shape=(2, 3, 3)), 4, training, [StudentConfig("deep", 6)])
    assert joint.output["deep"].shape == (None, 4)


def test_digest_follows_weights_and_architecture(joint: keras.Model) -> None:
    student = standalone_student(joint, "small")
    digest = content_sha256(student)
    assert content_sha256(standalone_student(joint, "small")) == digest
    weights = student.get_weights()
    weights[0].flat[0] += 1e-6
    student.set_weights(weights)
    assert content_sha256(student) != digest
    assert content_sha256(standalone_student(joint, "medium")) != digest
