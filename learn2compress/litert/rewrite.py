"""Rewrites a `.tflite` file, leaving what it computes as it is: adds a named buffer, or takes fewer bytes."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

import flatbuffers
import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema

from learn2compress.litert.flatbuffer import FILE_IDENTIFIER, ModelFileError, parse_guarded


def with_named_buffer(model_bytes: bytes, name: str, content: bytes) -> bytes:
    """The model with `content` under `name` among its metadata; what was under that name is replaced.

    The content of every buffer is aligned to 16 bytes, as the schema wants it
    and as accelerated kernels like it; tf.lite's own converter, which rewrites
    files with generated Python code too, leaves it unaligned. Anything after
    the flatbuffer, such as a ZIP of labels, is dropped.

    Raises:
      ModelFileError: the bytes are no well-formed `.tflite` file.
    """
    return parse_guarded(lambda: _insert(model_bytes, name, content), model_bytes)


def compacted(model_bytes: bytes, layer_names: Collection[str]) -> bytes:
    """The same model in fewer bytes: short names, and equal vectors of the graph stored once.

    The converter names a tensor by the whole paths of all operators fused into
    it, and stores a vector of zeros as zero points of each kernel and of each
    bias: in a student of many narrow layers that is half of the file.

    Args:
      model_bytes: From the converter.
      layer_names: A tensor is named after the first of these layers that its
        name has in its path, with a number where several would have one name;
        any other name stays.

    Raises:
      ModelFileError: the bytes are no well-formed `.tflite` file.
    """
    return parse_guarded(lambda: packed(_renamed(unpacked(model_bytes), frozenset(layer_names))), model_bytes)


def _insert(model_bytes: bytes, name: str, content: bytes) -> bytes:
    model = unpacked(model_bytes)
    entries = list(model.metadata or [])
    entry = next((entry for entry in entries if entry.name == name.encode()), None)
    if entry is None:
        entry = schema.MetadataT(name, len(model.buffers))
        entries.append(entry)
        model.buffers.append(schema.BufferT())
    model.buffers[entry.buffer].data = np.frombuffer(content, np.uint8)
    model.metadata = entries
    return packed(model)


def _renamed(model: Any, layer_names: frozenset[str]) -> Any:
    for graph in model.subgraphs:
        taken: set[str] = set()
        for index, tensor in enumerate(graph.tensors):
            name = tensor.name.decode("utf-8", errors="replace")
            # The interface's names are what applications may ask for.
            if index not in (*graph.inputs, *graph.outputs):
                name = _unique(_layer_of(name, layer_names) or name, taken)
            taken.add(name)
            tensor.name = name
    return model


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


def unpacked(model_bytes: bytes) -> Any:
    """The model as objects of the generated schema, to be changed; call it inside `parse_guarded`.

    Content behind the flatbuffer, where some tools put what is larger than a few
    kilobytes, comes inside.
    """
    model = schema.ModelT.InitFromPackedBuf(model_bytes, 0)
    for buffer in model.buffers:
        if buffer.offset > 1:  # 1 is the writer's placeholder
            end = buffer.offset + buffer.size
            if end > len(model_bytes):
                raise ModelFileError(f"model: found a buffer up to byte {end}, accepted is {len(model_bytes)} at most")
            buffer.data = np.frombuffer(model_bytes, np.uint8)[buffer.offset : end]
            buffer.offset = buffer.size = 0
    return model


def packed(model: Any) -> bytes:
    """A model from `unpacked` as bytes: content aligned, equal vectors stored once."""
    model.buffers = [_AlignedBuffer(buffer.data) for buffer in model.buffers]
    builder = _SharingBuilder(1024)
    builder.Finish(model.Pack(builder), FILE_IDENTIFIER)
    return bytes(builder.Output())


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
