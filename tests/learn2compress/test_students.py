"""The joint network and the students cut out of it."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from learn2compress.config import StageConfig, StudentConfig, TaskConfig, TaskKind
from learn2compress.students import build_joint_network, content_sha256, standalone_student

STAGES = (StageConfig(8, 1), StageConfig(12, 2), StageConfig(16, 1))
STUDENTS = (StudentConfig("large", 3), StudentConfig("medium", 2), StudentConfig("small", 1))


@pytest.fixture(scope="module")
def joint() -> keras.Model:
    keras.utils.set_random_seed(1)
    return build_joint_network(TaskConfig(), 10, STAGES, STUDENTS)


@pytest.mark.parametrize("name", ["large", "medium", "small"])
def test_a_standalone_student_computes_what_its_exit_computes(joint: keras.Model, name: str) -> None:
    images = np.random.default_rng(0).random((5, 8, 8, 1), np.float32)
    student = standalone_student(joint, name)
    np.testing.assert_array_equal(student(images), joint(images)[name])


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


def test_stages_behind_the_deepest_exit_are_not_built() -> None:
    joint = build_joint_network(TaskConfig(), 10, STAGES, STUDENTS[2:])
    assert not any(layer.name.startswith(("stage2", "stage3")) for layer in joint.layers)


def test_an_image_is_never_halved_below_one_pixel() -> None:
    joint = build_joint_network(TaskConfig(input_shape=(2, 3, 3)), 4, STAGES * 2, [StudentConfig("deep", 6)])
    assert joint.output["deep"].shape == (None, 4)


def test_a_text_student_is_dense() -> None:
    joint = build_joint_network(TaskConfig(TaskKind.TEXT, (256,)), 7, STAGES, STUDENTS)
    assert joint(np.zeros((2, 256), np.float32))["small"].shape == (2, 7)


def test_digest_follows_weights_and_architecture(joint: keras.Model) -> None:
    student = standalone_student(joint, "small")
    digest = content_sha256(student)
    assert content_sha256(standalone_student(joint, "small")) == digest
    weights = student.get_weights()
    weights[0].flat[0] += 1e-6
    student.set_weights(weights)
    assert content_sha256(student) != digest
    assert content_sha256(standalone_student(joint, "medium")) != digest
