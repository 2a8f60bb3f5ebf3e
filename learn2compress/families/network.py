"""The network that all sub-networks of a family train in: a view for each width and input size, with all exits."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import keras
from keras import tree

from learn2compress.config import FamilyConfig, TaskConfig, TaskKind, TrainingConfig
from learn2compress.config.parsing import ConfigError
from learn2compress.results.sub_networks import SubNetwork
from learn2compress.students.architecture import Architecture, find_architecture
from learn2compress.students.input_resizing import InputResizing
from learn2compress.students.sliced import SlicedLayers


class View(NamedTuple):
    """All sub-networks of one width and one input size: one forward pass computes them.

    Attributes:
      width: Multiple of the channels of the widest.
      input_size: Height that images are resized to; `None` for text.
    """

    width: float
    input_size: int | None

    @property
    def prefix(self) -> str:
        """Begins the names of its layers and outputs."""
        return f"w{self.width:g}_" + ("" if self.input_size is None else f"i{self.input_size}_")


class Exit(NamedTuple):
    """Where a sub-network ends.

    Attributes:
      stage: The last stage, from 1.
      blocks: Blocks of that stage.
    """

    stage: int
    blocks: int

    @property
    def name(self) -> str:
        """Ends the name of an output."""
        return f"exit{self.stage}_{self.blocks}"


@dataclasses.dataclass(frozen=True)
class FamilyNetwork:
    """A family's network. Every weight belongs to `whole`; views share kernels.

    Attributes:
      whole: Functional, from `[batch, *input_shape]` to a dict of logits by output name: see `output_name`.
      views: By width and size, from the same input to a dict of logits `[batch, num_classes]` by exit name.
      exits: From the shallowest to the deepest.
    """

    whole: keras.Model
    views: Mapping[View, keras.Model]
    exits: tuple[Exit, ...]

    @property
    def widest(self) -> View:
        """The view that sees whole batches: of width 1, at the largest size."""
        return max(self.views, key=lambda view: (view.width, view.input_size or 0))

    @property
    def narrowest(self) -> View:
        """The narrowest view at the largest size."""
        return max(self.views, key=lambda view: (-view.width, view.input_size or 0))

    def sub_networks(self) -> list[tuple[SubNetwork, View, Exit]]:
        """Returns all sub-networks, each with the view and the exit that compute it."""
        pairs = itertools.product(self.views, self.exits)
        return [(SubNetwork(view.width, end.stage, end.blocks, view.input_size), view, end) for view, end in pairs]

    def deepest_of(self, view: View) -> str:
        """Returns the output name of a view's deepest exit."""
        return output_name(view, self.exits[-1])


def output_name(view: View, end: Exit) -> str:
    """Returns the name of an output of `FamilyNetwork.whole`."""
    return f"{view.prefix}{end.name}"


def build_family(task: TaskConfig, num_classes: int, training: TrainingConfig, family: FamilyConfig) -> FamilyNetwork:
    """Builds the network of a family.

    Example:
      >>> from learn2compress.config import FamilyConfig, StageConfig, TaskConfig, TrainingConfig
      >>> from learn2compress.families.network import build_family
      >>> training = TrainingConfig(stages=(StageConfig(8), StageConfig(16, 2)))
      >>> network = build_family(TaskConfig(input_shape=(8, 8, 1)), 10, training, FamilyConfig(widths=(0.5, 1.0)))
      >>> len(network.sub_networks())
      6
      >>> network.whole.output["w0.5_i8_exit2_1"].shape
      (None, 10)

    Args:
      task: Gives the input's shape; the input is float32 in 0..1.
      num_classes: Length of logits, at least 2.
      training: Architecture, and the stages of the widest.
      family: Widths, sizes, and whether every block is an exit.

    Raises:
      ConfigError: the architecture is for another kind of task, two widths have the same channels, or its stages are
        not built block by block.
    """
    architecture = find_architecture(training, task)
    inputs = keras.Input(task.input_shape, name="input")
    exits = exits_of(training, family)
    sources: dict[str, dict[str, keras.Layer]] = {}
    views: dict[View, keras.Model] = {}
    outputs: dict[str, keras.KerasTensor] = {}
    for width in sorted(family.widths, reverse=True):
        siblings: dict[str, dict[str, keras.Layer]] = {}
        for size in sizes_of(task, family):
            view = View(width, size)
            builder = _Builder(architecture, view, num_classes, sources, siblings)
            try:
                logits = builder.connect(inputs, training, exits)
            except _NotByBlocksError as error:
                raise ConfigError(
                    f"search.family.blocks: found true with training.architecture "
                    f"{training.architecture_name(task.kind)!r}, whose stages are not built block by block ({error}), "
                    "accepted is false"
                ) from None
            views[view] = keras.Model(inputs, logits, name=f"{view.prefix}view")
            outputs |= {output_name(view, end): logits[end.name] for end in exits}
    _check_widths(views)
    return FamilyNetwork(keras.Model(inputs, outputs, name="family"), views, exits)


