"""Ours without training for 8 bits, as peers (a), (b) and (d) are without: a joint training, then int8."""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path

from learn2compress.config import QuantizationRecipe
from learn2compress.students.joint import standalone_student
from peer_recipes.ours import train_jointly, write_file
from peer_recipes.request import Request, Stopwatch

# As many epochs as the peers have, and as many as still take a third of their time.
EPOCHS_OVER_PEERS = {"ours_post_training": 1.0, "ours_longer": 1.5}


def main() -> None:
    """Answers a request."""
    request = Request.of_command_line()
    stopwatch = Stopwatch(*EPOCHS_OVER_PEERS)
    quantize = dataclasses.replace(request.config.quantize, recipe=QuantizationRecipe.INT8_PTQ)
    for variant, epochs_over_peers in EPOCHS_OVER_PEERS.items():
        epochs = round(epochs_over_peers * (request.train_epochs + request.quantize_epochs))
        with tempfile.TemporaryDirectory() as folder:
            joint, _ = train_jointly(request, Path(folder), epochs, stopwatch, variant)
        for student in request.config.students:
            with stopwatch.part("quantize", variant):
                model = standalone_student(joint, student.name)
                write_file(request, variant, student.name, model, quantize)
    request.answer(stopwatch.seconds)


if __name__ == "__main__":
    main()
