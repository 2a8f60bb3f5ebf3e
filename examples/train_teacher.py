"""Trains a teacher for a configuration: the large classifier that a team would bring along.

    python examples/train_teacher.py pipelines/configs/digits.yaml
    python examples/train_teacher.py pipelines/configs/fishbrain_cifar10.yaml --application ResNet50V2

It reads the configuration's data with the split that the pipeline will use, so
that the teacher never sees the held-out examples, and saves the model where
`teacher.uri` expects it.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import keras
import numpy as np

from learn2compress.config import CompressionConfig, TaskKind, TextFeatures
from learn2compress.config.file import load_config
from learn2compress.data.reading import class_index, read_records
from learn2compress.data.records import Split


def read_split(config: CompressionConfig, wanted: Split) -> tuple[np.ndarray, np.ndarray, int]:
    """Reads one split.

    Args:
      config: Its data and task.
      wanted: Which split.

    Returns:
      Inputs uint8 `[n, *input_shape]`, class indices `[n]` and the number of classes.
    """
    records, names = read_records(config)
    inputs = np.frombuffer(b"".join(record.content for record in records[wanted]), np.uint8)
    labels = np.array([class_index(record, names) for record in records[wanted]], np.int64)
    return inputs.reshape(-1, *config.task.input_shape), labels, len(names)


def build_teacher(
    input_shape: tuple[int, ...], num_classes: int, width: int, num_stages: int = 2, flip: bool = False
) -> keras.Model:
    """Builds a residual network of 3x3 convolutions, or a dense one for text, of scaled inputs; it returns logits.

    Args:
      input_shape: Shape of one example.
      num_classes: Length of the logits.
      width: Channels of the first convolution; each stage doubles them.
      num_stages: Stages, each of which halves the image.
      flip: Mirror half of the images in training.
    """
    inputs = keras.Input(input_shape)
    if len(input_shape) == 1:
        features = keras.layers.Dropout(0.3)(keras.layers.Dense(16 * width, activation="relu")(inputs))
        features = keras.layers.Dropout(0.3)(keras.layers.Dense(4 * width, activation="relu")(features))
        return keras.Model(inputs, keras.layers.Dense(num_classes, dtype="float32")(features))
    features = _augmented(inputs, flip)
    features = _conv(features, width)
    for stage in range(1, num_stages + 1):
        channels = width * 2**stage
        shortcut = _conv(features, channels, strides=2)
        features = _conv(_conv(shortcut, channels), channels)
        features = keras.layers.Add()([shortcut, features])
    features = keras.layers.GlobalAveragePooling2D()(features)
    features = keras.layers.Dropout(0.3)(features)
    return keras.Model(inputs, keras.layers.Dense(num_classes, dtype="float32")(features))


def build_word_teacher(input_shape: tuple[int, ...], num_classes: int, width: int) -> keras.Model:
    """Convolutions over a table of hashed words, for inputs of two bytes a word, scaled to 0..1; gives logits.

    Args:
      input_shape: Two bytes for each word.
      num_classes: Length of the logits.
      width: Columns of the table for each byte; convolutions have twice as many filters.
    """
    inputs = keras.Input(input_shape)
    num_words = input_shape[0] // 2
    # Layers that Keras has, so that the file is read without code of ours. A table drops what follows the point.
    rows = keras.layers.Rescaling(255.0, offset=[0.5, 256.5] * num_words)(inputs)
    features = keras.layers.Embedding(512, width)(rows)
    features = keras.layers.Dropout(0.3)(keras.layers.Reshape((num_words, 2 * width))(features))
    pooled = []
    for _ in range(2):
        features = keras.layers.Conv1D(2 * width, 3, padding="same", use_bias=False)(features)
        features = keras.layers.ReLU()(keras.layers.BatchNormalization(momentum=0.9)(features))
        pooled.append(keras.layers.GlobalMaxPooling1D()(features))
        features = keras.layers.Dropout(0.3)(features)
    features = keras.layers.Dropout(0.5)(keras.layers.Concatenate()(pooled))
    return keras.Model(inputs, keras.layers.Dense(num_classes, dtype="float32")(features))


def build_application(
    name: str, input_shape: tuple[int, ...], num_classes: int, image_size: int, flip: bool = False
) -> keras.Model:
    """Builds a network of `keras.applications`, not trained yet, of scaled images; it returns logits.

    Args:
      name: Such as "ResNet50V2"; one that does not scale its input itself.
      input_shape: Shape of one example.
      num_classes: Length of the logits.
      image_size: Height and width that images are enlarged to before the network, which halves them five times.
      flip: Mirror half of the images in training.
    """
    inputs = keras.Input(input_shape)
    features = keras.layers.Resizing(image_size, image_size, dtype="float32")(_augmented(inputs, flip))
    build = getattr(keras.applications, name)
    body = build(include_top=False, weights=None, input_tensor=features, pooling="avg")
    return keras.Model(inputs, keras.layers.Dense(num_classes, dtype="float32")(body.output))


def main() -> None:
    """Trains and saves; does nothing where the teacher is there already, and goes on where a training was killed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", type=Path)
    parser.add_argument("--width", type=int, default=48, help="channels of the first convolution")
    parser.add_argument("--stages", type=int, default=2, help="residual stages, each halving the image")
    parser.add_argument("--application", help="train this network of keras.applications instead, such as ResNet50V2")
    parser.add_argument("--image-size", type=int, default=76, help="enlarge images to this for an application")
    parser.add_argument("--flip", action="store_true", help="mirror images in training")
    parser.add_argument("--epochs", type=int, default=25)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--weight-decay", type=float, default=0.0)
    parser.add_argument("--bfloat16", action="store_true", help="compute in bfloat16; faster on processors with AMX")
    arguments = parser.parse_args()
    config = load_config(arguments.config)
    path = Path(config.teacher.uri)
    if path.exists():
        print(f"{path}: already there")
        return
    keras.utils.set_random_seed(config.seed)
    inputs, labels, num_classes = read_split(config, Split.TRAIN)
    scaling = config.teacher.input_scaling

    def build() -> keras.Model:
        shape, flip = config.task.input_shape, arguments.flip
        if arguments.application:
            return build_application(arguments.application, shape, num_classes, arguments.image_size, flip)
        if config.task.kind is TaskKind.TEXT and config.task.text_features is TextFeatures.HASHED_WORDS:
            return build_word_teacher(shape, num_classes, arguments.width)
        return build_teacher(shape, num_classes, arguments.width, arguments.stages, flip)

    if arguments.bfloat16:
        keras.mixed_precision.set_global_policy("mixed_bfloat16")
    teacher = build()
    steps = arguments.epochs * -(-len(inputs) // arguments.batch_size)
    teacher.compile(
        keras.optimizers.AdamW(
            keras.optimizers.schedules.CosineDecay(0.0, steps, warmup_target=0.002, warmup_steps=steps // 20),
            weight_decay=arguments.weight_decay,
        ),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        jit_compile=False,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    teacher.fit(
        inputs * np.float32(scaling.multiply) + np.float32(scaling.add),
        labels,
        batch_size=arguments.batch_size,
        epochs=arguments.epochs,
        callbacks=[keras.callbacks.BackupAndRestore(path.with_suffix(".backup"))],
        verbose=2,
    )
    # A float32 copy without the optimizer's state, which is twice the size of the weights.
    keras.mixed_precision.set_global_policy("float32")
    plain = build()
    plain.set_weights(teacher.get_weights())
    plain.save(path)
    print(f"saved {path} with {teacher.count_params():,} parameters")


def _augmented(inputs: keras.KerasTensor, flip: bool) -> keras.KerasTensor:
    # Inactive in inference: the saved model computes without them.
    features = keras.layers.RandomFlip("horizontal", dtype="float32")(inputs) if flip else inputs
    shift = 0.125 if flip else 0.08
    # By whole pixels: interpolation would blur what the network sees in training, and not what it sees after it.
    return keras.layers.RandomTranslation(shift, shift, fill_mode="constant", interpolation="nearest", dtype="float32")(
        features
    )


def _conv(features: keras.KerasTensor, channels: int, strides: int = 1) -> keras.KerasTensor:
    features = keras.layers.Conv2D(channels, 3, strides, padding="same", use_bias=False)(features)
    return keras.layers.ReLU()(keras.layers.BatchNormalization(momentum=0.9)(features))


if __name__ == "__main__":
    main()
