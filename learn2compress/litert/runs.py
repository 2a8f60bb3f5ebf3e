"""Whether the stock LiteRT interpreter, with its default delegates, loads and runs a file."""

from __future__ import annotations

import tempfile
from pathlib import Path

from learn2compress.litert.flatbuffer import ModelFileError
from learn2compress.litert.latency import TIMEOUT_S, run_worker


def check_runs(model_bytes: bytes, what: str) -> None:
    """Runs a file once, in a process of its own, which a bad one may end.

    Args:
      model_bytes: A `.tflite` file.
      what: What made it, for the message.

    Raises:
      ModelFileError: it does not load or run; one line with what the interpreter says of which operator.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.tflite")
        path.write_bytes(model_bytes)
        try:
            run_worker({"task": "start", "model": str(path), "num_threads": 1}, str(path), TIMEOUT_S)
        except ModelFileError as error:
            reason = str(error).removeprefix(f"{path}: ")
            raise ModelFileError(f"{what} makes a file that does not run: {reason}") from None
