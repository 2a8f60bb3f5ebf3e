"""Statistics are those of the training images at each width and size, whatever was there before."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from learn2compress.config import FamilyConfig, TrainingConfig
from learn2compress.data.batches import TrainingData
from learn2compress.families.network import FamilyNetwork
from learn2compress.families.statistics import recalibrate
from learn2compress.families.training import family_plan


def test_they_are_the_mean_over_the_batches_of_one_epoch(
    network: FamilyNetwork, training: TrainingConfig, family: FamilyConfig, digits_data: Callable[..., TrainingData]
) -> None:
    data, plan = digits_data(batch_size=64), family_plan(network, training, family, 3)
    before = {id(v): np.array(v) for v in network.whole.trainable_variables}
    for model in network.views.values():
        for norm in (layer for layer in model.layers if hasattr(layer, "moving_mean")):
            norm.moving_mean.assign(norm.moving_mean + 50.0)
    recalibrate(network, data, plan)
    assert all((np.array(v) == before[id(v)]).all() for v in network.whole.trainable_variables)
    for view, model in network.views.items():
        stem = model.get_layer(f"{view.prefix}stem_norm")
        batches = [batch.inputs.numpy() / np.float32(255) for batch in data.epoch(plan.data_seed, plan.epochs)]
        assert len(batches) == 8
        taps = type(model)(model.input, stem.input)
        features = [np.array(taps(batch)) for batch in batches]
        np.testing.assert_allclose(stem.moving_mean, np.mean([f.mean((0, 1, 2)) for f in features], 0), atol=1e-5)
        np.testing.assert_allclose(stem.moving_variance, np.mean([f.var((0, 1, 2)) for f in features], 0), rtol=1e-3)
