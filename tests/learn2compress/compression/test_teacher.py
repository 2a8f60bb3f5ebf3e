from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from learn2compress import progress
from learn2compress.compression.teacher import teacher_source
from learn2compress.config import TaskConfig
from learn2compress.config.parsing import ConfigError
from learn2compress.teachers.opening import open_network


def dense(*shape: int, name: str | None = None) -> Any:
    import keras

    keras.utils.set_random_seed(1)
    return keras.Sequential([keras.Input(shape), keras.layers.Flatten(), keras.layers.Dense(3)], name=name)


def forward(path: Path, x: Any) -> Any:
    return np.asarray(open_network(path).forward(x, False))


def test_a_model_in_memory_is_stored_without_its_optimizer(tmp_path: Path) -> None:
    model = dense(4, 4, 1)
    model.compile("adam", "mse")
    x = np.random.default_rng(0).random((5, 4, 4, 1)).astype(np.float32)
    model.fit(x, np.zeros((5, 3)), verbose=0)
    stored = teacher_source(model).stored(tmp_path)
    assert stored.input_shape() == (4, 4, 1)
    np.testing.assert_allclose(forward(stored.path, x), model.predict(x, verbose=0), rtol=1e-5)


def test_a_model_of_images_without_channels_gets_one(tmp_path: Path) -> None:
    model = dense(4, 4)
    stored = teacher_source(model).stored(tmp_path)
    assert stored.input_shape() == (4, 4, 1)
    x = np.random.default_rng(0).random((5, 4, 4)).astype(np.float32)
    np.testing.assert_allclose(forward(stored.path, x[..., None]), model.predict(x, verbose=0), rtol=1e-5)


def test_a_model_with_a_layer_of_its_own_is_stored_as_a_saved_model(
    tmp_path: Path, heard: list[progress.Progress]
) -> None:
    import keras

    class Doubled(keras.layers.Layer):
        def call(self, inputs: Any) -> Any:
            return 2 * inputs

    model = keras.Sequential([keras.Input((4, 4, 1)), Doubled(), keras.layers.Flatten(), keras.layers.Dense(3)])
    stored = teacher_source(model).stored(tmp_path)
    assert stored.path.is_dir()
    assert "read as a SavedModel" in heard[-1].detail
    x = np.random.default_rng(0).random((5, 4, 4, 1)).astype(np.float32)
    np.testing.assert_allclose(forward(stored.path, x), model.predict(x, verbose=0), rtol=1e-5)


def test_the_digest_is_of_what_it_computes(tmp_path: Path) -> None:
    first, again = (teacher_source(dense(4, 4, 1, name="a")).stored(tmp_path).sha256 for _ in range(2))
    assert first == again
    changed = dense(4, 4, 1, name="a")
    changed.layers[-1].set_weights([weights + 1 for weights in changed.layers[-1].get_weights()])
    assert teacher_source(changed).stored(tmp_path).sha256 != first


def scaled(layer: Any) -> Any:
    import keras

    keras.utils.set_random_seed(1)
    return keras.Sequential([keras.Input((4, 4, 1)), layer, keras.layers.Flatten(), keras.layers.Dense(3)], name="a")


def layer_of(factor: float) -> Any:
    import keras

    class Times(keras.layers.Layer):
        def call(self, inputs: Any) -> Any:
            return factor * inputs

    return Times(name="times")


def lambda_of(factor: float) -> Any:
    import keras

    return keras.layers.Lambda(lambda inputs: factor * inputs, name="times")


def subclassed(factor: float) -> Any:
    import keras

    class Own(keras.Model):
        def __init__(self) -> None:
            super().__init__(name="a")
            self.dense = dense(4, 4, 1, name="b")

        def call(self, inputs: Any) -> Any:
            return factor * self.dense(inputs)

    model = Own()
    model(np.zeros((1, 4, 4, 1), np.float32))
    return model


def overridden(factor: float) -> Any:
    import keras

    class Own(keras.Model):
        def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
            return factor * super().call(inputs, training, mask)

    inner = dense(4, 4, 1, name="b")
    return Own(inner.inputs, inner.outputs, name="a")


@pytest.mark.parametrize(
    "make",
    [lambda factor: scaled(layer_of(factor)), lambda factor: scaled(lambda_of(factor)), subclassed, overridden],
    ids=["layer", "lambda", "subclass", "functional subclass"],
)
def test_the_digest_is_of_code_of_its_own_too(make: Any, tmp_path: Path) -> None:
    task = TaskConfig(input_shape=(4, 4, 1))

    def sha256(factor: float, name: str) -> str:
        (tmp_path / name).mkdir()
        stored = teacher_source(make(factor)).stored(tmp_path / name)
        assert stored.has_own_code
        return stored.probed(task).sha256

    first = sha256(1.0, "a")
    assert sha256(1.0, "b") == first
    assert sha256(1.5, "c") != first


def test_a_call_of_its_own_is_what_is_stored(tmp_path: Path) -> None:
    model = overridden(3.0)
    x = np.random.default_rng(0).random((5, 4, 4, 1)).astype(np.float32)
    stored = teacher_source(model).stored(tmp_path)
    np.testing.assert_allclose(forward(stored.path, x), np.asarray(model(x)), rtol=1e-5)


def test_a_path_stays_where_it_is(tmp_path: Path) -> None:
    dense(4, 4, 1).save(tmp_path / "teacher.keras")
    source = teacher_source({"uri": tmp_path / "teacher.keras", "signal": "live"})
    assert source.settings == {"uri": str(tmp_path / "teacher.keras"), "signal": "live"}
    assert source.stored(tmp_path / "elsewhere").path == tmp_path / "teacher.keras"
    assert not source.has_scaling


@pytest.mark.parametrize("teacher", [None, 3, "", {}, {"uri": 3}, [1]])
def test_what_is_no_teacher_is_refused(teacher: Any) -> None:
    with pytest.raises(ConfigError, match=r"teacher: found .*accepted is a keras\.Model"):
        teacher_source(teacher)


@pytest.mark.parametrize("teacher", ["~nosuchuser/teacher.keras", "a\0b", "a://\0"])
def test_a_path_that_is_none_is_refused(teacher: str) -> None:
    with pytest.raises(ConfigError, match=r"^teacher: found .*accepted is the path or URL"):
        teacher_source(teacher)


def test_a_path_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="teacher: found nothing at"):
        teacher_source(tmp_path / "nothing.keras").stored(tmp_path)
