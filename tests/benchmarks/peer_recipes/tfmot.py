"""Peer (c): each student by `fit` in tf_keras, then TFMOT's pruning and quantization-aware training."""

from __future__ import annotations

import os
from typing import Any

os.environ["TF_USE_LEGACY_KERAS"] = "1"  # TFMOT takes no Keras 3 models

import keras
import tensorflow as tf
import tensorflow_model_optimization as tfmot
import tf_keras

from peer_recipes.answer import Trial
from peer_recipes.peer import answer_by
from peer_recipes.request import Request

VARIANT = "tfmot"

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
    """Copies a network and its weights into tf_keras.

    Args:
      model: A functional Keras 3 model of layers that Keras 2 has, too.

    Returns:
      The same network.

    Raises:
      ValueError: a layer has no counterpart.
    """
    inputs = tf_keras.Input(model.input_shape[1:])
    tensors = {id(model.inputs[0]): inputs}
    for layer in model.layers[1:]:
        kind, config = type(layer).__name__, layer.get_config()
        if kind not in _CONFIG:
            raise ValueError(
                f"student {model.name!r}, layer {layer.name!r}: found {kind}, accepted for TFMOT are "
                f"{', '.join(_CONFIG)}; choose another architecture, or leave TFMOT's recipes out of --recipes"
            )
        copy = getattr(tf_keras.layers, kind)(name=layer.name, **{name: config[name] for name in _CONFIG[kind]})
        given = layer.input if isinstance(layer.input, list) else [layer.input]
        taken = [tensors[id(tensor)] for tensor in given]
        tensors[id(layer.output)] = copy(taken if len(taken) > 1 else taken[0])
        copy.set_weights(layer.get_weights())
    return tf_keras.Model(inputs, tensors[id(model.outputs[0])])


def train(request: Request, model: tf_keras.Model, epochs: int, optimizer: Any, callbacks: list) -> None:
    """Trains one phase from labels.

    Args:
      request: The work.
      model: Takes floats 0..1 and returns logits.
      epochs: Of this phase.
      optimizer: Of tf_keras, with its schedule.
      callbacks: Of `fit`.
    """
    model.compile(optimizer, tf_keras.losses.CategoricalCrossentropy(from_logits=True))
    for epoch, batches in enumerate(request.epochs(epochs)):
        model.fit(batches, initial_epoch=epoch, epochs=epoch + 1, verbose=0, callbacks=callbacks)


def prune(request: Request, model: tf_keras.Model, ratio: float) -> tf_keras.Model:
    """Prunes to the configuration's sparsity, along TFMOT's polynomial schedule.

    Args:
      request: The work.
      model: A trained student.
      ratio: Multiple of our learning rate.

    Returns:
      The student with zeros.
    """
    config = request.config.prune
    ramp_steps = int(config.ramp_ratio * request.num_steps(request.prune_epochs))
    schedule = tfmot.sparsity.keras.PolynomialDecay(0.0, config.sparsity_ratio, 0, ramp_steps, frequency=10)
    pruned = tfmot.sparsity.keras.prune_low_magnitude(model, schedule)
    callbacks = [tfmot.sparsity.keras.UpdatePruningStep()]
    optimizer = request.adamw(tf_keras, request.prune_epochs, ratio * config.learning_rate)
    train(request, pruned, request.prune_epochs, optimizer, callbacks)
    return tfmot.sparsity.keras.strip_pruning(pruned)


def quantize(request: Request, model: tf_keras.Model, ratio: float) -> bytes:
    """Trains for 8 bits, keeping the zeros, and converts.

    Args:
      request: The work.
      model: A pruned student.
      ratio: Multiple of our learning rate.

    Returns:
      Content of the `.tflite` file.
    """
    scheme = tfmot.experimental.combine.Default8BitPrunePreserveQuantizeScheme()
    annotated = tfmot.quantization.keras.quantize_annotate_model(model)
    quantized = tfmot.quantization.keras.quantize_apply(annotated, scheme)
    learning_rate = ratio * request.config.quantize.learning_rate
    optimizer = request.adamw(tf_keras, request.quantize_epochs, learning_rate)
    train(request, quantized, request.quantize_epochs, optimizer, [])
    scores = tf_keras.Model(quantized.input, tf.nn.softmax(quantized.output))
    converter = tf.lite.TFLiteConverter.from_keras_model(scores)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    return bytes(converter.convert())


def compress(request: Request, model: tf_keras.Model, ratio: float, variant: str, trial: Trial) -> None:
    """Prunes and quantizes a trained student.

    Args:
      request: The work.
      model: The student.
      ratio: Multiple of our learning rates.
      variant: Of the recipe.
      trial: Gets the file and seconds.
    """
    with trial.stopwatch.part("prune"):
        model = prune(request, model, ratio)
    with trial.stopwatch.part("quantize"):
        trial.files[variant] = quantize(request, model, ratio)


def train_one(request: Request, name: str, ratio: float, trial: Trial) -> None:
    """Trains one student from labels, and compresses it.

    Args:
      request: The work.
      name: The student's.
      ratio: Multiple of our learning rates.
      trial: Gets the file and seconds.
    """
    epochs, learning_rate = request.train_epochs, ratio * request.config.training.learning_rate
    with trial.stopwatch.part("train"):
        model = in_tf_keras(request.new_student(name))
        train(request, model, epochs, request.training_optimizer(tf_keras, epochs, learning_rate), [])
    compress(request, model, ratio, VARIANT, trial)


if __name__ == "__main__":
    answer_by(train_one, (VARIANT,))
