"""Our metadata tables, held against code that was generated from the whole schema."""

from __future__ import annotations

import dataclasses
import importlib.util
from pathlib import Path
from types import ModuleType

import flatbuffers
import pytest

from learn2compress.litert.metadata_tables import (
    IDENTIFIER,
    ColorSpace,
    ImageEntry,
    MetadataEntry,
    TensorEntry,
    metadata_bytes,
    read_metadata_bytes,
)

FLOAT_SCORES = TensorEntry("scores", "Probability.", None, None, (0.0, 1.0), ("labels.txt", "Names, Blüte and 葉."))
PIXELS = TensorEntry("image", "Pixels.", ImageEntry(ColorSpace.RGB, 40, 30), (0.0, 255.0), (-128.0, 127.0), None)
FEATURES = TensorEntry("features", "Bytes.", None, (0.0, 255.0), (0.0, 255.0), None)
IMAGE_MODEL = MetadataEntry("small", "A student.", "3", PIXELS, FLOAT_SCORES)
GRAY = dataclasses.replace(PIXELS, image=ImageEntry(ColorSpace.GRAYSCALE, 8, 8))
ENTRIES = {
    "rgb": IMAGE_MODEL,
    "grayscale": dataclasses.replace(IMAGE_MODEL, source=GRAY),
    "text": dataclasses.replace(IMAGE_MODEL, source=FEATURES),
    "with author and licence": dataclasses.replace(IMAGE_MODEL, author="Équipe", license="MIT OR Apache-2.0"),
    "with a licence alone": dataclasses.replace(IMAGE_MODEL, license="Apache-2.0"),
    "empty texts": MetadataEntry("", "", "", FEATURES, FLOAT_SCORES),
}


@pytest.fixture(scope="module")
def generated() -> ModuleType:
    """MediaPipe's generated code; loaded by path, since `import mediapipe` takes seconds."""
    package = importlib.util.find_spec("mediapipe")
    assert package is not None
    assert package.submodule_search_locations
    path = Path(package.submodule_search_locations[0], "tasks", "metadata", "metadata_schema_py_generated.py")
    spec = importlib.util.spec_from_file_location("generated_metadata_schema", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def packed_by(schema: ModuleType, entry: MetadataEntry) -> bytes:
    def tensor_of(tensor: TensorEntry) -> object:
        low, high = tensor.value_range
        content = schema.ContentT(schema.ContentProperties.FeatureProperties, schema.FeaturePropertiesT())
        if tensor.image is not None:
            size = schema.ImageSizeT(tensor.image.width, tensor.image.height)
            image = schema.ImagePropertiesT(int(tensor.image.color_space), size)
            content = schema.ContentT(schema.ContentProperties.ImageProperties, image)
        found = schema.TensorMetadataT(
            name=tensor.name, description=tensor.description, content=content, stats=schema.StatsT([high], [low])
        )
        if tensor.normalization is not None:
            mean, std = tensor.normalization
            options = schema.NormalizationOptionsT([mean], [std])
            found.processUnits = [schema.ProcessUnitT(schema.ProcessUnitOptions.NormalizationOptions, options)]
        if tensor.labels_file is not None:
            kind = schema.AssociatedFileType.TENSOR_AXIS_LABELS
            found.associatedFiles = [schema.AssociatedFileT(*tensor.labels_file, kind)]
        return found

    model = schema.ModelMetadataT(name=entry.name, description=entry.description, version=entry.version)
    model.author, model.license = entry.author or None, entry.license or None
    inputs, outputs = [tensor_of(entry.source)], [tensor_of(entry.target)]
    model.subgraphMetadata = [schema.SubGraphMetadataT(inputTensorMetadata=inputs, outputTensorMetadata=outputs)]
    model.minParserVersion = "1.0.0"
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), IDENTIFIER)
    return bytes(builder.Output())


@pytest.mark.parametrize("name", ENTRIES)
def test_what_is_written_is_read(name: str) -> None:
    assert read_metadata_bytes(metadata_bytes(ENTRIES[name])) == ENTRIES[name]


@pytest.mark.parametrize("name", ENTRIES)
def test_the_bytes_are_those_of_generated_code(name: str, generated: ModuleType) -> None:
    assert metadata_bytes(ENTRIES[name]) == packed_by(generated, ENTRIES[name])


def test_what_others_wrote_without_a_field_is_said() -> None:
    builder = flatbuffers.Builder(64)
    builder.StartObject(8)
    builder.Finish(builder.EndObject(), IDENTIFIER)
    with pytest.raises((ValueError, IndexError)):
        read_metadata_bytes(bytes(builder.Output()))
