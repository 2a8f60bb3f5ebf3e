"""What will go otherwise than asked with students of the teacher's own network, found before anything is trained."""

from __future__ import annotations

from collections.abc import Sequence

import keras

from learn2compress.config import CompressionConfig, QuantizationRecipe
from learn2compress.config.parsing import ConfigError
from learn2compress.pruning.preview import why_unpruned
from learn2compress.quantization.qat_network import why_not_trainable
from learn2compress.steps.own_student import copied_network
from learn2compress.students.own_network import recurrent_layer
from learn2compress.teachers.network import Member

# The others are calibrated, `int8_qat` for the file that it is compared with.
_WITHOUT_CALIBRATION = (QuantizationRecipe.FLOAT32, QuantizationRecipe.FLOAT16, QuantizationRecipe.DYNAMIC_INT8)


def check_own_students(config: CompressionConfig, member: Member) -> tuple[str, ...]:
    """Says before anything is trained what will go otherwise than asked with students of the teacher's network.

    Args:
      config: A whole configuration.
      member: The teacher's only network.

    Returns:
      Sentences, each with the layer that 8-bit training or pruning does not know and what is done instead.

    Raises:
      ConfigError: the network can't be a student, a recipe can't be made of it, or a layer that is to be pruned is
        not accepted.
    """
    sentences: list[str] = []
    for student in config.students:
        if student.is_teacher:
            network = copied_network(member, config.task, student.name)
            recipes = [config.quantize_of(student).recipe] if config.trials is None else config.trials.recipe
            check_recurrent(network, student.name, recipes)
            sentences += _untrained(network, student.name, recipes)
            sentences += why_unpruned(config, student, network)
    return tuple(sentences)


def check_recurrent(network: keras.Model, name: str, recipes: Sequence[QuantizationRecipe]) -> None:
    """Refuses recipes that are calibrated for a network with recurrent layers.

    Args:
      network: Of a student.
      name: Its name.
      recipes: Those that are to be made of it.

    Raises:
      ConfigError: one of them is calibrated.
    """
    layer = recurrent_layer(network)
    refused = [recipe.value for recipe in recipes if recipe not in _WITHOUT_CALIBRATION]
    if layer is not None and refused:
        accepted = ", ".join(recipe.value for recipe in _WITHOUT_CALIBRATION)
        raise ConfigError(
            f"students.{name}.quantize.recipe: found {', '.join(refused)} for a network with {type(layer).__name__} "
            f"layer {layer.name!r}, accepted are {accepted}: TensorFlow's converter ends the process when it "
            "calibrates recurrent layers"
        )


def _untrained(network: keras.Model, name: str, recipes: Sequence[QuantizationRecipe]) -> list[str]:
    reason = why_not_trainable(network) if QuantizationRecipe.INT8_QAT in recipes else None
    if reason is None:
        return []
    return [
        f"student {name} can't be trained in 8 bits: {reason}; so quantize.recipe 'int8_qat' ships int8 by calibration "
        "instead, as 'int8_ptq' does; 'float16' takes every layer"
    ]
