"""Peers (c) and (d) one after the other: `keras.distillation` for each student, then TFMOT as in `tfmot`."""

from __future__ import annotations

from peer_recipes.answer import Trial
from peer_recipes.keras_distillation import distil
from peer_recipes.peer import answer_by
from peer_recipes.request import Request
from peer_recipes.tfmot import compress, in_tf_keras

VARIANT = "distillation_tfmot"


def train_one(request: Request, name: str, ratio: float, trial: Trial) -> None:
    """Distils one student in Keras 3, copies it into Keras 2, and compresses it.

    Args:
      request: The work.
      name: The student's.
      ratio: Multiple of our learning rates.
      trial: Gets the file and seconds.
    """
    with trial.stopwatch.part("train"):
        student = request.new_student(name)
        distil(request, student, request.train_epochs, ratio * request.config.training.learning_rate)
        model = in_tf_keras(student)
    compress(request, model, ratio, VARIANT, trial)


if __name__ == "__main__":
    answer_by(train_one, (VARIANT,))
