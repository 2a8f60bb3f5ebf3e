"""Computes the batch statistics of every view anew: while training, they lag behind weights that others train, too.

Each is the mean over some thousand training images, as they are trained on, with the weights of the end (Yu & Huang,
universally slimmable networks, arXiv:1903.05134).
"""

from __future__ import annotations

import itertools
import math

import keras
import tensorflow as tf

from learn2compress import progress
from learn2compress.data.batches import TrainingData
from learn2compress.families.network import FamilyNetwork
from learn2compress.precision.view import faster_view
from learn2compress.training.plan import TrainingPlan
from learn2compress.training.step import as_float

_NUM_EXAMPLES = 4000


def recalibrate(network: FamilyNetwork, data: TrainingData, plan: TrainingPlan) -> None:
    """Sets the moving means and variances of all views.

    Args:
      network: Trained.
      data: Whose training examples are passed through, in the order and the views of the epoch after the last.
      plan: Of the training.
    """
    num_batches = min(data.steps_per_epoch, math.ceil(_NUM_EXAMPLES / data.batch_size))
    for done, model in enumerate(network.views.values(), start=1):
        _recalibrate(model, data, plan, num_batches)
        progress.report("statistics of sub-networks", done, len(network.views), unit="widths and sizes")


def _recalibrate(model: keras.Model, data: TrainingData, plan: TrainingPlan, num_batches: int) -> None:
    norms = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    # A batch's own statistics are what it adds to moving ones that are zero.
    shares = [1.0 - norm.momentum for norm in norms for _ in range(2)]
    moving = [variable for norm in norms for variable in (norm.moving_mean, norm.moving_variance)]
    sums = [tf.Variable(tf.zeros(variable.shape)) for variable in moving]
    view = faster_view(model)

    @tf.function
    def add(inputs: tf.Tensor) -> None:
        for variable in moving:
            variable.assign(tf.zeros(variable.shape))
        view(as_float(inputs), training=True)
        for total, variable, share in zip(sums, moving, shares, strict=True):
            total.assign_add(variable.value / share)

    for batch in itertools.islice(data.epoch(plan.data_seed, plan.epochs), num_batches):
        add(batch.inputs)
    for total, variable in zip(sums, moving, strict=True):
        variable.assign(total.numpy() / num_batches)
