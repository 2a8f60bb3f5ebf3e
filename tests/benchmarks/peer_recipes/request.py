"""What every recipe is told, and what it trains with: the same examples, views, order and steps."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from prepared import Prepared

from learn2compress.config import CompressionConfig, Optimizer
from learn2compress.config.file import load_config
from learn2compress.data.batches import TrainingData
from learn2compress.data.records import Split
from learn2compress.quantization.choice_sample import TrainingSample
from learn2compress.students.joint import build_joint_network, standalone_student

CALIBRATION_EXAMPLES = 256


@dataclasses.dataclass(frozen=True)
class Request:
    """One recipe's work.

    Attributes:
      config: The configuration: students, data, teacher, hyperparameters.
      sha256: Of everything that decides about the answer, so that another content is another request.
      prepared: Examples on disk.
      seed: Of weights and order.
      train_epochs: Of ordinary training.
      prune_epochs: Of pruning; recipes without it train as much longer.
      quantize_epochs: Of quantization-aware training; recipes without it train as much longer.
      learning_rate_ratios: Peers train at each of these multiples of our learning rates, and keep the better file.
      output: Folder for files and the answer.
    """

    config: CompressionConfig
    sha256: str
    prepared: Prepared
    seed: int
    train_epochs: int
    prune_epochs: int
    quantize_epochs: int
    learning_rate_ratios: tuple[float, ...]
    output: Path

    @classmethod
    def of_command_line(cls) -> Request:
        """Reads the file that the command line names."""
        plain = json.loads(Path(sys.argv[1]).read_text("utf-8"))
        prepared = plain["prepared"]
        folder, class_names = Path(prepared["folder"]), tuple(prepared["class_names"])
        return cls(
            **plain
            | {
                "config": dataclasses.replace(load_config(Path(plain["config"])), seed=plain["seed"]),
                "prepared": Prepared(**prepared | {"folder": folder, "class_names": class_names}),
                "learning_rate_ratios": tuple(plain["learning_rate_ratios"]),
                "output": Path(plain["output"]),
            }
        )

    @property
    def all_epochs(self) -> int:
        """Epochs of a recipe in sum, the same for each of them."""
        return self.train_epochs + self.prune_epochs + self.quantize_epochs

    @property
    def num_validation(self) -> int:
        """How many of the first training examples are kept back, as the pipeline does: no recipe trains on them."""
        return self.config.training.num_validation(self.prepared.num_train)

    def training_data(self, logits: Path | None = None) -> TrainingData:
        """Opens the examples, less those that are kept back.

        Args:
          logits: Folder of the teacher's stored logits, for recipes that use them.

        Returns:
          The data that every recipe trains on.
        """
        return self.prepared.training_data(self.config, logits, num_validation=self.num_validation)

    def sample(self, min_trained_on: int) -> TrainingSample:
        """Reads training examples to calibrate with and to decide by; the first ones are those kept back.

        Args:
          min_trained_on: Read at least so many that were not kept back.

        Returns:
          The sample, as the pipeline reads it.
        """
        folder, shape = self.prepared.folder / Split.TRAIN, self.config.task.input_shape
        return TrainingSample.read(folder, shape, min_trained_on, self.num_validation)

    def new_student(self, name: str) -> keras.Model:
        """Builds one student, untrained, that takes floats 0..1 and returns logits."""
        config = self.config
        keras.utils.set_random_seed(self.seed)
        joint = build_joint_network(config.task, self.prepared.num_classes, config.training, config.students)
        return standalone_student(joint, name)

    def epochs(self, num_epochs: int) -> Iterator[tf.data.Dataset]:
        """Yields a dataset of (float inputs 0..1, one-hot labels) for each epoch."""
        data = self.training_data()
        for epoch in range(num_epochs):
            yield data.epoch(self.seed, epoch).map(
                lambda batch: (tf.cast(batch.inputs, tf.float32) / 255.0, batch.targets)
            )

    def calibration(self) -> np.ndarray:
        """Returns float examples 0..1 that are trained on, `[CALIBRATION_EXAMPLES, *input_shape]`."""
        (dataset,) = self.epochs(1)
        inputs = [inputs.numpy() for inputs, _ in dataset.unbatch().take(CALIBRATION_EXAMPLES)]
        return np.stack(inputs)

    def num_steps(self, num_epochs: int) -> int:
        """Returns the steps of so many epochs."""
        return num_epochs * self.training_data().steps_per_epoch

    def training_optimizer(self, keras_module: Any, epochs: int, learning_rate: float) -> Any:
        """Returns the optimizer that our joint training has, along its schedule.

        Args:
          keras_module: Keras 3 or tf_keras.
          epochs: Length of the schedule.
          learning_rate: The highest.
        """
        training = self.config.training
        if training.optimizer is Optimizer.ADAMW:
            return self.adamw(keras_module, epochs, learning_rate, training.warmup_ratio)
        optimizer = keras_module.optimizers.SGD(
            self._schedule(keras_module, epochs, learning_rate, training.warmup_ratio),
            momentum=training.momentum,
            nesterov=True,
            # Ours is a part of the gradient, which momentum sums up; Keras takes it from the weight, once a step.
            weight_decay=training.weight_decay / (1.0 - training.momentum),
        )
        return _without_decay_of_vectors(optimizer)

    def adamw(self, keras_module: Any, epochs: int, learning_rate: float, warmup_ratio: float = 0.0) -> Any:
        """Returns AdamW along our schedule, which our pruning and training for 8 bits have always.

        Args:
          keras_module: Keras 3 or tf_keras.
          epochs: Length of the schedule.
          learning_rate: The highest.
          warmup_ratio: Share of the steps of linear warm-up.
        """
        schedule = self._schedule(keras_module, epochs, learning_rate, warmup_ratio)
        optimizer = keras_module.optimizers.AdamW(schedule, weight_decay=self.config.training.weight_decay)
        return _without_decay_of_vectors(optimizer)

    def _schedule(self, keras_module: Any, epochs: int, learning_rate: float, warmup_ratio: float) -> Any:
        steps = self.num_steps(epochs)
        warmup_steps = int(warmup_ratio * steps)
        return keras_module.optimizers.schedules.CosineDecay(
            0.0 if warmup_steps else learning_rate,
            steps - warmup_steps,
            warmup_target=learning_rate if warmup_steps else None,
            warmup_steps=warmup_steps,
        )


def _without_decay_of_vectors(optimizer: Any) -> Any:
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return optimizer
