"""Peer (d): `keras.distillation.Distiller` for each student as its guide has it, then the LiteRT converter."""

from __future__ import annotations

import keras

from peer_recipes.post_training import converted_by_litert
from peer_recipes.request import Request, Stopwatch

TEMPERATURE = 4.0
LABEL_WEIGHT = 0.1


def train(request: Request, student: keras.Model, teacher: keras.Model) -> None:
    """The teacher, which must give logits, runs in every step."""
    training = request.config.training
    epochs = request.train_epochs + request.quantize_epochs
    distiller = keras.distillation.Distiller(
        teacher,
        student,
        # Not its default, the same by name: Keras 3.15 then leaves out the softmax, and students learn next to nothing.
        keras.distillation.LogitsDistillation(temperature=TEMPERATURE, loss=keras.losses.KLDivergence()),
        student_loss_weight=LABEL_WEIGHT,
    )
    distiller.compile(
        request.optimizer(keras, epochs, training.learning_rate, training.warmup_ratio),
        keras.losses.CategoricalCrossentropy(from_logits=True),
    )
    for epoch, batches in enumerate(request.epochs(epochs)):
        distiller.fit(batches, initial_epoch=epoch, epochs=epoch + 1, verbose=0)


def main() -> None:
    """Answers a request."""
    request = Request.of_command_line()
    stopwatch = Stopwatch("keras_distillation")
    for student in request.config.students:
        with stopwatch.part("train"):
            model = request.new_student(student.name)
            train(request, model, keras.models.load_model(request.config.teacher.uri))
        with stopwatch.part("quantize"):
            request.write("keras_distillation", student.name, converted_by_litert(model, request.calibration()))
    request.answer(stopwatch.seconds)


if __name__ == "__main__":
    main()
