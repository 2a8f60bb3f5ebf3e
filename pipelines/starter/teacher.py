"""What `l2c init` finds out by looking at a teacher: its input, its outputs, and how it takes images or texts."""

from __future__ import annotations

import contextlib
import dataclasses
import tempfile
from collections.abc import Iterator
from pathlib import Path

import keras
import tensorflow as tf

from learn2compress.config import DataConfig, InputScaling, TaskConfig, TaskKind, TeacherMemberConfig
from learn2compress.config.parsing import ConfigError, about
from learn2compress.data.source_sample import sample_source
from learn2compress.results.guessing import Knowledge
from learn2compress.students.cost import count_macs
from learn2compress.teachers.fetching import fetch_teacher
from learn2compress.teachers.loading import load_member
from learn2compress.teachers.network import Network
from learn2compress.teachers.opening import explained, open_network
from learn2compress.teachers.scaling_choice import choose_scaling
from learn2compress.teachers.yardstick import percent

_OPTION = "--teacher"
# A dozen scalings are tried on them.
_EXAMPLES, _EXAMPLES_OF_LARGE_IMAGES = 256, 64
_LARGE_PIXELS = 96 * 96
# Of an input that takes any size, to see how many outputs there are.
_PROBE_PIXELS = 64


@dataclasses.dataclass(frozen=True)
class TeacherLook:
    """A teacher as it is before the data are looked at.

    Attributes:
      path: The local file or folder.
      uri: As it was named.
      input_shape: Of one example: height and width, `None` for any, and channels, or the number of text features.
      takes_text: Whether it takes strings.
      num_outputs: Numbers that it returns for an example.
      num_parameters: Weights in all.
      macs: Multiply-accumulate operations of one inference, where its layers tell.
    """

    path: Path
    uri: str
    input_shape: tuple[int | None, ...]
    takes_text: bool
    num_outputs: int
    num_parameters: int
    macs: int | None

    @property
    def takes_images(self) -> bool:
        """Returns whether it takes images of one or three channels."""
        return not self.takes_text and len(self.input_shape) == 3 and self.input_shape[2] in (1, 3)

    @property
    def num_classes(self) -> int:
        """Returns the classes that it tells apart: one output stands for two."""
        return max(2, self.num_outputs)

    def fits(self, num_classes: int) -> bool:
        """Returns whether it has an output for each class."""
        return self.num_classes == num_classes


@dataclasses.dataclass(frozen=True)
class TeacherFacts:
    """What a configuration says of a teacher.

    Attributes:
      scaling: How pixels become its input.
      classes: Class names in the order of its outputs; empty where that is the data's order.
      sentence: How that was found out, or why not.
      is_doubtful: Whether a person must look.
      accuracy: Share of the labelled examples that it is right on, read so, 0..1.
    """

    scaling: InputScaling
    classes: tuple[str, ...]
    sentence: str
    is_doubtful: bool
    accuracy: float


@contextlib.contextmanager
def looked_at(uri: str) -> Iterator[TeacherLook]:
    """Opens a teacher behind the checks of `TeacherLoad`; a remote one is there as long as the block.

    Args:
      uri: Of a teacher.

    Yields:
      What is seen without data.

    Raises:
      ConfigError: it can't be read, or is not safe.
    """
    with tempfile.TemporaryDirectory() as folder:
        with about(_OPTION):
            look = _look_at(fetch_teacher(uri, Path(folder)), uri)
        yield look


def read_teacher(
    look: TeacherLook,
    data: DataConfig,
    task: TaskConfig,
    labels: tuple[str, ...],
    scaling: InputScaling | None = None,
) -> TeacherFacts:
    """Finds out by labelled examples how a teacher takes its pixels or features.

    Args:
      look: A teacher with an output for each class.
      data: Where labelled examples are.
      task: Their kind and shape, which the teacher takes.
      labels: Class names in index order.
      scaling: To prefer where others do no better; by default 0..1.

    Raises:
      ConfigError: the teacher does not fit the task, or the data can't be read.
    """
    config = TeacherMemberConfig(look.uri, input_scaling=scaling or InputScaling())
    member = load_member(look.path, config, task, len(labels), "teacher", labels)
    is_large = task.kind is TaskKind.IMAGE and task.input_shape[0] * task.input_shape[1] > _LARGE_PIXELS
    what = "image" if task.kind is TaskKind.IMAGE else "text"
    with about("--data"):
        sample = sample_source(data, task, labels, _EXAMPLES_OF_LARGE_IMAGES if is_large else _EXAMPLES)
    if not len(sample):
        return TeacherFacts(member.scaling, (), f"not tried out: no labelled {what} could be used", True, 0.0)
    choice = choose_scaling(member, task, sample, labels)
    accuracy = choice.check.accuracy
    right = f"right on {percent(accuracy)} of {len(sample):,} labelled {what}s"
    if choice.check.knowledge is Knowledge.BETTER:
        return TeacherFacts(choice.scaling, choice.classes, f"tried out: {right}", False, accuracy)
    doubt = f"the best of those tried out, {right}: {choice.check.knowledge.value}"
    return TeacherFacts(choice.scaling, choice.classes, doubt, True, accuracy)


def _look_at(path: Path, uri: str) -> TeacherLook:
    network = open_network(path)
    shape = tuple(network.input_shape)
    with explained(path):
        # Of strings there is nothing to see: they are refused.
        num_outputs = 0 if network.takes_text else _num_outputs(network)
        macs = _macs(network.model)
    return TeacherLook(path, uri, shape, network.takes_text, num_outputs, network.num_parameters, macs)


def _macs(model: keras.Model | None) -> int | None:
    """Returns the operations of a network; `None` where it is not seen into, has networks inside, or takes any size."""
    if model is None or any(isinstance(layer, keras.Model) for layer in model.layers):
        return None
    if None in model.inputs[0].shape[1:]:
        return None
    return count_macs(model)


def _num_outputs(network: Network) -> int:
    sizes = (size or _PROBE_PIXELS for size in network.input_shape)
    outputs = network.forward(tf.zeros((1, *sizes), network.input_dtype), False)
    if len(outputs.shape) != 2:
        shape = list(outputs.shape)
        raise ConfigError(f"{network.name}: found outputs of shape {shape}, accepted is one for each class")
    return int(outputs.shape[1])
