"""The teacher's own network as a student, head and all: pruned and trained for 8 bits as the students are.

Its layers are copied flat, as a pretrained trunk's are, and take what all
students take. A softmax at its end is cut off, since students return logits.
"""

from __future__ import annotations

import keras
import numpy as np

from learn2compress.config import ChannelOrder, InputScaling, TaskConfig, TeacherOutput
from learn2compress.config.parsing import ConfigError, clipped
from learn2compress.keras_internals import leaf_layers, producer, producer_inputs
from learn2compress.students.flattening import FlatCopy
from learn2compress.students.layer_decomposition import decompose_layers
from learn2compress.students.operation_layers import rescaled, with_turned_colours
from learn2compress.teachers.network import Member
from learn2compress.teachers.outputs import probe_inputs

_LARGEST_BYTE = 255.0
_SCORES = ("softmax", "log_softmax", "sigmoid")
_OF_OPERATION = {"Softmax": "softmax", "LogSoftmax": "log_softmax", "Sigmoid": "sigmoid"}
# They return what they take.
_PASSING_ON = {"Dropout", "Identity", "Cast", "ActivityRegularization"}
# Largest difference of probabilities from the teacher's, by whether it computes in 32 bits.
_ACCEPTED_DIFFERENCE = {True: 0.005, False: 0.1}
# The converter ends the process when it calibrates these.
_RECURRENT = (keras.layers.RNN, keras.layers.Bidirectional, keras.layers.ConvLSTM1D, keras.layers.ConvLSTM2D)


def own_network(member: Member, task: TaskConfig, name: str) -> keras.Model:
    """Copies a teacher's network into a student.

    Example:
      >>> from pathlib import Path
      >>> import keras
      >>> import numpy as np
      >>> from learn2compress.config import InputScaling, TaskConfig, TeacherMemberConfig
      >>> from learn2compress.students.own_network import own_network
      >>> from learn2compress.teachers.loading import load_member
      >>> layers = [keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(10, activation="softmax")]
      >>> teacher = keras.Sequential(layers)
      >>> teacher.save("teacher.keras")
      >>> config = TeacherMemberConfig("teacher.keras", InputScaling(multiply=1 / 127.5, add=-1.0))
      >>> member = load_member(Path("teacher.keras"), config, TaskConfig(), num_classes=10)
      >>> student = own_network(member, TaskConfig(), "own")
      >>> images = np.random.default_rng(1).uniform(size=(4, 8, 8, 1)).astype("float32")
      >>> bool(np.allclose(keras.ops.softmax(student(images)), teacher(2 * images - 1), atol=1e-5))
      True

    Args:
      member: The only network of a teacher; it stays as it is.
      task: The input's shape.
      name: The student's name.

    Returns:
      A functional model of float32 `[batch, *task.input_shape]` in 0..1, of
      canonical layers with the network's names and weights, all of them
      trainable; see `learn2compress.students.layer_decomposition`. It returns
      logits `[batch, num_classes]` in the order of the data's classes: the
      network's own, or, of one that returns probabilities, those before its last
      activation. Both logits of a single sigmoid unit are half of its own, with
      either sign.

    Raises:
      ConfigError: the network can't be seen into, applies a layer twice, names
        two layers alike, does not make its probabilities by a softmax at its
        end, or is one that a copy does not answer as.
    """
    model = member.network.model
    if model is None:
        raise ConfigError(
            f"found 'teacher' with {member.network.closed_kind} ({member.network.name}), accepted is a teacher in a "
            ".keras or .h5 file that takes batches"
        )
    try:
        student = _copied(model, member, task, name)
    except ConfigError:
        raise
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ConfigError(
            f"found 'teacher' with {member.network.name}, whose layers can't be copied one by one: {clipped(reason)}; "
            "accepted are networks of Keras layers with names of their own"
        ) from error
    _check_answers(student, member, task)
    return student


def _copied(model: keras.Model, member: Member, task: TaskConfig, name: str) -> keras.Model:
    inputs = keras.Input(task.input_shape, name="input")
    copy = FlatCopy()
    scores = copy.apply(model, _scaled(inputs, member.scaling))
    scores = scores[0] if isinstance(scores, list | tuple) else scores
    logits, was_cut = _before_last_activation(scores)
    unit = member.network.class_scores.unit
    if not was_cut and TeacherOutput.PROBABILITIES in (member.output if unit is None else unit,):
        raise ConfigError(
            f"found 'teacher' with {member.network.name}, whose probabilities are made by {producer(scores).name!r}, "
            "accepted is a network that ends in a softmax, or in logits"
        )
    flat = keras.Model(inputs, logits, name=name)
    copy.set_weights(flat)
    return decompose_layers(_with_classes(flat, member))


