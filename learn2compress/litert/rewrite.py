"""Adds a named buffer to a `.tflite` file, leaving what it computes as it is."""

from __future__ import annotations

from typing import Any

import flatbuffers
import numpy as np
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


def _insert(model_bytes: bytes, name: str, content: bytes) -> bytes:
    model = schema.ModelT.InitFromPackedBuf(model_bytes, 0)
    if any(buffer.offset > 1 for buffer in model.buffers):
        raise ModelFileError("model: found content outside of the flatbuffer, accepted are models under 2 GiB")
    entries = list(model.metadata or [])
    entry = next((entry for entry in entries if entry.name == name.encode()), None)
    if entry is None:
        entry = schema.MetadataT(name, len(model.buffers))
        entries.append(entry)
        model.buffers.append(schema.BufferT())
    model.buffers[entry.buffer].data = np.frombuffer(content, np.uint8)
    model.metadata = entries
    model.buffers = [_AlignedBuffer(buffer.data) for buffer in model.buffers]
    builder = flatbuffers.Builder(len(model_bytes) + len(content))
    builder.Finish(model.Pack(builder), FILE_IDENTIFIER)
    return bytes(builder.Output())


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
