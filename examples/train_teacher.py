"""Trains a teacher for a configuration: the large classifier that a team would bring along.

    python examples/train_teacher.py pipelines/configs/digits.yaml
    python examples/train_teacher.py pipelines/configs/cifar10.yaml --network airbench95 --flip --bfloat16
    python examples/train_teacher.py pipelines/configs/fishbrain_cifar10.yaml --application ResNet50V2

It reads the configuration's data with the split that the pipeline will use, so
that the teacher never learns from the held-out examples, and saves the model
where `teacher.uri` expects it. A training that was killed is resumed after its
last whole epoch by the same command, and ends with the same file.

`--network` takes the strong ones: a frozen whitening convolution first, and a
recipe of their own (`teachers/recipes.py`). Without it, a small residual
network, or one for text, is trained by AdamW.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import os
from pathlib import Path
from typing import Any

import numpy as np

from learn2compress.command_line.streams import library_output_in, quiet_libraries

# What TensorFlow says while it is imported (CUDA, oneDNN) comes from C++, whatever its log level is.
quiet_libraries()
with library_output_in(Path(os.devnull)):
    import keras
    from teachers.general_networks import build_application, build_of_words, build_residual
    from teachers.learners import AdamWLearner, Examples, Learner, Length, WhitenedLearner, accuracy_measure
    from teachers.recipes import RECIPES, Recipe
    from teachers.saving import save_reproducibly
    from teachers.training import train, training_name
    from teachers.whitened_networks import NUM_WHITENING_IMAGES, build_for_training, build_to_save, smallest_side

    from learn2compress.config import CompressionConfig, Precision, TaskKind, TextFeatures
    from learn2compress.config.file import load_config
    from learn2compress.config.parsing import ConfigError
    from learn2compress.data.reading import class_index, read_records
    from learn2compress.data.records import Split
    from learn2compress.teachers.input_scaling import scaled_inputs
    from learn2compress.training.checkpoint import Checkpoint
    from learn2compress.training.loop import make_deterministic

# Of networks without a recipe.
_EPOCHS = 25
_BATCH_SIZE = 64
_OF_RECIPES = ("widths", "learning_rate", "progressive_sizes")
_OF_OTHERS = ("width", "stages", "application", "image_size")


def read_splits(config: CompressionConfig) -> tuple[dict[Split, Examples], tuple[str, ...]]:
    """Reads both splits.

    Args:
      config: Its data and task.

    Returns:
      Examples by split, and the names of the classes.
    """
    records, names = read_records(config)
    splits = {}
    for split, rows in records.items():
        inputs = np.frombuffer(b"".join(record.content for record in rows), np.uint8)
        labels = np.array([class_index(record, names) for record in rows], np.int64)
        splits[split] = Examples(inputs.reshape(-1, *config.task.input_shape), labels)
    return splits, names


def positive(text: str) -> int:
    """Reads a number of the command line that is at least 1."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"found {number}, accepted is at least 1")
    return number


