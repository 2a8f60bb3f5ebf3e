"""Models that are damaged or hostile, and files to put them into."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema


@pytest.fixture(scope="session")
def edited() -> Callable[[bytes, Callable[[Any], None]], bytes]:
    """Writes a model again after changing its object tree: how a damaged or hostile file is made."""

    def edit(model_bytes: bytes, change: Callable[[Any], None]) -> bytes:
        model = schema.ModelT.InitFromPackedBuf(model_bytes, 0)
        change(model)
        builder = flatbuffers.Builder(1024)
        builder.Finish(model.Pack(builder), b"TFL3")
        return bytes(builder.Output())

    return edit


@pytest.fixture(scope="session")
def crashing(models: Any, edited: Callable[[bytes, Callable[[Any], None]], bytes]) -> bytes:
    """A well-formed file that ends the process that runs it: its softmax looks far outside of a table."""

    def change(model: Any) -> None:
        graph = model.subgraphs[0]
        graph.tensors[graph.outputs[0]].quantization.zeroPoint = np.array([2130706432], np.int64)

    return edited(models.int8, change)


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, bytes], Path]:
    def write_file(name: str, content: bytes) -> Path:
        (tmp_path / name).write_bytes(content)
        return tmp_path / name

    return write_file
