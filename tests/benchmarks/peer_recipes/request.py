"""What every recipe is told, what it answers, and what it trains with: the same examples, views, order and steps."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from prepared import Prepared

from learn2compress.config import CompressionConfig
from learn2compress.config.file import load_config
from learn2compress.students.joint import build_joint_network, standalone_student

CALIBRATION_EXAMPLES = 256


@dataclasses.dataclass(frozen=True)
class Request:
    """One recipe's work.

    Attributes:
      config: The configuration: students, data, teacher, hyperparameters.
      sha256: Of the configuration's file, the recipes and the library, so that another content is another request.
      prepared: Examples on disk.
      seed: Of weights and order.
      train_epochs: Of ordinary training.
      prune_epochs: Of pruning, for recipes that prune.
      quantize_epochs: Of quantization-aware training; recipes without it train as much longer.
      output: Folder for files and the answer.
    """

    config: CompressionConfig
    sha256: str
    prepared: Prepared
    seed: int
    train_epochs: int
    prune_epochs: int
    quantize_epochs: int
    output: Path

    @classmethod
    def of_command_line(cls) -> Request:
        """Reads the file that the command line names."""
        plain = json.loads(Path(sys.argv[1]).read_text("utf-8"))
        prepared = plain["prepared"]
        return cls(
            **plain
            | {
                "config": dataclasses.replace(load_config(Path(plain["config"])), seed=plain["seed"]),
                "prepared": Prepared(**prepared | {"folder": Path(prepared["folder"])}),
                "output": Path(plain["output"]),
            }
        )

    def write(self, variant: str, name: str, model: bytes) -> None:
        """Writes one student's file.

        Args:
          variant: Of the recipe, such as "ours_pruned".
          name: The student's.
          model: Content of the `.tflite` file.
        """
        folder = self.output / variant
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.tflite").write_bytes(model)

    def answer(self, seconds: dict[str, dict[str, float]]) -> None:
        """Writes how long each part took, by variant."""
        (self.output / "seconds.json").write_text(json.dumps(seconds, indent=2), "utf-8")

    def new_student(self, name: str) -> keras.Model:
        """Builds one student, untrained, that takes floats 0..1 and returns logits."""
        config = self.config
        keras.utils.set_random_seed(self.seed)
        joint = build_joint_network(config.task, self.prepared.num_classes, config.training, config.students)
        return standalone_student(joint, name)

    def epochs(self, num_epochs: int) -> Iterator[tf.data.Dataset]:
        """Yields a dataset of (float inputs 0..1, one-hot labels) for each epoch."""
        data = self.prepared.training_data(self.config, None)
        for epoch in range(num_epochs):
            yield data.epoch(self.seed, epoch).map(
                lambda batch: (tf.cast(batch.inputs, tf.float32) / 255.0, batch.targets)
            )

    def calibration(self) -> np.ndarray:
        """Returns float examples 0..1 of the training split, `[CALIBRATION_EXAMPLES, *input_shape]`."""
        (dataset,) = self.epochs(1)
        inputs = [inputs.numpy() for inputs, _ in dataset.unbatch().take(CALIBRATION_EXAMPLES)]
        return np.stack(inputs)

    def num_steps(self, num_epochs: int) -> int:
        """Returns the steps of so many epochs."""
        return num_epochs * self.prepared.training_data(self.config, None).steps_per_epoch

    def optimizer(self, keras_module: Any, epochs: int, learning_rate: float, warmup_ratio: float = 0.0) -> Any:
        """Returns AdamW along our schedule.

        Args:
          keras_module: Keras 3 or tf_keras.
          epochs: Length of the schedule.
          learning_rate: The highest.
          warmup_ratio: Share of the steps of linear warm-up.
        """
        steps = self.num_steps(epochs)
        warmup_steps = int(warmup_ratio * steps)
        schedule = keras_module.optimizers.schedules.CosineDecay(
            0.0 if warmup_steps else learning_rate,
            steps - warmup_steps,
            warmup_target=learning_rate if warmup_steps else None,
            warmup_steps=warmup_steps,
        )
        optimizer = keras_module.optimizers.AdamW(schedule, weight_decay=self.config.training.weight_decay)
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
        return optimizer


class Stopwatch:
    """Seconds of named parts, by variant."""

    def __init__(self, *variants: str):
        self.seconds: dict[str, dict[str, float]] = {variant: {} for variant in variants}

    @contextlib.contextmanager
    def part(self, name: str, *variants: str) -> Iterator[None]:
        """Adds the time within to a part.

        Args:
          name: The part, such as "train".
          *variants: Whose part it is; of all unless named.
        """
        started = time.perf_counter()
        yield
        for variant in variants or self.seconds:
            parts = self.seconds[variant]
            parts[name] = parts.get(name, 0.0) + time.perf_counter() - started
