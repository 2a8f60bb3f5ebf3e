"""What does one's own network lose in 8 bits, and with half of its operations by channels?

    python tests/benchmarks/own_network.py [--quick] [--data FOLDER] [--epochs 60] [--seed 1]

A ResNet-8 as in MLPerf Tiny is trained with Keras on scikit-learn's digits, or on a folder with `train/CLASS/*` and
`test/CLASS/*` of images of one size. Then it is a student of itself, twice: as it is, and with half of its operations
removed by channels. Both are trained for 8 bits. `drop_points` and `bytes_ratio` are against the float network's own
LiteRT file; `overhead_bytes` is what the file has beyond one byte for each weight.

    python tests/benchmarks/own_network.py --applications [NAME ...]

builds untrained networks of `keras.applications`, all nine unless they are named, makes the student of each, and holds
its answers and what 8-bit training and channel pruning know of it against the original; no accuracy is measured.

The last line printed is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import keras
import numpy as np

import learn2compress as l2c
from learn2compress.config import InputScaling, TaskConfig, TeacherMemberConfig
from learn2compress.litert.latency import processor_name
from learn2compress.pruning.channel_graph import channel_graph
from learn2compress.quantization.qat_network import why_not_trainable
from learn2compress.students.own_network import own_network
from learn2compress.teachers.loading import load_member

APPLICATIONS = {
    "MobileNet": 32,
    "MobileNetV2": 32,
    "MobileNetV3Small": 32,
    "EfficientNetB0": 32,
    "EfficientNetV2B0": 32,
    "ResNet50V2": 32,
    "DenseNet121": 32,
    "NASNetMobile": 32,
    "Xception": 71,
}
"""Pixels along a side of the smallest images that each takes."""
BATCH_SIZE = 64
HALF = {"network": "teacher", "prune": {"method": "channels", "sparsity_ratio": 0.5}}
Split = tuple[np.ndarray, np.ndarray]


def digits() -> tuple[Split, Split]:
    """Returns scikit-learn's digits, the last fifth for testing: uint8 `[n, 8, 8, 1]` and labels."""
    from sklearn.datasets import load_digits

    found = load_digits()
    pixels, first_test = (found.images[..., None] * 255 / 16).astype(np.uint8), len(found.target) * 4 // 5
    return (pixels[:first_test], found.target[:first_test]), (pixels[first_test:], found.target[first_test:])


def folder_of_images(folder: Path) -> tuple[Split, Split]:
    """Returns the images of `train/` and of `test/`: uint8 `[n, height, width, 3]` and labels in the order of names.

    Args:
      folder: Holds both, with a folder for each class.
    """
    from PIL import Image

    def split(name: str) -> Split:
        classes = sorted(path for path in (folder / name).iterdir() if path.is_dir())
        files = [(path, index) for index, label in enumerate(classes) for path in sorted(label.iterdir())]
        images = [np.asarray(Image.open(path).convert("RGB")) for path, _ in files]
        return np.stack(images), np.array([index for _, index in files])

    return split("train"), split("test")


def residual8(shape: tuple[int, ...], num_classes: int) -> keras.Model:
    """Returns a ResNet-8 that takes bytes; what augments is part of it where images have colours.

    Args:
      shape: Height, width and channels.
      num_classes: Length of its probabilities.
    """
    layers = keras.layers

    def convolved(x: Any, filters: int, size: int, strides: int = 1) -> Any:
        x = layers.Conv2D(filters, size, strides, padding="same", use_bias=False, kernel_initializer="he_normal")(x)
        return layers.BatchNormalization()(x)

    inputs = x = keras.Input(shape)
    if shape[-1] > 1:
        x = layers.RandomTranslation(0.1, 0.1, fill_mode="constant")(layers.RandomFlip("horizontal")(x))
    x = layers.ReLU()(convolved(layers.Rescaling(1 / 127.5, -1.0)(x), 16, 3))
    for filters, strides in ((16, 1), (32, 2), (64, 2)):
        y = convolved(layers.ReLU()(convolved(x, filters, 3, strides)), filters, 3)
        x = layers.ReLU()(layers.Add()([y, x if strides == 1 else convolved(x, filters, 1, strides)]))
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, layers.Dense(num_classes, activation="softmax")(x))


