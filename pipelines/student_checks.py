"""What is known of students before anything is trained: trained ones are built, the teacher's own network is copied."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from learn2compress.config import CompressionConfig, QuantizationRecipe
from learn2compress.config.parsing import ConfigError

if TYPE_CHECKING:
    import keras

    from learn2compress.teachers.network import Member


def check_trained_students(config: CompressionConfig, num_classes: int | None) -> tuple[str, ...]:
    """Loads the trunk that students start from, and builds them, or the family that they are picked from.

    Args:
      config: What to do.
      num_classes: Of the data, where they are known.

    Returns:
      A sentence for each student that will not be pruned.

    Raises:
      ConfigError: the trunk, an exit, a student, a family or a layer that is to be pruned is not accepted.
    """
    from learn2compress.pruning.preview import unpruned_students
    from learn2compress.students.joint import build_joint_network
    from learn2compress.students.pretrained import load_pretrained

    trunk = load_pretrained(config.training, config.task)
    notes = () if trunk is None else _calibrated_instead(config, trunk)
    students = [student for student in config.trained_students if student.budget is None]
    try:
        if config.family is not None:
            from learn2compress.families.preview import check_family_networks

            check_family_networks(config, config.family, num_classes or 2)
        if students:
            build_joint_network(config.task, num_classes or 2, config.training, students, trunk)
        return (*notes, *unpruned_students(config, trunk))
    except ConfigError:
        raise
    except ValueError as error:  # Keras's own, of layers that don't fit one another
        raise ConfigError(f"students: they can't be built: {(str(error).splitlines() or [''])[0]}") from error


def _calibrated_instead(config: CompressionConfig, trunk: keras.Model) -> tuple[str, ...]:
    """Returns why students of a trunk will get int8 by calibration where 8-bit training is asked for, if they will."""
    from learn2compress.quantization.qat_network import why_not_trainable

    recipes = {config.quantize_of(student).recipe for student in config.trained_students}
    if config.trials is not None:
        recipes = set(config.trials.recipe)
    reason = why_not_trainable(trunk) if QuantizationRecipe.INT8_QAT in recipes else None
    if reason is None:
        return ()
    return (f"training.pretrained: {reason}; so quantize.recipe 'int8_qat' ships int8 by calibration instead",)


def member_of_any_classes(config: CompressionConfig, path: Path) -> Member | None:
    """Opens a teacher whose network is to be a student as if each of its outputs were a class.

    Args:
      config: What to do.
      path: The teacher.

    Returns:
      Its network; `None` where none is to be a student, or only the classes tell how it is read.

    Raises:
      ConfigError: as `learn2compress.teachers.loading.load_member`.
    """
    from learn2compress.teachers.loading import load_member
    from learn2compress.teachers.members import member_field, members_of
    from learn2compress.teachers.opening import open_network

    network = open_network(path)
    if not config.own_students or config.teacher.outputs is not None or network.model is None:
        return None
    num_classes = max(2, network.model.output_shape[-1])
    return load_member(path, members_of(config.teacher)[member_field(0)], config.task, num_classes)
