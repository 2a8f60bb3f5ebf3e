"""Features of a layer inside the teacher are read in the very pass that gives the logits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from learn2compress.config import Precision, TaskConfig, TeacherMemberConfig
from learn2compress.config.parsing import ConfigError
from learn2compress.teachers.hints import HintTap
from learn2compress.teachers.live import LiveTeacher
from learn2compress.teachers.loading import load_member
from learn2compress.teachers.stored import store_copies

TASK = TaskConfig(input_shape=(4, 4, 1))
NUM_CLASSES = 3
X = np.random.default_rng(3).integers(0, 256, (7, 4, 4, 1), dtype=np.uint8)


def live(folder: Path, path: Path, **arguments: Any) -> LiveTeacher:
    """The teacher as TeacherLoad stores it and a training step loads it."""
    folder.mkdir()
    store_copies(folder, [path], [load_member(path, TeacherMemberConfig(str(path)), TASK, NUM_CLASSES)])
    return LiveTeacher.load(folder, TASK, NUM_CLASSES, **arguments)


def answer(teacher: LiveTeacher) -> tuple[np.ndarray, np.ndarray]:
    """Logits and features of one pass inside a graph, as a training step makes it."""
    logits, features = tf.function(teacher)(X)
    return logits.numpy(), features.numpy()


@pytest.fixture(scope="module")
def nested(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A classifier inside a model that ends in softmax, as people build them from Keras applications."""
    keras.utils.set_random_seed(5)
    image = keras.Input((4, 4, 1))
    x = keras.layers.Conv2D(6, 3, padding="same", activation="relu", name="deep_inside")(image)
    x = keras.layers.BatchNormalization()(x)
    pooled = keras.layers.GlobalAveragePooling2D(name="pooled")(x)
    inner = keras.Model(image, keras.layers.Dense(3)(keras.layers.Dropout(0.4)(pooled)), name="classifier")
    path = tmp_path_factory.mktemp("nested") / "teacher.keras"
    keras.Sequential([keras.Input((4, 4, 1)), inner, keras.layers.Softmax()]).save(path)
    return path


def features_of(path: Path, name: str) -> Any:
    """The output of a layer of `nested`, by a model of its own."""
    inner = keras.saving.load_model(path).get_layer("classifier")
    return keras.Model(inner.input, inner.get_layer(name).output)(X / 255.0).numpy()


def test_hints_are_what_the_last_layer_with_weights_takes(nested: Path, tmp_path: Path) -> None:
    teacher = live(tmp_path / "live", nested, needs_hints=True)
    _, features = answer(teacher)
    assert teacher.hint_channels == 6
    np.testing.assert_allclose(features, features_of(nested, "pooled"), atol=1e-6)


@pytest.mark.parametrize(("layer", "channels"), [("deep_inside", 6), ("classifier", 3)])
def test_hints_come_from_any_layer_and_are_averaged_over_places(
    nested: Path, tmp_path: Path, layer: str, channels: int
) -> None:
    teacher = live(tmp_path / "live", nested, hint_layer=layer)
    logits, features = answer(teacher)
    assert teacher.hint_channels == channels
    if layer == "deep_inside":
        np.testing.assert_allclose(features, features_of(nested, layer).mean(axis=(1, 2)), atol=1e-6)
    else:
        np.testing.assert_allclose(np.log(np.exp(features) / np.exp(features).sum(1, keepdims=True)), logits, atol=1e-5)


@pytest.mark.parametrize("layer", [None, "deep_inside", "classifier"])
def test_hints_of_a_teacher_in_bfloat16_are_nearly_the_same(nested: Path, tmp_path: Path, layer: str | None) -> None:
    _, exact = answer(live(tmp_path / "exact", nested, hint_layer=layer))
    rough = live(tmp_path / "rough", nested, hint_layer=layer, precision=Precision.BFLOAT16)
    _, features = answer(rough)
    assert features.dtype == np.float32
    assert not np.array_equal(features, exact)
    np.testing.assert_allclose(features, exact, atol=0.03 * np.abs(exact).max())


def test_a_layer_that_is_not_there_is_named_with_close_ones(nested: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^training.*hint_layer: found no layer 'deep_insid' .*deep_inside$"):
        live(tmp_path / "live", nested, hint_layer="deep_insid")


def test_a_teacher_without_weights_has_no_layer_to_begin_with() -> None:
    model = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Flatten()])
    with pytest.raises(ConfigError, match=r"hint_layer: found a teacher without weights, accepted is the name of one"):
        HintTap(model, None)
    tap = HintTap(model, model.layers[0].name)
    with tap.listening():
        model(X)
    np.testing.assert_array_equal(tap.features(), X.reshape(7, 16))


def test_a_layer_is_itself_again_afterwards() -> None:
    model = keras.Sequential([keras.Input((16,)), keras.layers.Dense(3, name="scores")])
    tap = HintTap(model, "scores")
    with pytest.raises(RuntimeError), tap.listening():
        raise RuntimeError("in the middle of a pass")
    model(X.reshape(7, 16))
    with pytest.raises(ConfigError, match="found a layer 'scores' with outputs of shape None"):
        tap.features()
