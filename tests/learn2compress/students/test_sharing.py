"""What each strategy shares, and what it costs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest

from learn2compress.config import Sharing, StageConfig, StudentConfig, TaskConfig, TrainingConfig
from learn2compress.students.cost import count_macs
from learn2compress.students.joint import build_joint_network, standalone_student
from learn2compress.students.sharing import joint_cost
from learn2compress.training.checkpoint import Checkpoint


@pytest.mark.parametrize("sharing", list(Sharing))
def test_costs_are_those_of_the_joint_network_and_of_each_student_alone(
    joint_network: Callable[..., keras.Model], sharing: Sharing
) -> None:
    network = joint_network("mobilenet", sharing)
    cost = joint_cost(network)
    assert cost.joint_macs == count_macs(network)
    assert cost.student_macs == {name: count_macs(standalone_student(network, name)) for name in network.output}
    assert cost.joint_over_largest == cost.joint_macs / max(cost.student_macs.values())
    assert cost.joint_over_separate == cost.joint_macs / sum(cost.student_macs.values())
    assert cost.student_macs[cost.largest] == max(cost.student_macs.values())


def test_a_prefix_costs_little_more_than_its_largest_and_widths_cost_as_much_as_all_apart(
    joint_network: Callable[..., keras.Model],
) -> None:
    prefix = joint_cost(joint_network("residual", Sharing.PREFIX))
    hybrid = joint_cost(joint_network("residual", Sharing.HYBRID))
    width = joint_cost(joint_network("residual", Sharing.WIDTH))
    assert 1.0 < prefix.joint_over_largest < 1.1
    assert prefix.joint_over_separate < hybrid.joint_over_separate < 1.0
    assert width.joint_over_separate == 1.0


def test_widths_share_kernels_and_nothing_else(joint_network: Callable[..., keras.Model]) -> None:
    network = joint_network("residual", Sharing.WIDTH)
    apart = {name: standalone_student(network, name) for name in network.output}
    wide, narrow = (apart[name].get_layer(f"{name}_stage2_conv1") for name in ("large", "small"))
    np.testing.assert_array_equal(wide.kernel[:, :, :4, :8], narrow.kernel)
    wide, narrow = (apart[name].get_layer(f"{name}_stage2_norm1") for name in ("large", "small"))
    assert not np.any(np.isclose(wide.moving_mean[:8], narrow.moving_mean))
    # Only "medium" has a third stage.
    assert apart["medium"].get_layer("medium_stage3_conv1").kernel.shape == (3, 3, 8, 12)


def test_a_hybrid_shares_its_first_stages_and_nothing_else(joint_network: Callable[..., keras.Model]) -> None:
    network = joint_network("residual", Sharing.HYBRID)
    shared = [layer.name for layer in network.layers if layer.name.startswith("stage")]
    assert shared == ["stage1_conv1", "stage1_norm1", "stage1_relu1"]
    assert network.get_layer("small_stage2_conv1").kernel.shape == (3, 3, 8, 8)
    assert network.get_layer("large_stage2_conv1").kernel.shape == (3, 3, 8, 12)


def test_a_resnet_shares_its_stem_with_the_first_stages(joint_network: Callable[..., keras.Model]) -> None:
    network = joint_network("resnet", Sharing.HYBRID)
    shared = [layer.name for layer in network.layers if layer.name.startswith(("stem", "stage"))]
    assert shared == [
        "stem_conv", "stem_norm", "stem_relu",
        "stage1_block1_first_conv", "stage1_block1_first_norm", "stage1_block1_first_relu",
        "stage1_block1_second_conv", "stage1_block1_second_norm", "stage1_block1_add", "stage1_block1_relu",
    ]  # fmt: skip
    # Each branch has its own block of a convolution that halves, and one around which the shortcut goes.
    for name, channels in (("large", 12), ("small", 8)):
        assert network.get_layer(f"{name}_stage2_block1_first_conv").kernel.shape == (3, 3, 8, channels)
        assert network.get_layer(f"{name}_stage2_block1_second_conv").kernel.shape == (3, 3, channels, channels)


def test_a_prefix_has_one_width_for_all() -> None:
    training = TrainingConfig(stages=(StageConfig(8), StageConfig(12)))
    students = [StudentConfig("large", 2, 1.5), StudentConfig("small", 1, 1.5)]
    network = build_joint_network(TaskConfig(), 10, training, students)
    assert network.get_layer("stage1_conv1").filters == 12
    assert network.get_layer("stage2_conv1").filters == 16  # 18, which is no multiple of 4


@pytest.mark.parametrize("sharing", list(Sharing))
def test_a_checkpoint_holds_each_variable_once_and_brings_all_back(
    joint_network: Callable[..., keras.Model], sharing: Sharing, tmp_path: Path
) -> None:
    network = joint_network("mobilenet", sharing)
    variables = network.variables
    assert len({id(variable) for variable in variables}) == len(variables)
    kernels = sum(int(np.prod(variable.shape)) for variable in variables)
    assert kernels == network.count_params()
    inputs = np.random.default_rng(0).random((3, *network.input_shape[1:]), np.float32)
    before = {name: np.array(logits) for name, logits in network(inputs).items()}
    Checkpoint(tmp_path).save(variables, {})
    for variable in variables:
        variable.assign(variable * 0.5)
    assert Checkpoint(tmp_path).restore(variables) == {}
    for name, logits in network(inputs).items():
        np.testing.assert_array_equal(logits, before[name])
