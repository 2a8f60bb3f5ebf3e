"""Real models for the tests of this folder, made and converted once."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
import numpy.typing as npt
import pytest
from ai_edge_litert import schema_py_generated as schema

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


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


@pytest.fixture(scope="session")
def edited() -> Callable[[bytes, Callable[[Any], None]], bytes]:
    """Writes a model again after changing its object tree: how a damaged or hostile file is made."""

    def edit(model_bytes: bytes, change: Callable[[Any], None]) -> bytes:
        model = schema.ModelT.InitFromPackedBuf(model_bytes, 0)
        change(model)
        builder = flatbuffers.Builder(1024)
        builder.Finish(model.Pack(builder), b"TFL3")
        return bytes(builder.Output())

    return edit


@pytest.fixture(scope="session")
def crashing(models: Models, edited: Callable[[bytes, Callable[[Any], None]], bytes]) -> bytes:
    """A well-formed file that ends the process that runs it: its softmax looks far outside of a table."""

    def change(model: Any) -> None:
        graph = model.subgraphs[0]
        graph.tensors[graph.outputs[0]].quantization.zeroPoint = np.array([2130706432], np.int64)

    return edited(models.int8, change)


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, bytes], Path]:
    def write_file(name: str, content: bytes) -> Path:
        (tmp_path / name).write_bytes(content)
        return tmp_path / name

    return write_file


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
