"""Runs a `.tflite` file on examples, as an application would, for its scores.

This runs in the caller's process. A file of unknown origin belongs through
`learn2compress.litert.latency` first: a damaged one can end the process, and
there it is only a worker's.
"""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np
import numpy.typing as npt
from ai_edge_litert.interpreter import Interpreter

from learn2compress import progress
from learn2compress.litert.flatbuffer import ModelFileError

PIXEL_SCALE = 1.0 / 255.0


def predict(
    model_bytes: bytes,
    x: npt.NDArray[np.uint8],
    input_scale: float = PIXEL_SCALE,
    batch_size: int = 256,
    num_threads: int = 1,
) -> npt.NDArray[np.float32]:
    """Scores of a model for uint8 examples.

    A byte b stands for the real number b / 255. An integer input receives it in
    its own quantization, so uint8 with scale 1/255 and zero point 0 receives the
    bytes as they are, and so does uint8 without a scale. A float input receives
    b * `input_scale`.

    Args:
      model_bytes: A `.tflite` file with one input and one output.
      x: uint8 [n, *shape], n at least 1.
      input_scale: What one step of a byte is worth to a float input: 1/255 for a
        student, 1.0 for a model that scales raw 0..255 values itself.
      batch_size: Examples in one inference; a model that can't be resized runs one by one.
      num_threads: Interpreter threads.

    Returns:
      float32 [n, num_classes], dequantized.

    Raises:
      ModelFileError: the model can't be loaded or run, or does not take such examples.
    """
    if x.dtype != np.uint8 or x.ndim < 2 or len(x) == 0:
        raise ModelFileError(f"examples: found {x.dtype} {list(x.shape)}, accepted is uint8 [at least 1, ...]")
    try:
        interpreter, batch_size = _open(model_bytes, x.shape[1:], min(batch_size, len(x)), num_threads)
        return _run(interpreter, x, input_scale, batch_size)
    except ModelFileError:
        raise
    except (RuntimeError, ValueError) as error:  # what the interpreter raises
        raise ModelFileError(f"model: does not run: {str(error).strip().splitlines()[0][:300]}") from None


def input_table(detail: dict[str, Any], input_scale: float) -> npt.NDArray[Any]:
    """What an input tensor receives for each byte 0..255: an array of 256 of the tensor's type.

    Args:
      detail: One of `Interpreter.get_input_details()`.
      input_scale: See `predict`.
    """
    dtype, (scale, zero_point) = np.dtype(detail["dtype"]), detail["quantization"]
    steps = np.arange(256)
    if dtype == np.float32:
        return (steps * input_scale).astype(np.float32)
    if dtype == np.uint8 and scale == 0:
        return steps.astype(np.uint8)
    if dtype not in (np.uint8, np.int8) or scale == 0:
        raise ModelFileError(
            f"input {detail['name']!r}: found {dtype} with scale {scale}, "
            "accepted are float32, uint8 and quantized int8"
        )
    limits = np.iinfo(dtype)
    return np.clip(np.rint(steps * PIXEL_SCALE / scale) + zero_point, limits.min, limits.max).astype(dtype)


def _open(model_bytes: bytes, shape: tuple[int, ...], batch_size: int, num_threads: int) -> tuple[Interpreter, int]:
    interpreter = Interpreter(model_content=model_bytes, num_threads=num_threads)
    inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
    if len(inputs) != 1 or len(outputs) != 1:
        raise ModelFileError(f"model: found {len(inputs)} inputs and {len(outputs)} outputs, accepted is one of each")
    found = tuple(int(size) for size in inputs[0]["shape"][1:])
    if found != shape:
        raise ModelFileError(f"input {inputs[0]['name']!r}: found shape {list(found)}, accepted is {list(shape)}")
    if batch_size > 1:
        # A graph with a batch of 1 written into it, such as a reshape to [1, 64], can't be resized: it runs one by one.
        with contextlib.suppress(RuntimeError, ValueError):
            interpreter.resize_tensor_input(inputs[0]["index"], [batch_size, *shape])
            interpreter.allocate_tensors()
            if interpreter.get_output_details()[0]["shape"][0] == batch_size:
                return interpreter, batch_size
        interpreter = Interpreter(model_content=model_bytes, num_threads=num_threads)
    interpreter.allocate_tensors()
    return interpreter, 1


def _run(
    interpreter: Interpreter, x: npt.NDArray[np.uint8], input_scale: float, batch_size: int
) -> npt.NDArray[np.float32]:
    (source,), (target,) = interpreter.get_input_details(), interpreter.get_output_details()
    table = input_table(source, input_scale)
    scale, zero_point = target["quantization"]
    scores = []
    for start in range(0, len(x), batch_size):
        batch = x[start : start + batch_size]
        padded = np.concatenate([batch, np.repeat(batch[:1], batch_size - len(batch), axis=0)])
        interpreter.set_tensor(source["index"], table[padded])
        interpreter.invoke()
        raw = interpreter.get_tensor(target["index"]).reshape(batch_size, -1)[: len(batch)].astype(np.float32)
        scores.append((raw - zero_point) * np.float32(scale) if scale else raw)
        progress.report("score examples", start + len(batch), len(x))
    return np.concatenate(scores)
