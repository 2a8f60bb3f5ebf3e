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

import functools
import importlib.util
import io
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from learn2compress.config import TaskConfig, TaskKind
from learn2compress.config.parsing import ConfigError
from learn2compress.data.text_features import input_description
from learn2compress.litert.flatbuffer import ModelFileError, parse_guarded
from learn2compress.litert.rewrite import UnpackedModel

LABELS_NAME = "labels.txt"
MAX_LABELS_BYTES = 4 * 1024 * 1024

_ENTRY_NAME = "TFLITE_METADATA"
_IDENTIFIER = b"M001"
_MIN_PARSER_VERSION = "1.0.0"  # every field used here is in the first version of the schema
_ZIP_DATE = (1980, 1, 1, 0, 0, 0)  # the earliest ZIP knows; a real date would change the bytes from run to run
_STATS = {"uint8": (0.0, 255.0), "int8": (-128.0, 127.0)}


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
    """

    name: str
    description: str
    version: str
    labels: tuple[str, ...]
    color_space: str | None
    normalization_mean: float
    normalization_std: float


def with_metadata(
    model: bytes | UnpackedModel, *, name: str, description: str, version: str, labels: Sequence[str], task: TaskConfig
) -> bytes:
    """Puts metadata and labels into a model; equal input gives equal bytes.

    Metadata that is already there is replaced.

    Args:
      model: A `.tflite` file with one input and one output; one that is unpacked already is changed, and packed here.
      name: Name of the model.
      description: What it does; for text, name how the features are made.
      version: Version of the model.
      labels: Class names in output order, one line each.
      task: What the model receives.

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
    metadata = _describe(name, description, version, task, source.dtype, target.dtype)
    model.set_named_buffer(_ENTRY_NAME, metadata)
    packed = model.pack()
    return packed + _zip_of_labels(labels, len(packed))


def read_metadata(model_bytes: bytes) -> ModelMetadata:
    """Reads what `with_metadata` wrote.

    Raises:
      ModelFileError: the file has no metadata, or they are damaged.
    """
    return parse_guarded(lambda: _read(model_bytes), model_bytes)


@functools.cache
def _metadata_schema() -> ModuleType:
    # Loaded by path: `import mediapipe` takes seconds and loads OpenCV, and of it only this generated file is needed.
    package = importlib.util.find_spec("mediapipe")
    if package is None or not package.submodule_search_locations:
        raise ConfigError("mediapipe: not installed, accepted is the version that learn2compress requires")
    path = Path(package.submodule_search_locations[0], "tasks", "metadata", "metadata_schema_py_generated.py")
    spec = importlib.util.spec_from_file_location("learn2compress_tflite_metadata_schema", path)
    if spec is None or spec.loader is None:
        raise ConfigError(f"{path}: not importable, accepted is mediapipe's generated metadata schema")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _describe(
    name: str, description: str, version: str, task: TaskConfig, input_dtype: str, output_dtype: str
) -> bytes:
    fb: Any = _metadata_schema()
    source = fb.TensorMetadataT(content=fb.ContentT(), stats=_stats(input_dtype))
    if task.kind is TaskKind.IMAGE:
        is_rgb = task.input_shape[-1] == 3
        color_space = fb.ColorSpaceType.RGB if is_rgb else fb.ColorSpaceType.GRAYSCALE
        height, width = task.input_shape[:2]
        source.name = "image"
        source.description = f"{'RGB' if is_rgb else 'Grayscale'} image of {height} x {width} pixels, 0 to 255."
        source.content.contentPropertiesType = fb.ContentProperties.ImageProperties
        source.content.contentProperties = fb.ImagePropertiesT(color_space, fb.ImageSizeT(width, height))
    else:
        source.name = "features"
        source.description = f"{input_description(task)} Made by {task.text_features.value} of text_features.py."
        source.content.contentPropertiesType = fb.ContentProperties.FeatureProperties
        source.content.contentProperties = fb.FeaturePropertiesT()
    source.processUnits = [
        fb.ProcessUnitT(fb.ProcessUnitOptions.NormalizationOptions, fb.NormalizationOptionsT([0.0], [255.0]))
    ]
    target = fb.TensorMetadataT(content=fb.ContentT(), stats=_stats(output_dtype))
    target.name, target.description = "scores", "Probability of each class."
    target.content.contentPropertiesType = fb.ContentProperties.FeatureProperties
    target.content.contentProperties = fb.FeaturePropertiesT()
    target.associatedFiles = [
        fb.AssociatedFileT(LABELS_NAME, "Class names in output order.", fb.AssociatedFileType.TENSOR_AXIS_LABELS)
    ]
    metadata = fb.ModelMetadataT(name=name, description=description, version=version)
    metadata.subgraphMetadata = [fb.SubGraphMetadataT(inputTensorMetadata=[source], outputTensorMetadata=[target])]
    metadata.minParserVersion = _MIN_PARSER_VERSION
    builder = flatbuffers.Builder(1024)
    builder.Finish(metadata.Pack(builder), _IDENTIFIER)
    return bytes(builder.Output())


