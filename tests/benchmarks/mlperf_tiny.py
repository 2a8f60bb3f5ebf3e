"""The two int8 files for CIFAR-10 that MLPerf Tiny publishes, measured as the files of students are.

They are reference models of others, trained with no teacher of ours: ResNet-8, the benchmark's own network, and the
larger IC02. They lie in the repository github.com/mlcommons/tiny, in the folder
`benchmark/training/image_classification/trained_models`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from learn2compress.litert.arithmetic import operator_work

FILES = {
    "mlperf_tiny_resnet8": "pretrainedResnet_quant.tflite",
    "mlperf_tiny_ic02": "pretrainedResnet_large_int8.tflite",
}
PUBLISHED_AT = "github.com/mlcommons/tiny, folder benchmark/training/image_classification/trained_models"
NOT_GIVEN = "the files were not given: --mlperf-tiny FOLDER"
INPUT_SHAPE = (32, 32, 3)
CLASS_NAMES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
# A pixel of 0..255 is a number of that size to them, not a share of 255.
_INPUT_QUANTIZATION = (1.0, -128)


@dataclass(frozen=True)
class PublishedFile:
    """One of the files, measured.

    Attributes:
      accuracy: Top-1, 0..1.
      model_bytes: Size of the file.
      macs: Multiply-accumulates of one inference.
    """

    accuracy: float
    model_bytes: int
    macs: int


def problem(folder: Path, input_shape: Sequence[int], class_names: Sequence[str]) -> str | None:
    """Returns why the files can't be measured, or `None`.

    Args:
      folder: Must hold them.
      input_shape: Of the configuration's examples.
      class_names: Of the configuration's data, in index order.
    """
    if tuple(input_shape) != INPUT_SHAPE or tuple(class_names) != CLASS_NAMES:
        return (
            f"found data of shape {list(input_shape)} with the classes {', '.join(class_names)}, accepted is CIFAR-10, "
            f"{list(INPUT_SHAPE)} with {', '.join(CLASS_NAMES)}; leave the option out for other data"
        )
    missing = [name for name in FILES.values() if not (folder / name).is_file()]
    if missing:
        return f"found no {' and no '.join(missing)} in {folder}; they are published at {PUBLISHED_AT}"
    return None


def measure(path: Path, inputs: NDArray[np.uint8], labels: NDArray[np.int64]) -> PublishedFile:
    """Measures one of the files on all examples.

    Args:
      path: The file.
      inputs: uint8 `[n, 32, 32, 3]`.
      labels: `[n]`, class indices.

    Returns:
      Accuracy, size and operations.

    Raises:
      ValueError: the file is not quantized as the published ones are.
    """
    model_bytes = path.read_bytes()
    accuracy = float((top_1_classes(model_bytes, inputs, path.name) == labels).mean())
    return PublishedFile(accuracy, len(model_bytes), sum(work.macs for work in operator_work(model_bytes)))


def top_1_classes(model_bytes: bytes, inputs: NDArray[np.uint8], name: str) -> NDArray[np.int64]:
    """Runs a file that takes raw pixels shifted to int8, one example after the other.

    Args:
      model_bytes: The file.
      inputs: uint8 `[n, *input_shape]`.
      name: Of the file, for messages.

    Returns:
      `[n]`, the class of the highest score; of equal ones the lowest class.

    Raises:
      ValueError: the file's input is not int8 of scale 1 and zero point -128.
    """
    interpreter = Interpreter(model_content=model_bytes, num_threads=1)
    interpreter.allocate_tensors()
    (source,), (target,) = interpreter.get_input_details(), interpreter.get_output_details()
    if np.dtype(source["dtype"]) != np.int8 or tuple(source["quantization"]) != _INPUT_QUANTIZATION:
        raise ValueError(
            f"--mlperf-tiny: found {name} with input {np.dtype(source['dtype'])} of scale and zero point "
            f"{source['quantization']}, accepted is int8 of {_INPUT_QUANTIZATION}; take the file from {PUBLISHED_AT}"
        )
    shifted = (inputs.astype(np.int16) - 128).astype(np.int8)
    classes = np.empty(len(inputs), np.int64)
    for index in range(len(inputs)):
        interpreter.set_tensor(source["index"], shifted[index : index + 1])
        interpreter.invoke()
        classes[index] = interpreter.get_tensor(target["index"]).argmax()
    return classes