def exits_of(training: TrainingConfig, family: FamilyConfig) -> tuple[Exit, ...]:
    """Returns where sub-networks may end, the shallowest first."""
    stages = enumerate(training.stages, start=1)
    return tuple(
        Exit(number, blocks)
        for number, stage in stages
        for blocks in range(1 if family.blocks else stage.blocks, stage.blocks + 1)
    )


def sizes_of(task: TaskConfig, family: FamilyConfig) -> tuple[int | None, ...]:
    """Returns the heights that a family computes at, the largest first; for text `None` alone."""
    if task.kind is not TaskKind.IMAGE:
        return (None,)
    return tuple(sorted(family.input_sizes or (task.input_shape[0],), reverse=True))


class _NotByBlocksError(ValueError):
    """A stage of more blocks is no continuation of one of fewer."""


class _Builder:
    """Connects one view.

    Args:
      architecture: Builds stages and heads.
      view: Width and size.
      num_classes: Length of logits.
      sources: The layers that kernels are sliced from, by name, for the trunk and for each head.
      siblings: The layers of the same width at its first size, likewise.
    """

    def __init__(
        self,
        architecture: Architecture,
        view: View,
        num_classes: int,
        sources: dict[str, dict[str, keras.Layer]],
        siblings: dict[str, dict[str, keras.Layer]],
    ):
        self._architecture, self._view, self._num_classes = architecture, view, num_classes
        self._sources, self._siblings = sources, siblings

    def connect(
        self, inputs: keras.KerasTensor, training: TrainingConfig, exits: tuple[Exit, ...]
    ) -> dict[str, keras.KerasTensor]:
        """Returns logits by exit name."""
        features = _resized(inputs, self._view)
        trunk, logits = self._layers("", self._view.prefix), {}
        for number, stage in enumerate(training.stages, start=1):
            before = features
            for end in (end for end in exits if end.stage == number):
                # The layers of the blocks before are there already: see `_OnceLayers`.
                shortened = dataclasses.replace(stage, blocks=end.blocks)
                features = self._architecture.stage(before, shortened, number, trunk)
                head = self._layers(end.name, f"{output_name(self._view, end)}_")
                logits[end.name] = self._architecture.head(features, self._num_classes, head)
        return logits

    def _layers(self, part: str, prefix: str) -> _OnceLayers:
        sources, siblings = self._sources.setdefault(part, {}), self._siblings.setdefault(part, {})
        return _OnceLayers(self._view.width, prefix, sources, siblings)


class _OnceLayers(SlicedLayers):
    """Makes each layer once and applies it once: asked again for the same, it returns what it returned before.

    So a stage of two blocks continues the stage of one block that was built before it.
    """

    def __init__(self, width: float, prefix: str, sources: dict[str, keras.Layer], siblings: dict[str, keras.Layer]):
        super().__init__(width, prefix, sources, siblings)
        self._made: dict[str, Callable[[Any], Any]] = {}

    def make(self, kind: type[keras.Layer], name: str, **config: Any) -> Any:
        """Returns what applies a layer of this name.

        Args:
          kind: As for `SlicedLayers.make`.
          name: Likewise.
          config: Likewise.
        """
        if name not in self._made:
            self._made[name] = _once(super().make(kind, name, **config))
        return self._made[name]


def _once(layer: keras.Layer) -> Callable[[Any], Any]:
    known: dict[tuple[int, ...], Any] = {}

    def apply(inputs: Any) -> Any:
        key = tuple(id(tensor) for tensor in tree.flatten(inputs))
        if known and key not in known:
            raise _NotByBlocksError(f"layer {layer.name!r} takes something else in a stage of more blocks")
        if key not in known:
            known[key] = layer(inputs)
        return known[key]

    return apply


def _resized(inputs: keras.KerasTensor, view: View) -> keras.KerasTensor:
    if view.input_size is None or view.input_size == inputs.shape[1]:
        return inputs
    width = max(1, round(inputs.shape[2] * view.input_size / inputs.shape[1]))
    return InputResizing(view.input_size, width, name=f"{view.prefix}resize")(inputs)


def _check_widths(views: Mapping[View, keras.Model]) -> None:
    """Refuses two widths whose channels are the same once they are rounded."""
    known: dict[tuple[Any, ...], View] = {}
    for view, model in views.items():
        # Kernels are the widest's; what is of a view's own shape is the output of each layer.
        shapes = (view.input_size, *(tuple(layer.output.shape) for layer in model.layers))
        if shapes in known:
            raise ConfigError(
                f"search.family.widths: found {known[shapes].width:g} and {view.width:g}, which have the same "
                "channels, accepted are widths that differ once channels are rounded to multiples of 4"
            )
        known[shapes] = view
