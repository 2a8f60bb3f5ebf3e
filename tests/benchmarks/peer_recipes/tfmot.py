"""Peer (c): each student by `fit` in tf_keras, then TFMOT's pruning and quantization-aware training."""

from __future__ import annotations

import os

os.environ["TF_USE_LEGACY_KERAS"] = "1"  # TFMOT takes no Keras 3 models

import keras
import tensorflow as tf
import tensorflow_model_optimization as tfmot
import tf_keras

from peer_recipes.request import Request, Stopwatch

# What a layer of the same name takes in Keras 2.
_CONFIG = {
    "Add": [],
    "AveragePooling2D": ["pool_size", "strides", "padding"],
    "BatchNormalization": ["momentum", "epsilon"],
    "Conv2D": ["filters", "kernel_size", "strides", "padding", "use_bias"],
    "DepthwiseConv2D": ["kernel_size", "strides", "padding", "use_bias"],
    "Dense": ["units", "use_bias"],
    "GlobalAveragePooling2D": [],
    "ReLU": ["max_value"],
}


def in_tf_keras(model: keras.Model) -> tf_keras.Model:
    """The same network with the same weights in tf_keras."""
    inputs = tf_keras.Input(model.input_shape[1:])
    tensors = {id(model.inputs[0]): inputs}
    for layer in model.layers[1:]:
        kind, config = type(layer).__name__, layer.get_config()
        copy = getattr(tf_keras.layers, kind)(name=layer.name, **{name: config[name] for name in _CONFIG[kind]})
        given = layer.input if isinstance(layer.input, list) else [layer.input]
        taken = [tensors[id(tensor)] for tensor in given]
        tensors[id(layer.output)] = copy(taken if len(taken) > 1 else taken[0])
        copy.set_weights(layer.get_weights())
    return tf_keras.Model(inputs, tensors[id(model.outputs[0])])


def train(
    request: Request, model: tf_keras.Model, epochs: int, learning_rate: float, warmup_ratio: float, callbacks: list
) -> None:
    """One phase."""
    model.compile(
        request.optimizer(tf_keras, epochs, learning_rate, warmup_ratio),
        tf_keras.losses.CategoricalCrossentropy(from_logits=True),
    )
    for epoch, batches in enumerate(request.epochs(epochs)):
        model.fit(batches, initial_epoch=epoch, epochs=epoch + 1, verbose=0, callbacks=callbacks)


def prune(request: Request, model: tf_keras.Model) -> tf_keras.Model:
    """To the configuration's sparsity, along TFMOT's polynomial schedule."""
    config = request.config.prune
    ramp_steps = int(config.ramp_ratio * request.num_steps(request.prune_epochs))
    schedule = tfmot.sparsity.keras.PolynomialDecay(0.0, config.sparsity_ratio, 0, ramp_steps, frequency=10)
    pruned = tfmot.sparsity.keras.prune_low_magnitude(model, schedule)
    train(request, pruned, request.prune_epochs, config.learning_rate, 0.0, [tfmot.sparsity.keras.UpdatePruningStep()])
    return tfmot.sparsity.keras.strip_pruning(pruned)


def quantize(request: Request, model: tf_keras.Model) -> bytes:
    """Quantization-aware training that keeps the zeros, then the converter."""
    scheme = tfmot.experimental.combine.Default8BitPrunePreserveQuantizeScheme()
    annotated = tfmot.quantization.keras.quantize_annotate_model(model)
    quantized = tfmot.quantization.keras.quantize_apply(annotated, scheme)
    train(request, quantized, request.quantize_epochs, request.config.quantize.learning_rate, 0.0, [])
    scores = tf_keras.Model(quantized.input, tf.nn.softmax(quantized.output))
    converter = tf.lite.TFLiteConverter.from_keras_model(scores)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    return bytes(converter.convert())


def main() -> None:
    """Answers a request."""
    request = Request.of_command_line()
    training = request.config.training
    stopwatch = Stopwatch("tfmot")
    for student in request.config.students:
        with stopwatch.part("train"):
            model = in_tf_keras(request.new_student(student.name))
            train(request, model, request.train_epochs, training.learning_rate, training.warmup_ratio, [])
        with stopwatch.part("prune"):
            model = prune(request, model)
        with stopwatch.part("quantize"):
            request.write("tfmot", student.name, quantize(request, model))
    request.answer(stopwatch.seconds)


if __name__ == "__main__":
    main()
