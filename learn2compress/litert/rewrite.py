"""Rewrites a `.tflite` file: it is unpacked once, changed in place by one rewrite after the other, and packed once."""

from __future__ import annotations

import copy
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import flatbuffers
import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema

from learn2compress.litert.flatbuffer import (
    FILE_IDENTIFIER,
    ModelFileError,
    dtype_name,
    parse_errors_in_one_line,
    parse_guarded,
)


@dataclass(frozen=True)
class TensorType:
    """What a tensor holds.

    Attributes:
      dtype: Element type, such as "uint8".
      shape: Dimensions as stored.
    """

    dtype: str
    shape: tuple[int, ...]


class UnpackedModel:
    """A `.tflite` file as objects of the generated schema, which rewrites change in place.

    Content behind the flatbuffer, where some tools put what is larger than a few
    kilobytes, comes inside. Anything else there, such as a ZIP of labels, is dropped.

        model = UnpackedModel(model_bytes)
        model.shorten_tensor_names(["conv1", "logits"])
        model_bytes = model.pack()

    Args:
      model_bytes: The file.

    Attributes:
      tree: `ModelT` of the generated schema.

    Raises:
      ModelFileError: the bytes are no well-formed `.tflite` file.
    """

    def __init__(self, model_bytes: bytes) -> None:
        self.tree: Any = parse_guarded(lambda: _unpack(model_bytes), model_bytes)

    def border_tensors(self) -> tuple[Any, Any]:
        """Returns the input and the output of the first graph, `TensorT` each.

        Raises:
          ModelFileError: there is more or less than one of each.
        """
        with parse_errors_in_one_line():
            graph = self.tree.subgraphs[0]
            if len(graph.inputs) != 1 or len(graph.outputs) != 1:
                raise ModelFileError(
                    f"model: found {len(graph.inputs)} inputs and {len(graph.outputs)} outputs, accepted is one of each"
                )
            return graph.tensors[graph.inputs[0]], graph.tensors[graph.outputs[0]]

    def input_type(self) -> TensorType:
        """Returns the type of the file's one input; see `border_tensors`."""
        return _type_of("input", self.border_tensors()[0])

    def output_type(self) -> TensorType:
        """Returns the type of the file's one output; see `border_tensors`."""
        return _type_of("output", self.border_tensors()[1])

    def shorten_tensor_names(self, layer_names: Collection[str]) -> None:
        """Renames tensors after layers, each name once.

        The converter names a tensor by the whole paths of all operators fused into it.
        Inputs and outputs keep their names, which applications may ask for.

        Args:
          layer_names: A tensor is named after the first of these layers that its
            name has in its path, with a number where several would have one name;
            any other name stays.
        """
        names = frozenset(layer_names)
        with parse_errors_in_one_line():
            for graph in self.tree.subgraphs:
                _shorten(graph, names)

    def set_named_buffer(self, name: str, content: bytes) -> None:
        """Puts content under a name into the file's list of metadata, replacing what was under that name.

        Args:
          name: Such as "TFLITE_METADATA".
          content: The bytes.
        """
        tree, encoded = self.tree, name.encode()
        entries = list(tree.metadata or [])
        entry = next((entry for entry in entries if entry.name == encoded), None)
        if entry is None:
            entry = schema.MetadataT(encoded, len(tree.buffers))
            entries.append(entry)
            tree.buffers.append(schema.BufferT())
        with parse_errors_in_one_line():
            tree.buffers[entry.buffer].data = np.frombuffer(content, np.uint8)
        tree.metadata = entries

    def pack(self) -> bytes:
        """Returns the file.

        Equal vectors of the graph are stored once: the converter stores a vector of
        zeros as zero points of each kernel and of each bias, in a student of many
        narrow layers half of the file. The content of every buffer is aligned to 16
        bytes, as the schema wants it and as accelerated kernels like it; tf.lite's own
        converter, which rewrites files with generated Python code too, leaves it
        unaligned.
        """
        tree = copy.copy(self.tree)
        tree.buffers = [_AlignedBuffer(buffer.data) for buffer in tree.buffers]
        builder = _SharingBuilder(1024)
        with parse_errors_in_one_line():
            builder.Finish(tree.Pack(builder), FILE_IDENTIFIER)
        return bytes(builder.Output())


def _type_of(what: str, tensor: Any) -> TensorType:
    with parse_errors_in_one_line():
        shape = tuple(int(size) for size in ([] if tensor.shape is None else tensor.shape))
    dtype = dtype_name(tensor.type)
    if dtype is None:
        raise ModelFileError(f"{what}: found element type {tensor.type}, accepted is one of the format's")
    return TensorType(dtype, shape)


def _unpack(model_bytes: bytes) -> Any:
    tree = schema.ModelT.InitFromPackedBuf(model_bytes, 0)
    for buffer in tree.buffers:
        if buffer.offset > 1:  # 1 is the writer's placeholder
            end = buffer.offset + buffer.size
            if end > len(model_bytes):
                raise ModelFileError(f"model: found a buffer up to byte {end}, accepted is {len(model_bytes)} at most")
            buffer.data = np.frombuffer(model_bytes, np.uint8)[buffer.offset : end]
            buffer.offset = buffer.size = 0
    return tree


def _shorten(graph: Any, layer_names: frozenset[str]) -> None:
    taken: set[str] = set()
    for index, tensor in enumerate(graph.tensors):
        name = tensor.name.decode("utf-8", errors="replace")
        if index not in (*graph.inputs, *graph.outputs):
            name = _unique(_layer_of(name, layer_names) or name, taken)
        taken.add(name)
        tensor.name = name.encode()


def _layer_of(tensor_name: str, layer_names: frozenset[str]) -> str | None:
    for part in re.split("[/;]", tensor_name):
        # TensorFlow numbers the second use of a name.
        for name in (part, re.sub(r"_\d+$", "", part)):
            if name in layer_names:
                return name
    return None


def _unique(name: str, taken: set[str]) -> str:
    numbered, number = name, 1
    while numbered in taken:
        number += 1
        numbered = f"{name}:{number}"
    return numbered


class _SharingBuilder(flatbuffers.Builder):
    """Stores equal vectors once: a flatbuffer's tables may refer to the same one.

    Not vectors of one number: whether a zero point is that of another tensor is
    chance, and the size of a file should follow from its network.
    """

    def __init__(self, initial_size: int):
        super().__init__(initial_size)
        self._vectors: dict[tuple[str, bytes], int] = {}

    def CreateNumpyVector(self, x: npt.NDArray[Any]) -> int:  # noqa: N802 - the base's name
        if x.size <= 1:
            return int(super().CreateNumpyVector(x))
        key = (x.dtype.str, x.tobytes())
        if key not in self._vectors:
            self._vectors[key] = int(super().CreateNumpyVector(x))
        return self._vectors[key]


class _AlignedBuffer(schema.BufferT):
    """Packs its content where the schema wants it (`force_align: 16`), which generated Python code ignores."""

    def Pack(self, builder: Any) -> int:  # noqa: N802 - the generated name
        if self.data is None:
            return int(super().Pack(builder))
        content = np.asarray(self.data, np.uint8).tobytes()
        builder.StartVector(1, len(content), 16)
        builder.head -= len(content)
        builder.Bytes[builder.head : builder.head + len(content)] = content
        data = builder.EndVector()
        schema.BufferStart(builder)
        schema.BufferAddData(builder, data)
        return int(schema.BufferEnd(builder))
