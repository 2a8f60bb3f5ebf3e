"""What tests share: digits with logits of a teacher that knows the labels well, converted models, and an S3 server."""

from __future__ import annotations

import dataclasses
import os
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import numpy.typing as npt
import pytest
from moto.server import ThreadedMotoServer

from learn2compress.data.batches import TrainingData
from learn2compress.data.examples import encode_example, shard_path, write_shard
from learn2compress.results.data import ClassCounts, DataReport, SplitCounts, SplitDigests

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

NUM_TRAIN = 512
NUM_HELD_OUT = 256


@pytest.fixture(scope="session")
def digits_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Shards of both splits in `examples/`, and of logits in `logits/`, two each."""
    from sklearn.datasets import load_digits

    folder = tmp_path_factory.mktemp("digits")
    digits = load_digits()
    pixels = (digits.images * 255 / 16).astype(np.uint8)
    noise = np.random.default_rng(0).normal(size=(len(pixels), 10)).astype(np.float32)
    logits = noise + 6.0 * np.eye(10, dtype=np.float32)[digits.target]
    for split, first, last in (("train", 0, NUM_TRAIN), ("held_out", NUM_TRAIN, NUM_TRAIN + NUM_HELD_OUT)):
        for shard, rows in enumerate(np.array_split(np.arange(first, last), 2)):
            examples = [encode_example(pixels[i].tobytes(), int(digits.target[i]), f"{i:064x}", str(i)) for i in rows]
            write_shard(shard_path(folder / "examples" / split, shard, 2), examples)
            scores = [logits[i].astype("<f4").tobytes() for i in rows]
            write_shard(shard_path(folder / "logits" / split, shard, 2, "logits"), scores)
    return folder


@pytest.fixture(scope="session")
def digits_data(digits_folder: Path) -> Callable[..., TrainingData]:
    """Makes `TrainingData` of the digits."""

    def make(
        batch_size: int = 16, shuffle_buffer: int = 1000, live: bool = False, num_validation: int = 0
    ) -> TrainingData:
        return TrainingData(
            train=digits_folder / "examples" / "train",
            train_logits=None if live else digits_folder / "logits" / "train",
            held_out=digits_folder / "examples" / "held_out",
            num_train=NUM_TRAIN,
            num_held_out=NUM_HELD_OUT,
            num_classes=10,
            input_shape=(8, 8, 1),
            batch_size=batch_size,
            shuffle_buffer=shuffle_buffer,
            num_validation=num_validation,
        )

    return make


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[fsspec.AbstractFileSystem]:
    """An S3 server that the environment leads to, with an empty bucket "states"."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    # Buckets belong to the process, not to the server.
    urllib.request.urlopen(urllib.request.Request(f"{endpoint}/moto-api/reset", method="POST")).close()
    for name, value in {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "someone",
        "AWS_SECRET_ACCESS_KEY": "something",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    filesystem_class = fsspec.get_filesystem_class("s3")
    filesystem_class.clear_instance_cache()
    filesystem = filesystem_class()
    filesystem.mkdir("states")
    yield filesystem
    filesystem_class.clear_instance_cache()
    server.stop()


@dataclass(frozen=True)
class Models:
    """One RGB network as its converted files, and real 8x8 patches to run it on."""

    float32: bytes
    float16: bytes
    int8: bytes
    x: npt.NDArray[np.uint8]
    keras_scores: npt.NDArray[np.float32]


@pytest.fixture(scope="session")
def models() -> Models:
    import keras
    import tensorflow as tf

    x = _patches()
    scaled = x.astype(np.float32) / 255
    network = _network(keras, scaled)

    def converter() -> Any:
        return tf.lite.TFLiteConverter.from_keras_model(network)

    half = converter()
    half.optimizations = [tf.lite.Optimize.DEFAULT]
    half.target_spec.supported_types = [tf.float16]
    whole = converter()
    whole.optimizations = [tf.lite.Optimize.DEFAULT]
    whole.representative_dataset = lambda: ([example[None]] for example in scaled[:100])
    whole.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    whole.inference_input_type = whole.inference_output_type = tf.uint8
    return Models(
        converter().convert(), half.convert(), whole.convert(), x, network.predict(scaled, batch_size=256, verbose=0)
    )


@pytest.fixture(scope="session")
def convert_function() -> Callable[..., bytes]:
    """Converts a plain function of one tensor; `sparsify` stores zeros away."""
    import tensorflow as tf

    def convert(function: Callable[[Any], Any], shape: tuple[int, ...], dtype: Any, sparsify: bool = False) -> bytes:
        traced = tf.function(function).get_concrete_function(tf.TensorSpec(shape, dtype))
        converter = tf.lite.TFLiteConverter.from_concrete_functions([traced])
        if sparsify:
            converter.optimizations = [tf.lite.Optimize.EXPERIMENTAL_SPARSITY]
        converted: bytes = converter.convert()
        return converted

    return convert


def _patches() -> npt.NDArray[np.uint8]:
    from PIL import Image
    from sklearn.datasets import load_sample_images

    patches = []
    for photo in load_sample_images().images:
        small = np.asarray(Image.fromarray(photo).resize((160, 104)))
        patches += [small[top : top + 8, left : left + 8] for top in range(0, 104, 8) for left in range(0, 160, 8)]
    return np.stack(patches)


def _network(keras: Any, scaled: npt.NDArray[Any]) -> Any:
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(8, 3, padding="same", use_bias=False)(inputs)
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.ReLU()(x)
    x = keras.layers.DepthwiseConv2D(3, strides=2, padding="same")(x)
    x = keras.layers.ReLU()(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    x = keras.layers.Dense(4, activation="softmax")(x)
    network = keras.Model(inputs, x)
    # Weights of magnitude 0.1 to 0.2 survive 8 bits, so that the zeros are exactly the 100 put there.
    random = np.random.default_rng(3)
    for layer in network.layers:
        layer.set_weights([_away_from_zero(random, weights.shape) for weights in layer.get_weights()])
    convolution, normalization, dense = network.layers[1], network.layers[2], network.layers[-1]
    kernel = convolution.get_weights()[0]
    kernel.reshape(-1)[:100] = 0
    convolution.set_weights([kernel])
    normalization.set_weights([np.full(8, v, np.float32) for v in (1.5, 0.3, 0.1, 0.5)])
    # Centre the logits, so that every class is predicted for some patches.
    features = keras.Model(inputs, network.layers[-2].output).predict(scaled, batch_size=256, verbose=0)
    weights = 60 * dense.get_weights()[0]
    dense.set_weights([weights, -(features @ weights).mean(axis=0)])
    return network


def _away_from_zero(random: np.random.Generator, shape: tuple[int, ...]) -> npt.NDArray[np.float32]:
    return (random.choice([-1, 1], shape) * random.uniform(0.1, 0.2, shape)).astype(np.float32)


@pytest.fixture
def data_report() -> Callable[..., DataReport]:
    """A report on data in order, with some fields replaced."""

    def make(**changes: Any) -> DataReport:
        none = SplitCounts(0, 0)
        counts = ClassCounts((700, 500), (70, 50))
        clean = DataReport(
            ("cat", "dog"), 1200, 120, 0, 0, 0, 0, none, none, 0, none, 0, counts, (), SplitDigests("a", "b"), "c"
        )
        return dataclasses.replace(clean, **changes)

    return make
