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

    Example:
      >>> import dataclasses
      >>> from pathlib import Path
      >>> from sklearn.datasets import load_digits
      >>> from learn2compress.config import DistillationConfig, StageConfig, StudentConfig, TaskConfig, TrainingConfig
      >>> from learn2compress.data.batches import TrainingData
      >>> from learn2compress.data.examples import encode_example, shard_path, write_shard
      >>> from learn2compress.litert.interpreter import predict
      >>> from learn2compress.quantization.convert import to_int8_litert
      >>> from learn2compress.quantization.qat import train_quantized
      >>> from learn2compress.students.joint import build_joint_network, standalone_student
      >>> from learn2compress.training.loop import by_name, fit, make_deterministic
      >>> from learn2compress.training.plan import TrainingPlan
      >>> digits = load_digits()
      >>> pixels = (digits.images * 15).astype("uint8")
      >>> def example(i):
      ...     return encode_example(pixels[i].tobytes(), int(digits.target[i]), f"{i:064x}", f"digit {i}")
      >>> write_shard(shard_path("train", 0, 1), map(example, range(1000)))
      >>> write_shard(shard_path("held_out", 0, 1), map(example, range(1000, 1500)))
      >>> data = TrainingData(
      ...     train=Path("train"), train_logits=None, held_out=Path("held_out"), num_train=1000, num_held_out=500,
      ...     num_classes=10, input_shape=(8, 8, 1), batch_size=32, shuffle_buffer=1000)
      >>> make_deterministic(7)
      >>> training = TrainingConfig(stages=(StageConfig(16),))
      >>> joint = build_joint_network(TaskConfig(), 10, training, [StudentConfig("small")])
      >>> student = standalone_student(joint, "small")
      >>> plan = TrainingPlan("train", 3, learning_rate=0.03, distillation=DistillationConfig(weight=0.0), seed=7)
      >>> _ = fit(by_name(student, "small"), data, plan)
      >>> plan = dataclasses.replace(plan, phase="quantize")
      >>> network, records = train_quantized(student, "small", data, min_layer_weights=1000, plan=plan)
      >>> model_bytes = to_int8_litert(network).pack()
      >>> classes = predict(model_bytes, pixels[1000:1500, ..., None]).argmax(axis=1)
      >>> float((classes == digits.target[1000:1500]).mean()) > 0.8
      True
      >>> [record.phase for record in records]
      ['quantize', 'quantize', 'quantize']

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
