"""A loaded teacher: its logits for raw examples, and itself as a LiteRT file."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.lite.python.convert_phase import ConverterError
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from learn2compress.config import InputScaling, TeacherOutput
from learn2compress.config_file import ConfigError

_SMALLEST_PROBABILITY = 1e-7


@dataclasses.dataclass(frozen=True)
class Network:
    """The network of a teacher, whatever format it came in.

    Attributes:
      name: What to call it in messages: its path.
      forward: Takes a batch of scaled float inputs, or of strings; gives
        `[batch, num_classes]`.
      input_shape: Shape of one example; of a text teacher's string, `()` or `(1,)`.
      input_dtype: A float type, or string.
      fixed_batch: 1 where the network takes one example at a time, otherwise None.
      num_parameters: Weights in all.
      activation: The last activation, where it can be read.
    """

    name: str
    forward: Callable[[Any], Any]
    input_shape: tuple[int, ...]
    input_dtype: Any
    fixed_batch: int | None
    num_parameters: int
    activation: str | None


class Teacher:
    """A checked teacher; made by `learn2compress.teachers.loading.load_teacher`.

    Attributes:
      output: Whether the network itself returns logits or probabilities.
      num_classes: Scores for each example.
      num_parameters: Weights in all.
      content_sha256: Hash of the file or folder it was loaded from.
      takes_text: Whether it reads the examples' text instead of their features.
    """

    def __init__(
        self, network: Network, scaling: InputScaling, batch_size: int, num_classes: int, content_sha256: str
    ) -> None:
        self._network = network
        self._scaling = scaling
        self._batch_size = network.fixed_batch or batch_size
        self.output = TeacherOutput.LOGITS
        self.num_classes = num_classes
        self.num_parameters = network.num_parameters
        self.content_sha256 = content_sha256
        self.takes_text = network.input_dtype == tf.string
        # One signature for every batch, the last smaller one too: one trace.
        spec = tf.TensorSpec([network.fixed_batch, *network.input_shape], tf.string if self.takes_text else tf.uint8)
        self._run = tf.function(self._forward_raw, input_signature=[spec])

    def logits(self, x: np.ndarray, text: list[bytes] | None = None) -> np.ndarray:
        """The teacher's logits; of a teacher of probabilities, their logarithms.

        Args:
          x: Raw examples, uint8 `[n, *input_shape]`; the input scaling is applied here.
          text: The examples' texts, for a teacher that takes strings.

        Returns:
          float32 `[n, num_classes]`. Log-probabilities are at least log(1e-7).

        Raises:
          ConfigError: the teacher answers an example with NaN or infinity.
        """
        raw = self.raw_outputs(x, text)
        finite = np.isfinite(raw).all(axis=1)
        if not finite.all():
            raise ConfigError(
                f"{self._network.name}: found NaN or infinite outputs for {int((~finite).sum())} of {len(raw)} "
                "examples, accepted are finite ones"
            )
        if self.output is TeacherOutput.PROBABILITIES:
            return np.log(np.clip(raw, _SMALLEST_PROBABILITY, 1.0))
        return raw

    def raw_outputs(self, x: np.ndarray, text: list[bytes] | None = None) -> np.ndarray:
        """What the network itself returns, float32 `[n, num_classes]`; arguments as for `logits`."""
        if self.takes_text:
            if text is None or len(text) != len(x):
                raise ValueError(
                    f"found {0 if text is None else len(text)} texts, accepted are {len(x)}: one an example"
                )
            inputs: Any = np.array(text, dtype=object).reshape(len(text), *self._network.input_shape)
        else:
            if x.dtype != np.uint8:
                raise ValueError(f"found examples of {x.dtype}, accepted is uint8")
            inputs = x
        raw = np.empty((len(x), self.num_classes), np.float32)
        for start in range(0, len(x), self._batch_size):
            batch = tf.constant(inputs[start : start + self._batch_size])
            raw[start : start + self._batch_size] = self._run(batch).numpy()
        return raw

    def output_shape(self) -> list[int | None]:
        """Shape of the network's outputs for the task's input; None for a size that isn't fixed."""
        shape = self._run.get_concrete_function().output_shapes
        return [] if shape.rank is None else list(shape)

    def to_litert(self) -> bytes | None:
        """The teacher as a float32 LiteRT file, to be measured as the students are.

        Returns:
          A file that takes float32 raw values 0..255 `[1, *input_shape]`, with the
          input scaling inside, and gives what the network returns, float32
          `[1, num_classes]`. None for a teacher that takes strings: LiteRT has
          no operators for most of their tokenizers, so there is nothing to measure.

        Raises:
          ConfigError: naming the operations that LiteRT does not have.
        """
        if self.takes_text:
            return None
        spec = tf.TensorSpec([1, *self._network.input_shape], tf.float32, name="input")

        @tf.function(input_signature=[spec])
        def scores(inputs: Any) -> dict[str, Any]:
            return {"scores": tf.ensure_shape(self._forward_raw(inputs), [1, self.num_classes])}

        try:
            frozen = convert_variables_to_constants_v2(scores.get_concrete_function(), lower_control_flow=False)
            return bytes(tf.lite.TFLiteConverter.from_concrete_functions([frozen]).convert())
        except (ConverterError, ValueError, NotImplementedError) as error:
            # The converter reports pages; the operations are what a person can change.
            missing = sorted(set(re.findall(r"'tf\.(\w+)' op|\btf\.(\w+) \{", str(error))))
            names = ", ".join(sorted({first or second for first, second in missing}))
            reason = names or next(iter(str(error).splitlines()), type(error).__name__)
            raise ConfigError(
                f"{self._network.name}: found operations that LiteRT can't run ({reason}), accepted is a teacher that "
                "converts with its built-in operations"
            ) from error

    def _forward_raw(self, raw: Any) -> Any:
        if self.takes_text:
            inputs = raw
        else:
            scaled = tf.cast(raw, tf.float32) * self._scaling.multiply + self._scaling.add
            inputs = tf.cast(scaled, self._network.input_dtype)
        return tf.cast(self._network.forward(inputs), tf.float32)
