"""Runs a `.tflite` file on examples, as an application would, for its scores.

`Scorer` and `predict` run it in the caller's process. A file of unknown origin
belongs through `learn2compress.litert.load_check` first: a damaged one can end the process, and there it
is only a worker's.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from ai_edge_litert.interpreter import Interpreter

from learn2compress.litert.flatbuffer import ModelFileError

PIXEL_SCALE = 1.0 / 255.0


class Scorer:
    """An interpreter that scores batch after batch.

    A byte b stands for the real number b / 255. An integer input receives it in
    its own quantization, so uint8 with scale 1/255 and zero point 0 receives the
    bytes as they are, and so does uint8 without a scale. A float input receives
    b * `input_scale`.

    Args:
      model_bytes: A `.tflite` file with one input and one output.
      input_shape: Shape of one example.
      input_scale: The number that a float input receives for one step of a byte: 1/255 for a
        student, 1.0 for a model that scales raw 0..255 values itself.
      num_threads: Interpreter threads.

    Raises:
      ModelFileError: the model can't be loaded, or does not take such examples.
    """

    def __init__(
        self, model_bytes: bytes, input_shape: tuple[int, ...], input_scale: float = PIXEL_SCALE, num_threads: int = 1
    ) -> None:
        self._shape, self._input_scale = input_shape, input_scale
        self._model_bytes, self._num_threads = model_bytes, num_threads
        self._resizable = True
        with _one_line_errors():
            self._interpreter = self._open()
            self._check()
            self._allocate(1)

    def scores(self, x: npt.NDArray[np.uint8], batch_size: int = 64) -> npt.NDArray[np.float32]:
        """Scores examples.

        Args:
          x: uint8 `[n, *input_shape]`, n at least 1.
          batch_size: Examples in one inference; a model that can't be resized runs one by one.

        Returns:
          float32 `[n, num_classes]`, dequantized.

        Raises:
          ModelFileError: the model does not run, or does not take such examples.
        """
        if x.dtype != np.uint8 or x.ndim < 2 or len(x) == 0:
            raise ModelFileError(f"examples: found {x.dtype} {list(x.shape)}, accepted is uint8 [at least 1, ...]")
        if x.shape[1:] != self._shape:
            raise ModelFileError(f"examples: found shape {list(x.shape[1:])}, accepted is {list(self._shape)}")
        with _one_line_errors():
            batch_size = self._resize(min(batch_size, len(x)))
            parts = [self._run(x[start : start + batch_size]) for start in range(0, len(x), batch_size)]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _run(self, batch: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        self._resize(len(batch))
        self._interpreter.set_tensor(self._source["index"], self._input_of(batch))
        self._interpreter.invoke()
        raw = self._interpreter.get_tensor(self._target["index"]).reshape(len(batch), -1).astype(np.float32, copy=False)
        scale, zero_point = self._target["quantization"]
        return (raw - zero_point) * np.float32(scale) if scale else raw

    def _input_of(self, batch: npt.NDArray[np.uint8]) -> npt.NDArray[Any]:
        if self._table is None:
            return batch
        # Of a million floats, products are made quicker than looked up.
        return (batch * np.float64(self._input_scale)).astype(np.float32) if self._is_float else self._table[batch]

    def _resize(self, batch_size: int) -> int:
        """Allocates tensors for a batch of this size, or of 1 where that is impossible; returns which."""
        if batch_size == self._batch_size or not self._resizable:
            return self._batch_size
        # A graph with a batch of 1 written into it, such as a reshape to [1, 64], can't be resized: it runs one by one.
        with contextlib.suppress(RuntimeError, ValueError):
            self._allocate(batch_size)
            if self._target["shape"][0] == batch_size:
                return batch_size
        self._resizable = False
        self._interpreter = self._open()
        self._allocate(1)
        return 1

    def _open(self) -> Interpreter:
        return Interpreter(model_content=self._model_bytes, num_threads=self._num_threads)

    def _check(self) -> None:
        inputs, outputs = self._interpreter.get_input_details(), self._interpreter.get_output_details()
        if len(inputs) != 1 or len(outputs) != 1:
            raise ModelFileError(
                f"model: found {len(inputs)} inputs and {len(outputs)} outputs, accepted is one of each"
            )
        found = tuple(int(size) for size in inputs[0]["shape"][1:])
        if found != self._shape:
            raise ModelFileError(
                f"input {inputs[0]['name']!r}: found shape {list(found)}, accepted is {list(self._shape)}"
            )
        table = input_table(inputs[0], self._input_scale)
        self._is_float = table.dtype == np.float32
        self._table = None if np.array_equal(table, np.arange(256, dtype=np.uint8)) and not self._is_float else table

    def _allocate(self, batch_size: int) -> None:
        (source,) = self._interpreter.get_input_details()
        if int(source["shape"][0]) != batch_size:
            self._interpreter.resize_tensor_input(source["index"], [batch_size, *self._shape])
        self._interpreter.allocate_tensors()
        (self._source,), (self._target,) = self._interpreter.get_input_details(), self._interpreter.get_output_details()
        self._batch_size = batch_size


def predict(
    model_bytes: bytes,
    x: npt.NDArray[np.uint8],
    input_scale: float = PIXEL_SCALE,
    batch_size: int = 64,
    num_threads: int = 1,
) -> npt.NDArray[np.float32]:
    """Scores examples with a file; see `Scorer`.

    Example:
      >>> import keras
      >>> import numpy as np
      >>> from learn2compress.litert.interpreter import predict
      >>> from learn2compress.quantization.convert import to_float_litert
      >>> student = keras.Sequential([keras.Input((2, 2, 1)), keras.layers.Flatten()])  # a logit for each pixel
      >>> model_bytes = to_float_litert(student).pack()
      >>> images = np.array([[[[0], [255]], [[0], [0]]], [[[0], [0]], [[0], [255]]]], np.uint8)
      >>> predict(model_bytes, images).argmax(axis=1)
      array([1, 3])

    Args:
      model_bytes: A `.tflite` file with one input and one output.
      x: uint8 `[n, *input_shape]`, n at least 1.
      input_scale: See `Scorer`.
      batch_size: Examples in one inference.
      num_threads: Interpreter threads.

    Returns:
      float32 `[n, num_classes]`, dequantized.

    Raises:
      ModelFileError: the model can't be loaded or run, or does not take such examples.
    """
    return Scorer(model_bytes, x.shape[1:], input_scale, num_threads).scores(x, batch_size)


def input_table(detail: dict[str, Any], input_scale: float) -> npt.NDArray[Any]:
    """Returns what an input tensor receives for each byte 0..255.

    Args:
      detail: One of `Interpreter.get_input_details()`.
      input_scale: See `Scorer`.

    Returns:
      `[256]` of the tensor's type.

    Raises:
      ModelFileError: the input is neither float32, uint8 nor quantized int8.
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


@contextlib.contextmanager
def _one_line_errors() -> Iterator[None]:
    try:
        yield
    except ModelFileError:
        raise
    except (RuntimeError, ValueError) as error:  # what the interpreter raises
        raise ModelFileError(f"model: does not run: {str(error).strip().splitlines()[0][:300]}") from None