def parse_arguments() -> argparse.Namespace:
    """Reads the command line, and refuses options that the chosen network does not have."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", type=Path)
    parser.add_argument("--network", choices=RECIPES, help="a strong network of images, with its recipe")
    parser.add_argument(
        "--widths", type=positive, nargs="+", help="its channels at each resolution, instead of its own"
    )
    parser.add_argument("--learning-rate", type=float, help="highest learning rate of its recipe, per 1024 examples")
    parser.add_argument(
        "--progressive-sizes",
        type=positive,
        nargs="+",
        help="heights that it begins with, such as 24 28, each for as many epochs as the full height",
    )
    parser.add_argument("--width", type=positive, help="otherwise: channels of the first convolution, 48 if left out")
    parser.add_argument("--stages", type=positive, help="residual stages, each halving the image, 2 if left out")
    parser.add_argument("--application", help="a network of keras.applications instead, such as ResNet50V2")
    parser.add_argument("--image-size", type=positive, help="enlarge images to this for an application, 76 if left out")
    parser.add_argument("--flip", action="store_true", help="mirror images in training")
    parser.add_argument("--epochs", type=positive, help=f"the recipe's, or {_EPOCHS}, if left out")
    parser.add_argument("--batch-size", type=positive, help=f"the recipe's, or {_BATCH_SIZE}, if left out")
    parser.add_argument("--weight-decay", type=float, help="the recipe's, or 0, if left out")
    parser.add_argument("--bfloat16", action="store_true", help="compute in bfloat16; faster on processors with AMX")
    arguments = parser.parse_args()
    for name in _OF_OTHERS if arguments.network else _OF_RECIPES:
        if getattr(arguments, name) is not None:
            option = f"--{name.replace('_', '-')}"
            parser.error(
                f"{option} is not for --network; leave one of them out"
                if arguments.network
                else f"{option} is for --network"
            )
    return arguments


def recipe_of(arguments: argparse.Namespace, config: CompressionConfig) -> Recipe:
    """Returns the recipe of the network that was asked for, with what was given instead of its own numbers.

    Args:
      arguments: Of the command line, with a network.
      config: Its task must be of images that are large enough.

    Raises:
      SystemExit: the task is none for the network.
    """
    given = {
        "widths": None if arguments.widths is None else tuple(arguments.widths),
        "sizes": tuple(arguments.progressive_sizes or ()),
        "learning_rate": arguments.learning_rate,
        "weight_decay": arguments.weight_decay,
        "epochs": arguments.epochs,
        "batch_size": arguments.batch_size,
        "flip": arguments.flip,
    }
    recipe = dataclasses.replace(
        RECIPES[arguments.network], **{name: value for name, value in given.items() if value is not None}
    )
    shape = config.task.input_shape
    if config.task.kind is not TaskKind.IMAGE:
        raise SystemExit(f"--network: found a task of {config.task.kind.value}, accepted are images")
    needed = smallest_side(recipe)
    needed_whole = max(needed, recipe.shift_pixels + 1, recipe.cutout_pixels)
    if min(shape[:2]) < needed_whole:
        raise SystemExit(
            f"--network: found images of {shape[0]} x {shape[1]} pixels, accepted are sides of at least {needed_whole}"
            f" for {arguments.network}"
        )
    for size in recipe.sizes:
        if size > shape[0] or size * min(shape[:2]) // shape[0] < needed:
            raise SystemExit(
                f"--progressive-sizes: found {size}, accepted are heights up to {shape[0]} that leave sides of at least"
                f" {needed} for {arguments.network}"
            )
    return recipe


def build_general(arguments: argparse.Namespace, config: CompressionConfig, num_classes: int) -> keras.Model:
    """Builds a network without a recipe.

    Args:
      arguments: Of the command line.
      config: Its task decides between images and text.
      num_classes: Length of the logits.

    Returns:
      A network of scaled inputs that returns logits.
    """
    shape, width = config.task.input_shape, arguments.width or 48
    if arguments.application:
        return build_application(arguments.application, shape, num_classes, arguments.image_size or 76, arguments.flip)
    if config.task.kind is TaskKind.TEXT and config.task.text_features is TextFeatures.HASHED_WORDS:
        return build_of_words(shape, num_classes, width)
    return build_residual(shape, num_classes, width, arguments.stages or 2, arguments.flip)


def main() -> None:
    """Trains and saves; does nothing where the teacher is there already."""
    arguments = parse_arguments()
    config = load_config(arguments.config)
    path = Path(config.teacher.uri)
    if path.exists():
        print(f"{path}: already there")
        return
    recipe = recipe_of(arguments, config) if arguments.network else None
    make_deterministic(config.seed)
    splits, names = read_splits(config)
    examples = splits[Split.TRAIN]
    scaling = config.teacher.input_scaling
    precision = Precision.BFLOAT16 if arguments.bfloat16 else Precision.FLOAT32
    settings: dict[str, Any] = vars(arguments) | {"config": None, "recipe": recipe, "scaling": scaling}
    settings |= {"seed": config.seed, "names": names, "task": config.task}

    learner: Learner
    if recipe:
        length = Length.of(len(examples), recipe.epochs, recipe.batch_size)
        first = scaled_inputs(examples.inputs[:NUM_WHITENING_IMAGES], scaling).numpy()
        network = build_for_training(recipe, first, len(names))
        learner = WhitenedLearner(network, scaling, precision, length, recipe, config.seed)
    else:
        length = Length.of(len(examples), arguments.epochs or _EPOCHS, arguments.batch_size or _BATCH_SIZE)
        network = build_general(arguments, config, len(names))
        learner = AdamWLearner(network, scaling, precision, length, arguments.weight_decay or 0.0)

    checkpoints = path.with_suffix(".checkpoints")
    checkpoint = Checkpoint(checkpoints / training_name(settings, examples))
    train(learner, examples, splits[Split.HELD_OUT], length, config.seed, checkpoint)
    finished = build_to_save(recipe, network, config.task.input_shape) if recipe else network
    save_reproducibly(finished, path)
    held_out = splits[Split.HELD_OUT]
    accuracy = accuracy_measure(finished, scaling)(held_out)
    print(
        f"saved {path} with {finished.count_params():,} parameters; it is right on {accuracy:.2%} of"
        f" {len(held_out):,} held-out examples"
    )
    checkpoint.discard()
    with contextlib.suppress(OSError):
        checkpoints.rmdir()


if __name__ == "__main__":
    try:
        main()
    except ConfigError as error:
        raise SystemExit(f"train_teacher.py: error: {error}") from None
