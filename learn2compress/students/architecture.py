"""What a student architecture is: how one stage and one head are built, at any width and depth.

An architecture knows nothing of other students: which stages are shared, and at which
width, is the strategy's business (`learn2compress.students.sharing`). A team
adds its own architecture in an installed package, by an entry point:

    [project.entry-points."learn2compress.architectures"]
    ours = "our_package.architecture:OurArchitecture"

`training.architecture: ours` then names it.
"""

from __future__ import annotations

import abc
import importlib.metadata

import keras

from learn2compress.config import StageConfig, TaskConfig, TaskKind, TrainingConfig
from learn2compress.config.parsing import ConfigError
from learn2compress.config.training import ARCHITECTURE_ENTRY_POINTS
from learn2compress.students.layers import Layers


class Architecture(abc.ABC):
    """Builds stages and heads.

    Every layer with a kernel is made by the `layers` that a method is given
    (`layers.make` makes any kind), every name goes through `layers.name`, and is
    unique within the student. Layers that `learn2compress.quantization.qat_network`
    knows can be trained for 8 bits.

    Attributes:
      task_kind: What the architecture classifies.
    """

    task_kind: TaskKind

    @abc.abstractmethod
    def stage(self, features: keras.KerasTensor, stage: StageConfig, number: int, layers: Layers) -> keras.KerasTensor:
        """Adds one stage.

        Args:
          features: The input in 0..1 for stage 1, otherwise what the stage before gave.
          stage: Channels (times `layers.width`) and blocks.
          number: 1 for the first stage.
          layers: Makes the layers.
        """

    @abc.abstractmethod
    def head(self, features: keras.KerasTensor, num_classes: int, layers: Layers) -> keras.KerasTensor:
        """Adds the layers from a stage's features to logits `[batch, num_classes]`; the last is a Dense "logits"."""


def find_architecture(training: TrainingConfig, task: TaskConfig) -> Architecture:
    """The architecture that a configuration names, or the task's default.

    Raises:
      ConfigError: it is for another kind of task, or what is installed under its name is no architecture.
    """
    name = training.architecture_name(task.kind)
    (entry_point,) = importlib.metadata.entry_points(group=ARCHITECTURE_ENTRY_POINTS, name=name)
    try:
        architecture = entry_point.load()()
    except (ImportError, AttributeError) as error:
        raise ConfigError(
            f"training.architecture: {entry_point.value} can't be imported ({error}); mend the package that installs it"
        ) from error
    if not isinstance(architecture, Architecture):
        raise ConfigError(
            f"training.architecture: found {entry_point.value}, which makes a {type(architecture).__name__}, "
            "accepted is a subclass of learn2compress.students.architecture.Architecture"
        )
    if architecture.task_kind is not task.kind:
        raise ConfigError(
            f"training.architecture: found {name!r}, which is for {architecture.task_kind.value} tasks, "
            f"accepted is an architecture for {task.kind.value} tasks"
        )
    return architecture
