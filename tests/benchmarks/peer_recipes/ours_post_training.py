"""Ours without training for 8 bits, as peers (a), (b) and (d) are without: a longer joint training, then int8."""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path

from learn2compress.config import QuantizationRecipe
from learn2compress.students.joint import standalone_student
from peer_recipes.ours import train_jointly, write_file
from peer_recipes.request import Request, Stopwatch


def main() -> None:
    """Answers a request."""
    request = Request.of_command_line()
    stopwatch = Stopwatch("ours_post_training")
    epochs = request.train_epochs + request.quantize_epochs
    quantize = dataclasses.replace(request.config.quantize, recipe=QuantizationRecipe.INT8_PTQ)
    with tempfile.TemporaryDirectory() as folder:
        joint, _ = train_jointly(request, Path(folder), epochs, stopwatch)
        for student in request.config.students:
            with stopwatch.part("quantize"):
                model = standalone_student(joint, student.name)
                write_file(request, "ours_post_training", student.name, model, quantize)
    request.answer(stopwatch.seconds)


if __name__ == "__main__":
    main()
