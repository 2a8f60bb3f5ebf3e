"""Files of Keras 2, and of mixed precision, are opened and compute what they computed."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import keras
import numpy as np
import pytest
import tf_keras

from learn2compress.teachers.formats import TeacherFormat, UnsafeTeacherError
from learn2compress.teachers.loadable_file import loadable_file
from learn2compress.teachers.opening import open_keras_model, open_network
from learn2compress.teachers.safety import check_teacher

X = np.random.default_rng(0).uniform(0.0, 1.0, (3, 8, 8, 3)).astype(np.float32)


@pytest.fixture(params=["mixed_float16", "mixed_bfloat16"])
def policy(request: pytest.FixtureRequest) -> Iterator[str]:
    """A global policy, as for training on a GPU."""
    for library in (keras.mixed_precision, tf_keras.mixed_precision):
        library.set_global_policy(request.param)
    yield request.param
    for library in (keras.mixed_precision, tf_keras.mixed_precision):
        library.set_global_policy("float32")


def network(library: object, *, normalizes: bool = True) -> keras.Model:
    """Convolutions with settings that Keras 2 wrote of them, and a nested frozen model with normalization."""
    layers = library.layers  # type: ignore[attr-defined]
    library.utils.set_random_seed(7)  # type: ignore[attr-defined]
    inner_inputs = library.Input((6, 6, 4))  # type: ignore[attr-defined]
    x = layers.DepthwiseConv2D(3, activation="relu")(inner_inputs)
    x = layers.BatchNormalization()(x)
    x = layers.BatchNormalization()(layers.SeparableConv2D(4, 3)(x))
    inner = library.Model(inner_inputs, x, name="inner")  # type: ignore[attr-defined]
    random = np.random.default_rng(1)
    inner.set_weights([random.uniform(0.2, 1.0, weight.shape) for weight in inner.get_weights()])
    inner.trainable = False
    inputs = library.Input((8, 8, 3))  # type: ignore[attr-defined]
    x = inputs
    if normalizes:
        normalization = layers.Normalization()
        normalization.adapt(X * 3.0)
        x = normalization(x)
    x = inner(layers.Conv2D(4, 3)(x), training=False)
    x = layers.Dropout(0.5)(layers.GlobalAveragePooling2D()(layers.Conv2DTranspose(4, 2)(x)))
    outputs = layers.Activation("softmax", dtype="float32")(layers.Dense(3)(x))
    return library.Model(inputs, outputs)  # type: ignore[attr-defined]


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_mixed_precision_is_opened_in_float32_with_the_same_weights(suffix: str, policy: str, tmp_path: Path) -> None:
    model = network(keras)
    assert model.layers[2].compute_dtype == policy.removeprefix("mixed_")
    path = tmp_path / f"t{suffix}"
    model.save(path)
    keras.mixed_precision.set_global_policy("float32")
    opened = open_keras_model(path)
    layers = [*opened.layers, *opened.get_layer("inner").layers]
    assert {layer.compute_dtype for layer in layers} == {"float32"}
    for found, wanted in zip(opened.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(found, wanted)
    single = network(keras)
    single.set_weights(model.get_weights())
    np.testing.assert_allclose(opened(X), single(X), atol=1e-6)
    # What 16 bits lost is all that differs.
    np.testing.assert_allclose(opened(X), model(X), atol=0.02)


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_mixed_precision_of_keras_2_is_opened_in_float32(suffix: str, policy: str, tmp_path: Path) -> None:
    # Keras 2 wrote what Normalization knows in bfloat16, which is bytes without a meaning in HDF5.
    model = network(tf_keras, normalizes=policy != "mixed_bfloat16")
    path = tmp_path / f"t{suffix}"
    model.save(path)
    keras.mixed_precision.set_global_policy("float32")
    opened = open_keras_model(path)
    assert {layer.compute_dtype for layer in opened.layers} == {"float32"}
    np.testing.assert_allclose(opened(X), model(X).numpy(), atol=0.02)


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_file_of_keras_2_computes_what_it_computed(suffix: str, tmp_path: Path, repack: Callable[..., Path]) -> None:
    model = network(tf_keras)
    path = tmp_path / f"t{suffix}"
    model.save(path)
    wanted = model(X).numpy()
    if suffix == ".keras":
        # Keras 2.13 to 2.15 itself writes other names of modules.
        config = zipfile.ZipFile(path).read("config.json").replace(b"tf_keras.src", b"keras.src")
        path = repack(path, tmp_path / "renamed.keras", **{"config.json": config})
        assert b'"keras.src.engine.functional"' in config
    np.testing.assert_allclose(open_network(path).forward(X, False), wanted, atol=1e-6)


def test_what_needs_no_rewriting_is_given_as_it_is(logits_teachers: dict[str, Path], tmp_path: Path) -> None:
    for suffix, found in ((".keras", TeacherFormat.KERAS), (".h5", TeacherFormat.H5)):
        link = loadable_file(logits_teachers[suffix[1:]], found, tmp_path)
        assert link.is_symlink()
        assert link.suffix == suffix


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_what_is_rewritten_is_checked_all_the_same(
    suffix: str, tmp_path: Path, with_config: Callable[..., Path]
) -> None:
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(3, dtype="mixed_float16")])
    model.save(tmp_path / f"t{suffix}")
    forged = {"module": "keras.layers", "class_name": "Lambda", "config": {"dtype": "mixed_float16"}}

    def forge(config: dict[str, dict[str, list[object]]]) -> None:
        config["config"]["layers"].append(forged)

    path = with_config(tmp_path / f"t{suffix}", tmp_path / f"forged{suffix}", forge)
    with pytest.raises(UnsafeTeacherError, match="Lambda"):
        check_teacher(path)
    with pytest.raises(UnsafeTeacherError, match="Lambda"):
        loadable_file(path, TeacherFormat(suffix[1:]), tmp_path)
    assert json.dumps(forged)
