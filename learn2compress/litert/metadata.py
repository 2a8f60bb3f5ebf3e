"""Model metadata inside a `.tflite` file: what on-device toolkits read to use it without further code.

Format: https://ai.google.dev/edge/litert/models/metadata. A flatbuffer "M001"
under the name TFLITE_METADATA describes the tensors, and the class names are a
`labels.txt` in a ZIP appended to the file.

Input normalization is stated in real numbers, `(byte - 0) / 255`, for integer
inputs too: the schema says that a quantized model shares the normalization of
its float original and that the tensor's quantization comes after it. For a
uint8 input of scale 1/255 the two cancel and the model receives the bytes as
they are. MediaPipe copies bytes into a uint8 input and reads the normalization
for float inputs only; the LiteRT support library's normalize-then-quantize
gives the same bytes. MediaPipe 1.2 takes RGB images alone: a file of one channel
says GRAYSCALE, which its ImageClassifier refuses, as it would any one channel.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from learn2compress.config import TaskConfig, TaskKind
from learn2compress.config.parsing import ConfigError
from learn2compress.data.text_features import input_description
from learn2compress.litert.flatbuffer import ModelFileError, parse_guarded
from learn2compress.litert.metadata_tables import (
    IDENTIFIER,
    ColorSpace,
    ImageEntry,
    MetadataEntry,
    TensorEntry,
    metadata_bytes,
    read_metadata_bytes,
)
from learn2compress.litert.rewrite import UnpackedModel

LABELS_NAME = "labels.txt"
MAX_LABELS_BYTES = 4 * 1024 * 1024

_ENTRY_NAME = "TFLITE_METADATA"
_ZIP_DATE = (1980, 1, 1, 0, 0, 0)  # the earliest ZIP knows; a real date would change the bytes from run to run
_VALUE_RANGES = {"uint8": (0.0, 255.0), "int8": (-128.0, 127.0)}
_NORMALIZATION = (0.0, 255.0)  # mean and standard deviation


@dataclass(frozen=True)
class ModelMetadata:
    """What a file says about itself.

    Attributes:
      name: Name of the model.
      description: What it does.
      version: Its version.
      labels: Class names in output order.
      color_space: "RGB" or "GRAYSCALE"; `None` for an input that is no image.
      normalization_mean: Subtracted from a byte of the input.
      normalization_std: What the difference is divided by.
      author: Who made it, or whom to ask; empty where nobody is named.
      license: Its licence; empty where none is named.
    """

    name: str
    description: str
    version: str
    labels: tuple[str, ...]
    color_space: str | None
    normalization_mean: float
    normalization_std: float
    author: str = ""
    license: str = ""


def with_metadata(
    model: bytes | UnpackedModel,
    *,
    name: str,
    description: str,
    version: str,
    labels: Sequence[str],
    task: TaskConfig,
    author: str = "",
    license: str = "",
) -> bytes:
    """Puts metadata and labels into a model; equal input gives equal bytes.

    Metadata that is already there is replaced.

    Example:
      >>> import keras
      >>> from learn2compress.config import TaskConfig
      >>> from learn2compress.litert.metadata import read_metadata, with_metadata
      >>> from learn2compress.quantization.convert import to_float_litert
      >>> student = keras.Sequential([keras.Input((2, 2, 1)), keras.layers.Flatten()])  # a logit for each pixel
      >>> model_bytes = to_float_litert(student).pack()
      >>> task, corners = TaskConfig(input_shape=(2, 2, 1)), ("top left", "top right", "bottom left", "bottom right")
      >>> shipped = with_metadata(model_bytes, name="corners", description="Finds the brightest corner.",
      ...                         version="1", labels=corners, task=task)
      >>> read_metadata(shipped).labels[0], read_metadata(shipped).color_space
      ('top left', 'GRAYSCALE')

    Args:
      model: A `.tflite` file with one input and one output; one that is unpacked already is changed, and packed here.
      name: Name of the model.
      description: What it does; for text, name how the features are made.
      version: Version of the model.
      labels: Class names in output order, one line each.
      task: What the model receives.
      author: Who made it, or whom to ask; empty for nobody.
      license: Its licence; empty for none.

    Raises:
      ModelFileError: the bytes are no well-formed `.tflite` file of one input and one output.
      ConfigError: labels or task don't fit the model.
    """
    if not isinstance(model, UnpackedModel):
        model = UnpackedModel(model)
    source, target = model.input_type(), model.output_type()
    if source.shape[1:] != task.input_shape:
        raise ConfigError(f"task.input_shape: found {list(task.input_shape)}, accepted is {list(source.shape[1:])}")
    _check_labels(labels, target.shape[-1] if target.shape else 0)
    tensors = _describe_tensors(task, source.dtype, target.dtype)
    metadata = metadata_bytes(MetadataEntry(name, description, version, *tensors, author, license))
    model.set_named_buffer(_ENTRY_NAME, metadata)
    packed = model.pack()
    return packed + _zip_of_labels(labels, len(packed))


def read_metadata(model_bytes: bytes) -> ModelMetadata:
    """Reads what `with_metadata` wrote.

    Raises:
      ModelFileError: the file has no metadata, or they are damaged.
    """
    return parse_guarded(lambda: _read(model_bytes), model_bytes)


def _describe_tensors(task: TaskConfig, input_dtype: str, output_dtype: str) -> tuple[TensorEntry, TensorEntry]:
    image = None
    if task.kind is TaskKind.IMAGE:
        height, width, channels = task.input_shape
        image = ImageEntry(ColorSpace.RGB if channels == 3 else ColorSpace.GRAYSCALE, width, height)
        input_name = "image"
        content = f"{'RGB' if channels == 3 else 'Grayscale'} image of {height} x {width} pixels, 0 to 255."
    else:
        input_name = "features"
        content = f"{input_description(task)} Made by {task.text_features.value} of text_features.py."
    labels_file = (LABELS_NAME, "Class names in output order.")
    source = TensorEntry(input_name, content, image, _NORMALIZATION, _value_range(input_dtype), None)
    target = TensorEntry("scores", "Probability of each class.", None, None, _value_range(output_dtype), labels_file)
    return source, target


def _value_range(dtype: str) -> tuple[float, float]:
    return _VALUE_RANGES.get(dtype, (0.0, 1.0))


def _zip_of_labels(labels: Sequence[str], offset: int) -> bytes:
    file = io.BytesIO(bytes(offset))  # positions in the archive count from the start of the model
    file.seek(offset)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:  # stored: on-device readers don't inflate
        info = zipfile.ZipInfo(LABELS_NAME, _ZIP_DATE)
        info.create_system, info.external_attr = 3, 0o644 << 16  # the same on every system
        archive.writestr(info, "".join(f"{label}\n" for label in labels))
    return file.getvalue()[offset:]


def _check_labels(labels: Sequence[str], num_classes: int) -> None:
    if len(labels) != num_classes:
        raise ConfigError(f"labels: found {len(labels)}, accepted are {num_classes}, the model's classes")
    for index, label in enumerate(labels):
        if not label.strip() or label.splitlines() != [label] or "\0" in label:
            raise ConfigError(f"labels.{index}: found {label!r}, accepted is a name on one line")


def _read(model_bytes: bytes) -> ModelMetadata:
    model = schema.Model.GetRootAsModel(model_bytes, 0)
    entries = [model.Metadata(i) for i in range(model.MetadataLength())]
    numbers = [entry.Buffer() for entry in entries if entry.Name() == _ENTRY_NAME.encode()]
    if not numbers or numbers[0] >= model.BuffersLength():
        raise ModelFileError(f"model: found no {_ENTRY_NAME}, accepted is a file with metadata")
    content = np.asarray(model.Buffers(numbers[0]).DataAsNumpy(), np.uint8).tobytes()
    if content[4:8] != IDENTIFIER:
        raise ModelFileError(f"model: found metadata {content[4:8]!r}, accepted is {IDENTIFIER!r}")
    entry = read_metadata_bytes(content)
    image, normalization, labels_file = entry.source.image, entry.source.normalization, entry.target.labels_file
    if normalization is None or labels_file is None:
        missing = "normalization of the input" if normalization is None else "labels of the output"
        raise ModelFileError(f"model: found metadata without {missing}, accepted is what with_metadata writes")
    return ModelMetadata(
        name=entry.name,
        description=entry.description,
        version=entry.version,
        labels=_read_labels(model_bytes, labels_file[0]),
        color_space=None if image is None else "RGB" if image.color_space is ColorSpace.RGB else "GRAYSCALE",
        normalization_mean=normalization[0],
        normalization_std=normalization[1],
        author=entry.author,
        license=entry.license,
    )


def _read_labels(model_bytes: bytes, name: str) -> tuple[str, ...]:
    try:
        with zipfile.ZipFile(io.BytesIO(model_bytes)) as archive:
            size = archive.getinfo(name).file_size
            if size > MAX_LABELS_BYTES:
                raise ModelFileError(f"{name}: found {size} bytes, accepted are {MAX_LABELS_BYTES} at most")
            return tuple(archive.read(name).decode("utf-8").splitlines())
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, NotImplementedError, OSError, RuntimeError) as error:
        raise ModelFileError(f"model: {name} in it can't be read ({error}); the file is damaged") from None
