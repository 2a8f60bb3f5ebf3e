"""How good are pushed students, on a folder of images by class?

    python tests/benchmarks/measure_students.py FOLDER IMAGES

FOLDER is a pushed version, one student, or a folder of students such as `examples/students/cifar10`; IMAGES has one
folder of PNG or JPEG images per class, such as the test images of CIFAR-10. First each file is checked by its
SHA256SUMS; then each student runs in the LiteRT interpreter on all images, which the library's own reader decodes, and
its multiply-accumulates are counted from its graph. An image that can't be read stops it: an accuracy is
always that of all images.

The last line printed is one JSON object.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from student_folders import checked_students

from learn2compress.config import DataConfig, DataFormat, EvaluateConfig, TaskConfig
from learn2compress.config.parsing import ConfigError
from learn2compress.data.assignment import read_prepared
from learn2compress.data.records import BadRecord
from learn2compress.data.sources import plan
from learn2compress.litert.accuracy import accuracy_of
from learn2compress.litert.flatbuffer import ModelFileError
from learn2compress.litert.interpreter import Scorer
from learn2compress.litert.metadata import read_metadata
from learn2compress.litert.operators import model_cost
from learn2compress.litert.predictions import HeldOutBatch, PredictionSettings, predict_examples

BATCH = 1024


def batches(images: Path, task: TaskConfig, labels: tuple[str, ...]) -> Iterator[HeldOutBatch]:
    """Reads all images as a student takes them; one of another size is resized.

    Args:
      images: A folder per class.
      task: The shape that the student takes.
      labels: Its classes in the order of its scores.

    Yields:
      At most `BATCH` images each.

    Raises:
      ConfigError: a folder is none of the classes, or an image can't be read.
    """
    data = DataConfig(format=DataFormat.IMAGE_FOLDER, uri=str(images), resize=True)
    reading = plan(data, task)
    unknown = [name for name in reading.names or () if name not in labels]
    if unknown:
        raise ConfigError(f"IMAGES: found the class folder {unknown[0]!r}, accepted are {', '.join(labels)}")
    rows, indices, sources, digests = [], [], [], []
    for record in (record for unit in reading.units for record in read_prepared(unit, data, task)):
        if isinstance(record, BadRecord):
            raise ConfigError(f"IMAGES: {record.source}: {record.reason}")
        rows.append(np.frombuffer(record.content, np.uint8).reshape(task.input_shape))
        indices.append(labels.index(str(record.label)))
        sources.append(record.source)
        digests.append(record.content_sha256)
        if len(rows) == BATCH:
            yield np.stack(rows), np.array(indices), sources, digests
            rows, indices, sources, digests = [], [], [], []
    if rows:
        yield np.stack(rows), np.array(indices), sources, digests


def measure(model: Path, images: Path) -> dict[str, Any]:
    """Measures one file.

    Args:
      model: The `.tflite` file, with its labels inside.
      images: A folder per class.

    Returns:
      `top_1` as a ratio, `num_examples`, `model_bytes` and `macs`.

    Raises:
      ConfigError: the images are not of its classes, or can't be read.
      ModelFileError: the file has no labels, does not run, or takes no images.
    """
    content = model.read_bytes()
    labels = tuple(read_metadata(content).labels)
    shape = tuple(int(size) for size in Interpreter(model_content=content).get_input_details()[0]["shape"][1:])
    if len(shape) != 3:
        raise ModelFileError(f"{model}: found input shape {list(shape)}, accepted are images")
    settings = PredictionSettings.of(EvaluateConfig(), len(labels))
    examples = batches(images, TaskConfig(input_shape=shape), labels)
    predictions = predict_examples(Scorer(content, shape), examples, len(list(images.glob("*/*"))), settings)
    accuracy = accuracy_of(predictions, labels, 1)
    return {
        "top_1": accuracy.top_1,
        "num_examples": accuracy.num_examples,
        "model_bytes": len(content),
        "macs": model_cost(content).macs,
    }


def main() -> None:
    """Prints a line for each student, and all of it as the last line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="pushed students with their SHA256SUMS")
    parser.add_argument("images", type=Path, metavar="IMAGES", help="a folder of images per class")
    arguments = parser.parse_args()
    students = {}
    try:
        for name, model in checked_students(arguments.folder).items():
            found = students[name] = measure(model, arguments.images)
            print(
                f"{name}: top-1 {100 * found['top_1']:.2f}% of {found['num_examples']:,} images, "
                f"{found['model_bytes']:,} bytes, {found['macs']:,} multiply-accumulates",
                flush=True,
            )
    except (ConfigError, ModelFileError) as error:
        parser.error(str(error))
    print(json.dumps({"students": students}))


if __name__ == "__main__":
    main()
