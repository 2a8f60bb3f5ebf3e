"""A loaded teacher: its logits for raw examples, and itself as a LiteRT file."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.lite.python.convert_phase import ConverterError
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from learn2compress.config import Precision, TeacherOutput
from learn2compress.config.parsing import ConfigError
from learn2compress.teachers.members import joint_sha256
from learn2compress.teachers.network import SMALLEST_PROBABILITY, Member, joint_output, joint_scores


class LoadedTeacher:
    """A checked teacher, of one network or several; made by `learn2compress.teachers.loading.load_teacher`.

    Attributes:
      members: Its networks.
      name: What to call it in messages: the paths it was loaded from.
      output: Whether `raw_outputs` are logits or probabilities.
      num_classes: Scores for each example.
      num_parameters: Weights in all.
      content_sha256: Hash of the files or folders it was loaded from.
      takes_text: Whether it reads the examples' text instead of their features.
    """

    def __init__(self, members: Sequence[Member], input_shape: tuple[int, ...], batch_size: int) -> None:
        self.members = tuple(members)
        self.name = " and ".join(member.network.name for member in members)
        self.output = joint_output(members)
        self.num_classes = members[0].num_classes
        self.num_parameters = sum(member.network.num_parameters for member in members)
        self.content_sha256 = joint_sha256([member.content_sha256 for member in members])
        self.takes_text = any(member.network.takes_text for member in members)
        self._input_shape = input_shape
        self._batch_size = batch_size
        self._compiled: dict[Precision, Callable[..., Any]] = {}

    def check_content(self, expected_sha256: str) -> None:
        """Checks that this is the teacher which a run was started with.

        Args:
          expected_sha256: The hash of that teacher.

        Raises:
          ConfigError: `content_sha256` is another one.
        """
        if self.content_sha256 != expected_sha256:
            raise ConfigError(
                f"teacher.uri: {self.name} has SHA-256 {self.content_sha256}, but the run was started with "
                f"{expected_sha256}; run again, or put the first teacher back"
            )

    def logits(
        self, x: np.ndarray, text: list[bytes] | None = None, precision: Precision = Precision.FLOAT32
    ) -> np.ndarray:
        """Returns the teacher's logits; of a teacher of probabilities and of an ensemble, their logarithms.

        Args:
          x: Raw examples, uint8 `[n, *input_shape]`; the input scaling is applied here.
          text: The examples' texts, for a teacher that takes strings.
          precision: What convolutions are computed in.

        Returns:
          float32 `[n, num_classes]`. Log-probabilities are at least log(1e-7).

        Raises:
          ConfigError: the teacher returns NaN or infinity for an example, or can't be computed in the precision.
        """
        raw = self.raw_outputs(x, text, precision)
        finite = np.isfinite(raw).all(axis=1)
        if not finite.all():
            raise ConfigError(
                f"{self.name}: gives NaN or infinite outputs for {int((~finite).sum())} of {len(raw)} examples"
            )
        if self.output is TeacherOutput.PROBABILITIES:
            return np.log(np.clip(raw, SMALLEST_PROBABILITY, 1.0))
        return raw

    def raw_outputs(
        self, x: np.ndarray, text: list[bytes] | None = None, precision: Precision = Precision.FLOAT32
    ) -> np.ndarray:
        """Returns what the network itself returns, or the mean of the probabilities of several.

        Args:
          x: As for `logits`.
          text: As for `logits`.
          precision: As for `logits`.

        Returns:
          float32 `[n, num_classes]`.

        Raises:
          ConfigError: a network can't be computed in the precision.
          ValueError: examples that are not uint8, or not one text for each where the teacher takes text.
        """
        if x.dtype != np.uint8:
            raise ValueError(f"found examples of {x.dtype}, accepted is uint8")
        if self.takes_text and (text is None or len(text) != len(x)):
            raise ValueError(f"found {0 if text is None else len(text)} texts, accepted are {len(x)}: one an example")
        inputs = [x, np.array(text, dtype=object)] if self.takes_text else [x]
        raw = np.empty((len(x), self.num_classes), np.float32)
        run = self._run(precision)
        for start in range(0, len(x), self._batch_size):
            rows = slice(start, start + self._batch_size)
            raw[rows] = run(*(tf.constant(values[rows]) for values in inputs)).numpy()
        return raw

    def _run(self, precision: Precision) -> Callable[..., Any]:
        if precision not in self._compiled:
            members = [member.computed_in(precision) for member in self.members]
            # One signature for every batch, the last smaller one too: one trace.
            texts = [tf.TensorSpec([None], tf.string)] * self.takes_text
            signature = [tf.TensorSpec([None, *self._input_shape], tf.uint8), *texts]
            self._compiled[precision] = tf.function(
                lambda *inputs: joint_scores(members, *inputs), input_signature=signature
            )
        return self._compiled[precision]

    def to_litert(self) -> bytes | None:
        """Converts the teacher to one float32 LiteRT file, to be measured as the students are.

        Returns:
          A file that takes float32 raw values 0..255 `[1, *input_shape]`, with the
          input scaling inside, and returns what `raw_outputs` does, float32
          `[1, num_classes]`. None for a teacher that takes strings: LiteRT has
          no operators for most of their tokenizers, so there is nothing to measure.

        Raises:
          ConfigError: naming the operations that LiteRT does not have.
        """
        if self.takes_text:
            return None
        spec = tf.TensorSpec([1, *self._input_shape], tf.float32, name="input")

        @tf.function(input_signature=[spec])
        def scores(inputs: Any) -> dict[str, Any]:
            return {"scores": tf.ensure_shape(joint_scores(self.members, inputs), [1, self.num_classes])}

        try:
            frozen = convert_variables_to_constants_v2(scores.get_concrete_function(), lower_control_flow=False)
            return bytes(tf.lite.TFLiteConverter.from_concrete_functions([frozen]).convert())
        except (ConverterError, ValueError, NotImplementedError) as error:
            # The converter reports pages; the operations are what a person can change.
            missing = sorted(set(re.findall(r"'tf\.(\w+)' op|\btf\.(\w+) \{", str(error))))
            names = ", ".join(sorted({first or second for first, second in missing}))
            reason = names or next(iter(str(error).splitlines()), type(error).__name__)
            raise ConfigError(
                f"{self.name}: found operations that LiteRT can't run ({reason}), accepted is a teacher that "
                "converts with its built-in operations"
            ) from error
