"""Peers (a) and (b): each student by `fit` from labels, then int8 by the LiteRT converter or AI Edge Quantizer."""

from __future__ import annotations

import keras

from peer_recipes.post_training import converted_by_ai_edge_quantizer, converted_by_litert
from peer_recipes.request import Request, Stopwatch


def train(request: Request, model: keras.Model) -> None:
    """As a user of Keras would, for as many epochs as the others have in all."""
    training = request.config.training
    epochs = request.train_epochs + request.quantize_epochs
    model.compile(
        request.optimizer(keras, epochs, training.learning_rate, training.warmup_ratio),
        keras.losses.CategoricalCrossentropy(from_logits=True),
    )
    for epoch, batches in enumerate(request.epochs(epochs)):
        model.fit(batches, initial_epoch=epoch, epochs=epoch + 1, verbose=0)


def main() -> None:
    """Answers a request."""
    request = Request.of_command_line()
    stopwatch = Stopwatch("keras_litert_ptq", "keras_ai_edge_ptq")
    for student in request.config.students:
        with stopwatch.part("train"):
            model = request.new_student(student.name)
            train(request, model)
            calibration = request.calibration()
        with stopwatch.part("quantize", "keras_litert_ptq"):
            request.write("keras_litert_ptq", student.name, converted_by_litert(model, calibration))
        with stopwatch.part("quantize", "keras_ai_edge_ptq"):
            request.write("keras_ai_edge_ptq", student.name, converted_by_ai_edge_quantizer(model, calibration))
    request.answer(stopwatch.seconds)


if __name__ == "__main__":
    main()
