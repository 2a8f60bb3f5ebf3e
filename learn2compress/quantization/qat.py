"""Training with simulated 8-bit arithmetic (Jacob et al., arXiv:1712.05877)."""

from __future__ import annotations

import keras

from learn2compress.data.batches import TrainingData
from learn2compress.keras_internals import leaf_layers
from learn2compress.pruning import keep_zeros, sparsity_of
from learn2compress.quantization.qat_network import quantization_aware
from learn2compress.results.reports import EpochRecord
from learn2compress.teachers.live import LiveTeacher
from learn2compress.training.checkpoint import Checkpoint
from learn2compress.training.loop import by_name, fit
from learn2compress.training.plan import TrainingPlan


def train_quantized(
    student: keras.Model,
    name: str,
    data: TrainingData,
    min_layer_weights: int,
    plan: TrainingPlan,
    *,
    teacher: LiveTeacher | None = None,
    checkpoint: Checkpoint | None = None,
) -> tuple[keras.Model, tuple[EpochRecord, ...]]:
    """Trains a copy of a student in simulated 8-bit arithmetic; weights that are zero stay zero.

        network, records = train_quantized(student, "small", data, 1000, plan)
        model_bytes = to_int8_litert(network).pack()

    Args:
      student: A float model as `learn2compress.quantization.qat_network.quantization_aware` takes it.
      name: Its name in the history.
      data: Examples, beside the teacher's logits unless `teacher` is given.
      min_layer_weights: Kernels at least this large keep their zeros.
      plan: How to train.
      teacher: Runs in each step, unless its logits are stored.
      checkpoint: Where an interrupted training is resumed.

    Returns:
      The network to convert, and one record per epoch.
    """
    network = quantization_aware(student)
    layers = leaf_layers(network)
    keep_zeros(layers, min_layer_weights)
    history = fit(
        by_name(network, name),
        data,
        plan,
        teacher=teacher,
        checkpoint=checkpoint,
        sparsity_of=lambda: sparsity_of(layers, min_layer_weights),
    )
    return network, history[name]
