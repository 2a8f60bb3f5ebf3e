"""A family shares kernels by width, depth and size; each of its views computes what a network of its own would."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from learn2compress.config import FamilyConfig, StageConfig, TaskConfig, TaskKind, TextFeatures, TrainingConfig
from learn2compress.config.parsing import ConfigError
from learn2compress.families.network import Exit, FamilyNetwork, View, build_family
from learn2compress.students.architecture import Architecture
from learn2compress.students.input_resizing import InputResizing

STAGES = (StageConfig(8, 2), StageConfig(16, 2))
TASK = TaskConfig(input_shape=(12, 8, 1))
FAMILY = FamilyConfig(widths=(0.5, 1.0), input_sizes=(8, 12))


def family_of(architecture: str = "resnet", family: FamilyConfig = FAMILY, task: TaskConfig = TASK) -> FamilyNetwork:
    return build_family(task, 10, TrainingConfig(architecture=architecture, stages=STAGES), family)


@pytest.fixture(scope="module")
def network() -> FamilyNetwork:
    return family_of()


def test_there_is_a_view_for_each_width_and_size_with_every_block_an_exit(network: FamilyNetwork) -> None:
    assert set(network.views) == {View(w, s) for w in (0.5, 1.0) for s in (8, 12)}
    assert network.exits == (Exit(1, 1), Exit(1, 2), Exit(2, 1), Exit(2, 2))
    assert (network.widest, network.narrowest) == (View(1.0, 12), View(0.5, 12))
    assert len(network.sub_networks()) == len(network.whole.output) == 16
    assert {tuple(logits.shape) for logits in network.whole.output.values()} == {(None, 10)}


def test_kernels_are_the_widests_alone_and_scales_one_for_each_width(network: FamilyNetwork) -> None:
    kernels = [v for v in network.whole.variables if v.name.endswith("kernel")]
    own = [v for v in network.views[network.widest].variables if v.name.endswith("kernel")]
    assert {id(kernel) for kernel in kernels} == {id(kernel) for kernel in own}
    scales = [v for v in network.whole.variables if v.name == "gamma"]
    at_12 = [v for width in (0.5, 1.0) for v in network.views[View(width, 12)].variables if v.name == "gamma"]
    assert {id(scale) for scale in scales} == {id(scale) for scale in at_12}
    biases = [v for v in network.whole.variables if v.name == "bias"]
    assert len(biases) == 2 * len(network.exits)
    means = [v for v in network.whole.variables if v.name == "moving_mean"]
    norms = [layer for model in network.views.values() for layer in model.layers if hasattr(layer, "moving_mean")]
    assert len(means) == len(norms) > len(scales)


def test_a_view_is_a_pass_of_its_own_trunk_once(network: FamilyNetwork) -> None:
    for view, model in network.views.items():
        names = [layer.name for layer in model.layers]
        assert len(names) == len(set(names))
        trunk = [name for name in names if name.startswith(f"{view.prefix}stage2_block2_first_conv")]
        assert len(trunk) == 1


def test_a_smaller_size_keeps_proportions(network: FamilyNetwork) -> None:
    model = network.views[View(1.0, 8)]
    (resize,) = [layer for layer in model.layers if isinstance(layer, InputResizing)]
    assert resize.output.shape == (None, 8, 5, 1)
    assert not any(isinstance(layer, InputResizing) for layer in network.views[View(1.0, 12)].layers)


def test_views_give_the_same_as_the_whole(network: FamilyNetwork) -> None:
    images = np.random.default_rng(0).random((2, 12, 8, 1), np.float32)
    logits = network.whole(images)
    for view, model in network.views.items():
        for name, found in model(images).items():
            np.testing.assert_allclose(found, logits[f"{view.prefix}{name}"], atol=1e-5)


@pytest.mark.parametrize("architecture", ["residual", "mobilenet", "nasnet"])
def test_every_architecture_of_images_can_be_one(architecture: str) -> None:
    assert len(family_of(architecture).sub_networks()) == 16


@pytest.mark.parametrize(
    ("architecture", "features"),
    [("projection", TextFeatures.HASHED_NGRAMS), ("embedding", TextFeatures.HASHED_WORDS)],
)
def test_text_has_widths_and_exits(architecture: str, features: TextFeatures) -> None:
    task = TaskConfig(TaskKind.TEXT, (64,), features)
    network = family_of(architecture, FamilyConfig(widths=(0.5, 1.0)), task)
    assert set(network.views) == {View(1.0, None), View(0.5, None)}
    assert network.whole.output["w0.5_exit2_1"].shape == (None, 10)


def test_exits_behind_stages_alone() -> None:
    network = family_of(family=FamilyConfig(widths=(1.0,), blocks=False))
    assert network.exits == (Exit(1, 2), Exit(2, 2))


def test_widths_of_the_same_channels_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"widths: found 0.55 and 0.5, which have the same channels"):
        family_of(family=FamilyConfig(widths=(0.5, 0.55, 1.0)))


class LastIsOther(Architecture):
    """Its last block takes what two blocks before it made."""

    task_kind = TaskKind.IMAGE

    def stage(self, features, stage, number, layers):  # type: ignore[no-untyped-def]
        first = layers.conv(features, stage.channels, f"stage{number}_first")
        for block in range(1, stage.blocks):
            features = layers.conv(first if block == stage.blocks - 1 else features, 8, f"stage{number}_conv{block}")
        return layers.relu(features if stage.blocks > 1 else first, f"stage{number}_relu")

    def head(self, features, num_classes, layers):  # type: ignore[no-untyped-def]
        return layers.logits(keras.layers.GlobalAveragePooling2D(name=layers.name("pool"))(features), num_classes)


def test_stages_that_are_not_built_block_by_block_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("learn2compress.families.network.find_architecture", lambda *_: LastIsOther())
    with pytest.raises(ConfigError, match=r"search.family.blocks: found true .* accepted is false"):
        family_of()