def trained(train: Split, epochs: int) -> keras.Model:
    """Returns a network that Keras trained by Adam along a cosine.

    Args:
      train: Images and labels.
      epochs: Passes over them.
    """
    images, labels = train
    network = residual8(images.shape[1:], int(labels.max()) + 1)
    rate = keras.optimizers.schedules.CosineDecay(0.003, epochs * -(-len(labels) // BATCH_SIZE))
    network.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
    network.fit(images.astype("float32"), labels, batch_size=BATCH_SIZE, epochs=epochs, verbose=0)
    return network


def figures_of(student: Any, teacher: Any) -> dict[str, Any]:
    """Returns a student's figures against its float self.

    Args:
      student: Its measurements.
      teacher: Those of the float network's LiteRT file.
    """
    drop = 100 * (teacher.accuracy.top_1 - student.accuracy.top_1)
    return {
        "top_1": round(student.accuracy.top_1, 4),
        "drop_points": round(drop, 2),
        "quality_ratio": round(student.accuracy.top_1 / teacher.accuracy.top_1, 4),
        "bytes": student.model_bytes,
        "bytes_ratio": round(student.model_bytes / teacher.model_bytes, 4),
        "macs_ratio": round(student.macs / teacher.macs, 4),
        "overhead_bytes": student.model_bytes - student.num_parameters,
    }


def of_application(name: str) -> dict[str, Any]:
    """Makes the student of a published network, and returns what is known of it.

    Args:
      name: Of `APPLICATIONS`.

    Returns:
      The largest difference of probabilities over that between images, why 8-bit training does not know the network
      (`None` where it does), and how many groups of channels can be removed.
    """
    keras.utils.set_random_seed(1)
    size = APPLICATIONS[name]
    model = getattr(keras.applications, name)(input_shape=(size, size, 3), weights=None, classes=4)
    images = np.random.default_rng(1).integers(0, 256, (8, size, size, 3)).astype("float32")
    images *= np.linspace(0.2, 1.0, 8).reshape(-1, 1, 1, 1).astype("float32")
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.0  # statistics of these images, as after a training
    model(images / 127.5 - 1.0, training=True)
    task = TaskConfig(input_shape=(size, size, 3))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "teacher.keras"
        model.save(path)
        scaling = InputScaling(multiply=1 / 127.5, add=-1.0)
        member = load_member(path, TeacherMemberConfig(str(path), scaling), task, 4)
    student = own_network(member, task, "own")
    found, wanted = keras.ops.softmax(student(images / 255)), member.probabilities(images)
    return {
        "difference": float(np.abs(found - wanted).max() / np.ptp(wanted, axis=0).max()),
        "why_not_trainable": why_not_trainable(student),
        "channel_groups": len(channel_graph(student).groups),
    }


def main() -> None:
    """Trains a network, compresses it, and prints one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="20 epochs, and 6 and 4 of pruning and quantization")
    parser.add_argument("--data", type=Path, help="folder of train/ and test/ instead of the digits")
    parser.add_argument("--epochs", type=int, default=60, help="of the float network")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--applications", nargs="*", choices=list(APPLICATIONS), help="published networks instead")
    arguments = parser.parse_args()
    if arguments.applications is not None:
        names = arguments.applications or list(APPLICATIONS)
        print(json.dumps({"benchmark": "own_network", "applications": {name: of_application(name) for name in names}}))
        return
    train, test = digits() if arguments.data is None else folder_of_images(arguments.data)
    epochs = 20 if arguments.quick else arguments.epochs
    started = time.monotonic()
    keras.utils.set_random_seed(arguments.seed)
    network = trained(train, epochs)
    family = l2c.compress(
        network,
        train,
        test,
        students={"own": "teacher", "half": HALF},
        prune={"sparsity_ratio": 0.0, "epochs": 6 if arguments.quick else 15},
        quantize={"epochs": 4 if arguments.quick else 8},
        evaluate={"latency_rounds": 3, "threads": []},
        seed=arguments.seed,
    )
    teacher = family.measured.teacher
    results = {name: figures_of(student.report, teacher) for name, student in family.items()}
    shipped = {name: student.file.quantization.shipped for name, student in family.items()}
    for name, figures in results.items():
        print(f"{name} ({shipped[name]}): {figures}")
    found = {
        "benchmark": "own_network",
        "data": "digits" if arguments.data is None else arguments.data.name,
        "quick": arguments.quick,
        "seed": arguments.seed,
        "epochs": epochs,
        "num_test": len(test[1]),
        "float_top_1": round(teacher.accuracy.top_1, 4),
        "float_bytes": teacher.model_bytes,
        "students": results,
        "shipped": shipped,
        "seconds": round(time.monotonic() - started),
        "processor": processor_name(),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
