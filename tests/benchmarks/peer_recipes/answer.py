"""What a recipe answers: files, seconds of each part, and the learning rate of each student, by variant."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from learn2compress.litert.interpreter import predict
from learn2compress.quantization.choice_sample import TrainingSample

ANSWER_FILE = "answer.json"


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
            self.add(variant, {name: time.perf_counter() - started})

    def add(self, variant: str, seconds: dict[str, float]) -> None:
        """Adds the seconds of some parts.

        Args:
          variant: Whose parts they are.
          seconds: By part.
        """
        parts = self.seconds[variant]
        for name, value in seconds.items():
            parts[name] = parts.get(name, 0.0) + value


@dataclasses.dataclass(frozen=True)
class Trial:
    """A peer's training of one student at one learning rate.

    Attributes:
      learning_rate: The highest of ordinary training.
      stopwatch: Seconds of its parts, by variant.
      files: Content of its `.tflite` files, by variant.
    """

    learning_rate: float
    stopwatch: Stopwatch
    files: dict[str, bytes] = dataclasses.field(default_factory=dict)


class Answer:
    """A recipe's answer, student by student.

    Args:
      output: Folder for the files and the answer.
      stopwatch: Seconds of each variant.
      epochs: Epochs in sum of each variant.
    """

    def __init__(self, output: Path, stopwatch: Stopwatch, epochs: int):
        self._output, self._stopwatch, self._epochs = output, stopwatch, epochs
        self._learning_rates: dict[str, dict[str, float]] = {variant: {} for variant in stopwatch.seconds}

    def add(self, variant: str, name: str, model_bytes: bytes, learning_rate: float) -> None:
        """Writes one student's file.

        Args:
          variant: Of the recipe, such as "ours_pruned".
          name: The student's.
          model_bytes: Content of the `.tflite` file.
          learning_rate: The highest of its ordinary training.
        """
        folder = self._output / variant
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.tflite").write_bytes(model_bytes)
        self._learning_rates[variant][name] = learning_rate

    def add_better(self, name: str, trials: Sequence[Trial], sample: TrainingSample) -> None:
        """Writes, of each variant, the file of the learning rate that is better on examples to decide by.

        Seconds are those of the training that is kept, as if the user had known the learning rate.

        Args:
          name: The student's.
          trials: One for each learning rate.
          sample: Its `decision_examples` decide: those that were kept back, where there are 50 of them.
        """
        decisive = sample.decision_examples()
        for variant in self._stopwatch.seconds:
            top_1 = [decisive.top_1(predict(trial.files[variant], decisive.inputs)) for trial in trials]
            kept = trials[top_1.index(max(top_1))]
            self.add(variant, name, kept.files[variant], kept.learning_rate)
            self._stopwatch.add(variant, kept.stopwatch.seconds[variant])

    def write(self) -> None:
        """Writes the answer; without it, a later run does the work again."""
        answer = {
            variant: {"seconds": parts, "epochs": self._epochs, "learning_rates": self._learning_rates[variant]}
            for variant, parts in self._stopwatch.seconds.items()
        }
        (self._output / ANSWER_FILE).write_text(json.dumps(answer, indent=2), "utf-8")
