"""Students on the layers of a trained Keras model (transfer learning).

The model's layers up to the last exit are the trunk, with their weights; each
student leaves it after its stage, through a head of its own. That such layers
transfer, and gain by being trained further, is Yosinski et al.'s finding
(arXiv:1411.1792).
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence

import keras

from learn2compress.config import ChannelOrder, PretrainedConfig, StudentConfig, TaskConfig
from learn2compress.config.channels import check_channels
from learn2compress.config.parsing import ConfigError, about
from learn2compress.students.flattening import FlatCopy
from learn2compress.students.layer_decomposition import decompose_layers
from learn2compress.students.layers import Layers
from learn2compress.students.operation_layers import rescaled, with_turned_colours
from learn2compress.students.residual import pooled_head

# Published models end in up to 2,048 channels: twice as many would be a head larger than its trunk.
_MOST_HEAD_CHANNELS = 512

_LARGEST_BYTE = 255.0


def trunk_of(model: keras.Model, config: PretrainedConfig, task: TaskConfig) -> keras.Model:
    """Copies a trained model up to its last exit.

    Args:
      model: A functional or sequential model of one input; it stays as it is.
      config: Exits, and how the model's input is made of x in 0..1.
      task: The input's shape.

    Returns:
      A functional model of float32 `[batch, *task.input_shape]` in 0..1 with an
      output `[batch, height, width, channels]` for each exit, of canonical
      layers with the model's names and weights; see `learn2compress.students.layer_decomposition`.

    Raises:
      ConfigError: the model's input, an exit or a layer is not accepted.
    """
    _check_input(model, config, task)
    inputs = keras.Input(task.input_shape, name="input")
    copy = FlatCopy()
    with about("training.pretrained.uri"):
        copy.apply(model, _scaled(inputs, config))
    _check_exits(copy.outputs, inputs, config.exits)
    flat = keras.Model(inputs, [copy.outputs[name] for name in config.exits], name="trunk")
    _check_layers(flat)
    copy.set_weights(flat)
    trunk = decompose_layers(flat)
    _check_kept(trunk, config.exits)
    return trunk


def connect_trunk(
    trunk: keras.Model, num_classes: int, students: Sequence[StudentConfig]
) -> tuple[keras.KerasTensor, dict[str, keras.KerasTensor]]:
    """Connects a copy of a trunk to the students' heads.

    Args:
      trunk: From `trunk_of`.
      num_classes: Length of the logits.
      students: With a stage each.

    Returns:
      The input, and logits `[batch, num_classes]` by student name. Layers behind
      the last exit that a student needs are not there.

    Raises:
      ConfigError: a layer of the trunk could be taken for one of a student's own.
    """
    used = keras.Model(trunk.input, trunk.outputs[: max(student.stage or 0 for student in students)])
    copy = keras.models.clone_model(used)
    copy.set_weights(used.get_weights())
    logits = {}
    for student in students:
        layers = Layers(prefix=f"{student.name}_")
        taken = [layer.name for layer in copy.layers if layer.name.startswith(layers.name(""))]
        if taken:
            raise ConfigError(
                f"students: found {student.name!r}, with which the name of layer {taken[0]!r} of training.pretrained "
                "begins, accepted is another name: a student's own layers begin with its name"
            )
        features = copy.outputs[(student.stage or 0) - 1]
        logits[student.name] = pooled_head(features, num_classes, layers, _MOST_HEAD_CHANNELS)
    return copy.input, logits


def _scaled(inputs: keras.KerasTensor, config: PretrainedConfig) -> keras.KerasTensor:
    """Returns x in 0..1 as the model takes it."""
    if config.input_channel_order is ChannelOrder.BGR:
        inputs = with_turned_colours(inputs, "input_channel_order")
    return rescaled(inputs, _plain(config.input_multiply), _plain(config.input_add), "input_scaling")


def _plain(value: float | tuple[float, ...]) -> float | list[float]:
    return list(value) if isinstance(value, tuple) else value


def _check_input(model: keras.Model, config: PretrainedConfig, task: TaskConfig) -> None:
    found, wanted = list(model.inputs[0].shape[1:]), list(task.input_shape)
    # None stands for any size: a fully convolutional model takes ours.
    if len(found) != len(wanted) or any(size not in (None, ours) for size, ours in zip(found, wanted, strict=True)):
        raise ConfigError(
            f"training.pretrained.uri: found a model of inputs {found}, accepted are {wanted}, task.input_shape; "
            "a convolutional Keras model can be built for another size and take the same weights"
        )
    field = "training.pretrained.input"
    check_channels(
        wanted[-1],
        {f"{field}_multiply": config.input_multiply, f"{field}_add": config.input_add},
        (f"{field}_channel_order", config.input_channel_order),
    )
    dtype = keras.backend.standardize_dtype(model.inputs[0].dtype)
    if "int" in dtype and (config.input_multiply, config.input_add) != (_LARGEST_BYTE, 0.0):
        raise ConfigError(
            f"{field}_multiply: found {config.input_multiply} with input_add {config.input_add} for a model that takes "
            f"bytes ({dtype}), accepted is {_LARGEST_BYTE} with 0.0: x is in 0..1"
        )


def _check_layers(trunk: keras.Model) -> None:
    for operation in trunk.operations:
        if not isinstance(operation, keras.Layer):
            raise ConfigError(
                f"training.pretrained.exits: found operation {operation.name!r} ({type(operation).__name__}) before "
                "the last of them, accepted are Keras layers"
            )


def _check_kept(trunk: keras.Model, exits: Sequence[str]) -> None:
    names = {layer.name for layer in trunk.layers}
    for index, name in enumerate(exits):
        if name not in names:
            raise ConfigError(
                f"training.pretrained.exits.{index}: found {name!r}, which does nothing in inference, "
                "accepted is the layer before it"
            )


def _check_exits(outputs: Mapping[str, keras.KerasTensor], inputs: keras.KerasTensor, exits: Sequence[str]) -> None:
    before: str | None = None
    for index, name in enumerate(exits):
        found = f"training.pretrained.exits.{index}: found {name!r}"
        if name not in outputs:
            raise ConfigError(f"{found}, accepted is {_accepted(name, outputs)}")
        output = outputs[name]
        if len(output.shape) != 4:
            raise ConfigError(
                f"{found}, which returns {list(output.shape)}, accepted is a layer that returns "
                "[batch, height, width, channels]"
            )
        if before is not None and before not in {layer.name for layer in keras.Model(inputs, output).layers}:
            raise ConfigError(
                f"{found}, which does not depend on {before!r}, accepted are layers from the first to the last, "
                "each behind the one before"
            )
        before = name


def _accepted(name: str, outputs: Mapping[str, keras.KerasTensor]) -> str:
    close = difflib.get_close_matches(name, outputs, n=4)
    # The last layer of each size is where published models are usually left.
    last = {output.shape[1:3]: layer for layer, output in outputs.items() if len(output.shape) == 4}
    return f"a layer of the model, such as {', '.join(close or last.values())}"
