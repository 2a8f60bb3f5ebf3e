"""The students of one run with nothing shared any more: each has its own copy of its part of the trunk.

Exits of one trunk pull its weights in different directions. Trained apart in the last epochs, each student's copy
settles where its own loss is least, as sub-networks of a once-for-all network are fine-tuned in the end (Cai et al.,
arXiv:1908.09791).
"""

from __future__ import annotations

import keras

from learn2compress.students.sliced import plain_layer, weights_of

_NAME = "unshared_network"


def unshared_network(joint: keras.Model) -> keras.Model:
    """Copies a joint network into one in which no two students share a weight.

    Example:
      >>> from learn2compress.config import StageConfig, StudentConfig, TaskConfig, TrainingConfig
      >>> from learn2compress.students.joint import build_joint_network
      >>> from learn2compress.students.unsharing import unshared_network
      >>> training = TrainingConfig(stages=(StageConfig(8), StageConfig(16)))
      >>> students = [StudentConfig("large", stage=2), StudentConfig("small", stage=1)]
      >>> unshared = unshared_network(build_joint_network(TaskConfig(), 10, training, students))
      >>> [layer.name for layer in unshared.layers if layer.name.endswith("stage1_conv1")]
      ['large.stage1_conv1', 'small.stage1_conv1']

    Args:
      joint: From `build_joint_network`.

    Returns:
      A functional model of the same input and outputs, with copies of the weights. Layers of a student's own keep their
      names; `joint_layer_name` returns those of the others.
    """
    inputs = keras.Input(batch_shape=joint.input.shape, dtype=joint.input.dtype, name=joint.input.name)
    outputs = {}
    for student, logits in joint.output.items():

        def own(layer: keras.Layer, student: str = student) -> keras.Layer:
            return plain_layer(layer, _own_name(student, layer.name))

        outputs[student] = keras.models.clone_model(
            keras.Model(joint.input, logits), input_tensors=inputs, clone_function=own
        ).output
    network = keras.Model(inputs, outputs, name=_NAME)
    for student in outputs:
        copy_student(joint, network, student)
    return network


def copy_student(joint: keras.Model, unshared: keras.Model, student: str) -> None:
    """Sets the weights of one student's copy to those that it has in the joint network.

    Args:
      joint: The network of shared weights.
      unshared: Made of it by `unshared_network`.
      student: Its name.
    """
    for layer in keras.Model(joint.input, joint.output[student]).layers:
        if layer.weights:
            unshared.get_layer(_own_name(student, layer.name)).set_weights(weights_of(layer))


def joint_layer_name(network: keras.Model, layer_name: str) -> str:
    """Returns the name that a layer of a network has where students share it.

    Args:
      network: The joint network, whose layers have these names, or the one of `unshared_network`.
      layer_name: Of one of its layers.
    """
    if network.name == _NAME:
        for student in network.output:
            if layer_name.startswith(_own_name(student, "")):
                return layer_name.removeprefix(_own_name(student, ""))
    return layer_name


def _own_name(student: str, layer_name: str) -> str:
    # No student's name has a dot in it.
    return layer_name if layer_name.startswith(f"{student}_") else f"{student}.{layer_name}"