def _stats(dtype: str) -> Any:
    low, high = _STATS.get(dtype, (0.0, 1.0))
    return _metadata_schema().StatsT([high], [low])


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
    fb: Any = _metadata_schema()
    model = schema.Model.GetRootAsModel(model_bytes, 0)
    entries = [model.Metadata(i) for i in range(model.MetadataLength())]
    numbers = [entry.Buffer() for entry in entries if entry.Name() == _ENTRY_NAME.encode()]
    if not numbers or numbers[0] >= model.BuffersLength():
        raise ModelFileError(f"model: found no {_ENTRY_NAME}, accepted is a file with metadata")
    content = np.asarray(model.Buffers(numbers[0]).DataAsNumpy(), np.uint8).tobytes()
    if content[4:8] != _IDENTIFIER:
        raise ModelFileError(f"model: found metadata {content[4:8]!r}, accepted is {_IDENTIFIER!r}")
    metadata = fb.ModelMetadata.GetRootAs(content, 0)
    subgraph = metadata.SubgraphMetadata(0)
    source, target = subgraph.InputTensorMetadata(0), subgraph.OutputTensorMetadata(0)
    properties, normalization = source.Content(), fb.NormalizationOptions()
    color_space = None
    if properties.ContentPropertiesType() == fb.ContentProperties.ImageProperties:
        image = fb.ImageProperties()
        image.Init(properties.ContentProperties().Bytes, properties.ContentProperties().Pos)
        color_space = "RGB" if image.ColorSpace() == fb.ColorSpaceType.RGB else "GRAYSCALE"
    options = source.ProcessUnits(0).Options()
    normalization.Init(options.Bytes, options.Pos)
    return ModelMetadata(
        name=metadata.Name().decode(),
        description=metadata.Description().decode(),
        version=metadata.Version().decode(),
        labels=_read_labels(model_bytes, target.AssociatedFiles(0).Name().decode()),
        color_space=color_space,
        normalization_mean=float(normalization.Mean(0)),
        normalization_std=float(normalization.Std(0)),
    )


def _read_labels(model_bytes: bytes, name: str) -> tuple[str, ...]:
    try:
        with zipfile.ZipFile(io.BytesIO(model_bytes)) as archive:
            size = archive.getinfo(name).file_size
            if size > MAX_LABELS_BYTES:
                raise ModelFileError(f"{name}: found {size} bytes, accepted are {MAX_LABELS_BYTES} at most")
            return tuple(archive.read(name).decode("utf-8").splitlines())
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, NotImplementedError, OSError, RuntimeError) as error:
        raise ModelFileError(f"model: found no readable {name} in it ({error}), accepted is one ZIP entry") from None