def _check_answers(student: keras.Model, member: Member, task: TaskConfig) -> None:
    """Holds the copy against the network on the probe inputs: what a layer does in a copy of it, its author decides.

    Raises:
      ConfigError: their answers differ.
    """
    raw, _ = probe_inputs(task)
    of_teacher = keras.ops.convert_to_numpy(member.probabilities(raw))
    of_student = keras.ops.convert_to_numpy(keras.ops.softmax(student(raw.astype(np.float32) / _LARGEST_BYTE)))
    difference = float(np.abs(of_student - of_teacher).max())
    is_float32 = all(layer.compute_dtype in ("float32", "float64") for layer in leaf_layers(member.network.model))
    if not difference <= _ACCEPTED_DIFFERENCE[is_float32]:  # NaN is no answer either
        raise ConfigError(
            f"found 'teacher' with {member.network.name}, whose copy answers otherwise (probabilities differ by "
            f"{difference:.3f}); accepted are networks of Keras layers that keep all they compute with in their "
            "settings and weights"
        )


def recurrent_layer(student: keras.Model) -> keras.Layer | None:
    """Returns the first recurrent layer of a student; `None` where it has none.

    Args:
      student: Any functional model.
    """
    return next((layer for layer in leaf_layers(student) if isinstance(layer, _RECURRENT)), None)


def _scaled(inputs: keras.KerasTensor, scaling: InputScaling) -> keras.KerasTensor:
    """Returns x in 0..1 as the teacher takes its bytes."""
    if scaling.channel_order is ChannelOrder.BGR:
        inputs = with_turned_colours(inputs, "input_channel_order")
    multiply = np.multiply(scaling.multiply, _LARGEST_BYTE).tolist()
    return rescaled(inputs, multiply, np.asarray(scaling.add, np.float64).tolist(), "input_scaling")


def _before_last_activation(scores: keras.KerasTensor) -> tuple[keras.KerasTensor, bool]:
    """Returns the logits that scores are made of, and whether an activation was cut off.

    Args:
      scores: What a flat copy returns; the last layer of the copy may be changed.
    """
    operation = producer(scores)
    activation = getattr(operation, "activation", None)
    name = _OF_OPERATION.get(type(operation).__name__) or getattr(activation, "__name__", None)
    if type(operation).__name__ in _PASSING_ON or (
        isinstance(operation, keras.layers.Activation) and activation is keras.activations.linear
    ):
        logits, was_cut = _before_last_activation(producer_inputs(scores)[0])
        return (logits, True) if was_cut else (scores, False)
    if name not in _SCORES:
        return scores, False
    if type(operation).__name__ in _OF_OPERATION or isinstance(operation, keras.layers.Activation):
        return producer_inputs(scores)[0], True
    operation.activation = keras.activations.linear
    return scores, True


def _with_classes(flat: keras.Model, member: Member) -> keras.Model:
    """Returns a model of one logit for each class of the data; a last dense layer takes them in, others get one more.

    Args:
      flat: Returns what the network returns, before its last activation.
      member: Says which of that is which class.
    """
    scores = member.network.class_scores
    if scores.unit is None and scores.outputs is None:
        return flat
    of_classes = np.eye(flat.output_shape[-1], dtype=np.float32)
    if scores.unit is not None:
        of_classes = np.array([[-0.5, 0.5]], np.float32)
    if scores.outputs is not None:
        of_classes = of_classes[:, list(scores.outputs)]
    last = producer(flat.output)
    features, weights, with_bias = flat.output, [of_classes], False
    is_plain = isinstance(last, keras.layers.Dense) and last.activation is keras.activations.linear
    if is_plain and len(last.get_weights()) == 1 + last.use_bias:  # with those of an adapter they are more
        features, with_bias = last.input, last.use_bias
        weights = [np.matmul(values, of_classes) for values in last.get_weights()]
    dense = keras.layers.Dense(of_classes.shape[-1], use_bias=with_bias, name=f"{last.name}_of_classes")
    logits = dense(features)
    dense.set_weights(weights)
    return keras.Model(flat.input, logits, name=flat.name)
