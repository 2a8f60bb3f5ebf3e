"""Whether the stock LiteRT interpreter loads and runs a file: every file must before it counts."""

from __future__ import annotations

import tempfile
from pathlib import Path

from learn2compress.litert.flatbuffer import ModelFileError
from learn2compress.litert.latency import TIMEOUT_S, run_worker


def check_runs(model_bytes: bytes, what: str) -> None:
    """Loads and runs a file once by the stock interpreter with its default delegates, in a process of its own.

    A file that ends its process ends that one.

    Args:
      model_bytes: A `.tflite` file.
      what: What made it, for the message.

    Raises:
      ModelFileError: it does not load or run; one line with the operator and what the interpreter says.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.tflite")
        path.write_bytes(model_bytes)
        try:
            run_worker({"task": "start", "model": str(path), "num_threads": 1}, str(path), TIMEOUT_S)
        except ModelFileError as error:
            reason = str(error).removeprefix(f"{path}: ")
            raise ModelFileError(f"{what} makes a file that does not run: {reason}") from None
