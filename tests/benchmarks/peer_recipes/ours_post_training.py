"""Ours without training for 8 bits, as peers (a), (b) and (d) are without: a joint training, then int8."""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path

from learn2compress.config import QuantizationRecipe
from learn2compress.students.joint import standalone_student
from peer_recipes.answer import Answer, Stopwatch
from peer_recipes.ours import Signal, student_file, train_jointly
from peer_recipes.request import Request

VARIANT = "ours_post_training"


def main() -> None:
    """Answers a request."""
    request = Request.of_command_line()
    config, stopwatch = request.config, Stopwatch(VARIANT)
    answer = Answer(request.output, stopwatch, request.all_epochs)
    quantize = dataclasses.replace(config.quantize, recipe=QuantizationRecipe.INT8_PTQ)
    with tempfile.TemporaryDirectory() as folder:
        with stopwatch.part("teacher"):
            signal = Signal.prepare(request, Path(folder))
        with stopwatch.part("train"):
            joint = train_jointly(request, signal, request.all_epochs)
    for student in config.students:
        with stopwatch.part("quantize"):
            model_bytes = student_file(request, student.name, standalone_student(joint, student.name), quantize)
        answer.add(VARIANT, student.name, model_bytes, config.training.learning_rate)
    answer.write()


if __name__ == "__main__":
    main()
