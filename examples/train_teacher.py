"""Trains a teacher for a configuration: the large classifier that a team would bring along.

    python examples/train_teacher.py pipelines/configs/digits.yaml

It reads the configuration's data with the split that the pipeline will use, so
that the teacher never sees the held-out examples, and saves the model where
`teacher.uri` expects it.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np

from learn2compress.config import CompressionConfig
from learn2compress.config_file import load_config
from learn2compress.data.prepare import PreparedRecord, prepare, split_of
from learn2compress.data.records import Split, class_names
from learn2compress.data.sources import plan, read_unit


def read_split(config: CompressionConfig, wanted: Split) -> tuple[np.ndarray, np.ndarray, int]:
    """Inputs uint8 `[n, *input_shape]`, class indices `[n]` and the number of classes of one split."""
    everything = list(_records(config))
    names = plan(config.data, config.task).names or class_names(record.label for record, _ in everything)
    records = [record for record, split in everything if split is wanted]
    inputs = np.stack([np.frombuffer(record.content, np.uint8) for record in records])
    labels = np.array([_index(record.label, names) for record in records], np.int64)
    return inputs.reshape(-1, *config.task.input_shape), labels, len(names)


def build_teacher(input_shape: tuple[int, ...], num_classes: int, width: int) -> keras.Model:
    """A residual network of 3x3 convolutions, or a dense one for text, that takes scaled inputs and gives logits."""
    inputs = keras.Input(input_shape)
    if len(input_shape) == 1:
        features = keras.layers.Dropout(0.3)(keras.layers.Dense(16 * width, activation="relu")(inputs))
        features = keras.layers.Dropout(0.3)(keras.layers.Dense(4 * width, activation="relu")(features))
        return keras.Model(inputs, keras.layers.Dense(num_classes)(features))
    # Inactive in inference: the saved model computes without them.
    features = keras.layers.RandomTranslation(0.08, 0.08, fill_mode="constant")(inputs)
    features = _conv(features, width)
    for channels in (2 * width, 4 * width):
        shortcut = _conv(features, channels, strides=2)
        features = _conv(_conv(shortcut, channels), channels)
        features = keras.layers.Add()([shortcut, features])
    features = keras.layers.GlobalAveragePooling2D()(features)
    features = keras.layers.Dropout(0.3)(features)
    return keras.Model(inputs, keras.layers.Dense(num_classes)(features))


def main() -> None:
    """Trains and saves; does nothing where the teacher is there already."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", type=Path)
    parser.add_argument("--width", type=int, default=48, help="channels of the first stage")
    parser.add_argument("--epochs", type=int, default=25)
    parser.add_argument("--batch-size", type=int, default=64)
    arguments = parser.parse_args()
    config = load_config(arguments.config)
    path = Path(config.teacher.uri)
    if path.exists():
        print(f"{path}: already there")
        return
    keras.utils.set_random_seed(config.seed)
    inputs, labels, num_classes = read_split(config, Split.TRAIN)
    scaling = config.teacher.input_scaling
    teacher = build_teacher(config.task.input_shape, num_classes, arguments.width)
    steps = arguments.epochs * -(-len(inputs) // arguments.batch_size)
    teacher.compile(
        keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(0.002, steps)),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    teacher.fit(
        inputs * np.float32(scaling.multiply) + np.float32(scaling.add),
        labels,
        batch_size=arguments.batch_size,
        epochs=arguments.epochs,
        verbose=2,
    )
    # A copy without the optimizer's state, which is twice the size of the weights.
    plain = keras.models.clone_model(teacher)
    plain.set_weights(teacher.get_weights())
    path.parent.mkdir(parents=True, exist_ok=True)
    plain.save(path)
    print(f"saved {path} with {teacher.count_params():,} parameters")


def _index(label: str | int, names: tuple[str, ...]) -> int:
    return label if isinstance(label, int) else names.index(label)


def _conv(features: keras.KerasTensor, channels: int, strides: int = 1) -> keras.KerasTensor:
    features = keras.layers.Conv2D(channels, 3, strides, padding="same", use_bias=False)(features)
    return keras.layers.ReLU()(keras.layers.BatchNormalization(momentum=0.9)(features))


def _records(config: CompressionConfig) -> Iterator[tuple[PreparedRecord, Split]]:
    for unit in plan(config.data, config.task).units:
        for raw in read_unit(unit, config.task):
            record = prepare(raw, config.task, resize=config.data.resize) if hasattr(raw, "payload") else raw
            if isinstance(record, PreparedRecord):
                yield record, unit.split or split_of(record.content_sha256, config.data.held_out_ratio)


if __name__ == "__main__":
    main()
