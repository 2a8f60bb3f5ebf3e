"""Peers (a) and (b): each student by `fit` from labels, then int8 by the LiteRT converter or AI Edge Quantizer."""

from __future__ import annotations

import keras

from peer_recipes.answer import Trial
from peer_recipes.peer import answer_by
from peer_recipes.post_training import converted_by_ai_edge_quantizer, converted_by_litert
from peer_recipes.request import Request

BY_LITERT, BY_AI_EDGE_QUANTIZER = "keras_litert_ptq", "keras_ai_edge_ptq"


def train(request: Request, model: keras.Model, learning_rate: float) -> None:
    """Trains as a user of Keras would, for as many epochs as the others have in all.

    Args:
      request: The work.
      model: Takes floats 0..1 and returns logits.
      learning_rate: The highest.
    """
    epochs = request.all_epochs
    model.compile(
        request.training_optimizer(keras, epochs, learning_rate),
        keras.losses.CategoricalCrossentropy(from_logits=True),
    )
    for epoch, batches in enumerate(request.epochs(epochs)):
        model.fit(batches, initial_epoch=epoch, epochs=epoch + 1, verbose=0)


def train_one(request: Request, name: str, ratio: float, trial: Trial) -> None:
    """Trains one student and makes both files.

    Args:
      request: The work.
      name: The student's.
      ratio: Multiple of our learning rate.
      trial: Gets files and seconds.
    """
    with trial.stopwatch.part("train"):
        model = request.new_student(name)
        train(request, model, ratio * request.config.training.learning_rate)
        calibration = request.calibration()
    with trial.stopwatch.part("quantize", BY_LITERT):
        trial.files[BY_LITERT] = converted_by_litert(model, calibration)
    with trial.stopwatch.part("quantize", BY_AI_EDGE_QUANTIZER):
        trial.files[BY_AI_EDGE_QUANTIZER] = converted_by_ai_edge_quantizer(model, calibration)


if __name__ == "__main__":
    answer_by(train_one, (BY_LITERT, BY_AI_EDGE_QUANTIZER))
