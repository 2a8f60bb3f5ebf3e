"""A student on its way: trained, as a file, and measured."""

from __future__ import annotations

import dataclasses
import os
from typing import Any

import numpy as np
import numpy.typing as npt

from learn2compress.compression.input_form import InputForm
from learn2compress.compression.local_path import local_path
from learn2compress.config.parsing import ConfigError
from learn2compress.litert.interpreter import predict
from learn2compress.results.quantization import QuantizationReport
from learn2compress.results.reports import EpochRecord, ModelReport, Verdict

_ACCEPTED = "the path of a file to write"
History = tuple[EpochRecord, ...]


@dataclasses.dataclass(frozen=True, eq=False)
class TrainedStudent:
    """A student as a float network, trained or also pruned.

    Attributes:
      name: The student's.
      model: A `keras.Model` `[batch, *input_shape] -> [batch, num_classes]`: inputs 0..1, logits.
      history: Its epochs so far.
    """

    name: str
    model: Any
    history: History


@dataclasses.dataclass(frozen=True, eq=False)
class StudentFile:
    """A student as the `.tflite` file that ships.

    Attributes:
      name: The student's.
      model: The float `keras.Model` that it was made from.
      content: The file's bytes, with labels and metadata.
      history: All its epochs.
      quantization: How the file came about.
    """

    name: str
    model: Any
    content: bytes
    history: History
    quantization: QuantizationReport


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class MeasuredStudent:
    """A student whose file was measured; of a family also what was decided about it.

    Attributes:
      file: The file, and what it was made from.
      report: All that was measured.
      input_form: How examples become what the file takes.
      verdict: What selection decided; `None` before.
    """

    file: StudentFile
    report: ModelReport
    input_form: InputForm
    verdict: Verdict | None = None

    @property
    def name(self) -> str:
        """Returns the student's name."""
        return self.file.name

    @property
    def model(self) -> Any:
        """Returns the float `keras.Model` that the file was made from."""
        return self.file.model

    @property
    def content(self) -> bytes:
        """Returns the file's bytes, with labels and metadata."""
        return self.file.content

    @property
    def accuracy(self) -> float:
        """Returns the share of the held-out examples that the file is right on, 0..1."""
        return self.report.accuracy.top_1

    @property
    def model_bytes(self) -> int:
        """Returns the size of the file in bytes."""
        return self.report.model_bytes

    @property
    def macs(self) -> int:
        """Returns the multiply-accumulate operations of one inference."""
        return self.report.macs

    @property
    def reasons(self) -> tuple[str, ...]:
        """Returns why the student was refused, a sentence each; empty where it was not."""
        return () if self.verdict is None else self.verdict.reasons

    def __repr__(self) -> str:
        refused = f", refused: {self.reasons[0]}" if self.reasons else ""
        return f"<student {self.name!r}: top-1 {100 * self.accuracy:.2f}%, {self.model_bytes:,} bytes{refused}>"

    def predict(self, x: Any) -> npt.NDArray[np.float32]:
        """Scores examples with the file through LiteRT, as a phone does.

        Args:
          x: Examples in the form that they were trained on: images `[n, height, width]` or `[n, height, width,
            channels]`, paths of image files, or texts; at least one.

        Returns:
          Scores 0..1, float32 `[n, num_classes]`.

        Raises:
          ConfigError: they have another form.
        """
        return predict(self.content, self.input_form.to_bytes(x))

    def save(self, path: str | os.PathLike[str], *, accept_refused: bool = False) -> None:
        """Writes the file as a whole or not at all.

        Args:
          path: Such as "small.tflite".
          accept_refused: Write a student that was refused, too.

        Raises:
          ConfigError: the student was refused, and that is not accepted; or the file can't be written.
        """
        if self.reasons and not accept_refused:
            raise ConfigError(
                f"{self.name}: was refused: {'; '.join(self.reasons)}; save(path, accept_refused=True) writes it all "
                "the same"
            )
        write_whole(path, self.content)


def write_whole(path: str | os.PathLike[str], content: bytes) -> None:
    """Writes a file so that it is there as a whole or as it was before.

    Args:
      path: The file; its folder must be there.
      content: All of it.

    Raises:
      ConfigError: it is no path of a file, or can't be written.
    """
    target = local_path(path, "path", _ACCEPTED)
    if target.name in ("", ".."):
        raise ConfigError(f"path: found {os.fspath(path)!r}, accepted is {_ACCEPTED}")
    partial = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        try:
            with partial.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise ConfigError(f"{target} can't be written: {error.strerror or error}") from error
