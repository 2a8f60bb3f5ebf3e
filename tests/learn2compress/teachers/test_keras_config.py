"""Of the classes and functions that a Keras configuration names, only harmless ones of Keras itself are built."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from learn2compress.config.parsing import ConfigError
from learn2compress.teachers import keras_config
from learn2compress.teachers.safety import TeacherFormat, check_teacher


def test_a_wide_range_of_keras_models_is_accepted(tmp_path: Path) -> None:
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.Rescaling(2.0)(inputs)
    x = keras.layers.RandomFlip()(x)
    x = keras.layers.SeparableConv2D(4, 3, activation="swish", pointwise_regularizer="l2")(x)
    x = keras.ops.sigmoid(x) * x + 1.0
    x = keras.layers.Activation(keras.activations.gelu)(keras.ops.reshape(x, (-1, 36, 4)))
    x = keras.layers.MultiHeadAttention(2, 4)(x, x)
    x = keras.layers.Bidirectional(keras.layers.GRU(4, kernel_constraint="max_norm"))(x)
    inner = keras.Model(inputs, keras.layers.Dense(3)(x))
    inner.compile(keras.optimizers.AdamW(keras.optimizers.schedules.CosineDecay(0.1, 10)), "mse", metrics=["accuracy"])
    outer = keras.Sequential([keras.Input((8, 8, 3)), inner, keras.layers.Softmax()])
    outer.save(tmp_path / "a.keras")
    assert check_teacher(tmp_path / "a.keras") is TeacherFormat.KERAS
    mobile = keras.applications.MobileNetV3Small(weights=None, input_shape=(32, 32, 3), alpha=0.5)
    mobile.save(tmp_path / "b.h5")
    assert check_teacher(tmp_path / "b.h5") is TeacherFormat.H5


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_lambda_is_refused_and_never_runs(refused: Callable[[Path, str], None], tmp_path: Path, suffix: str) -> None:
    marker = str(tmp_path / "ran")
    layer = keras.layers.Lambda(lambda x: (open(marker, "w").close(), x)[1], output_shape=(3,))
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(3), layer])
    path = tmp_path / f"teacher{suffix}"
    model.save(path)
    refused(path, "Lambda")
    assert not Path(marker).exists()
    # The attack is real: loaded without the check, it runs.
    keras.saving.load_model(path, safe_mode=False, compile=False)(np.zeros((1, 3)))
    assert Path(marker).exists()


def test_a_lambda_deep_inside_is_refused(refused: Callable[[Path, str], None], tmp_path: Path) -> None:
    inner = keras.Sequential([keras.Input((3,)), keras.layers.Lambda(lambda x: x + 1, output_shape=(3,))])
    model = keras.Sequential([keras.Input((2, 3)), keras.layers.TimeDistributed(inner), keras.layers.Flatten()])
    model.save(tmp_path / "teacher.keras")
    refused(tmp_path / "teacher.keras", "Lambda")


@keras.saving.register_keras_serializable(package="foreign")
class OwnDense(keras.layers.Dense):
    """Registered in this process, as a plugin would be."""


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_registered_custom_class_is_refused(
    refused: Callable[[Path, str], None], tmp_path: Path, suffix: str
) -> None:
    path = tmp_path / f"teacher{suffix}"
    keras.Sequential([keras.Input((3,)), OwnDense(3)]).save(path)
    refused(path, "foreign>OwnDense")


def test_a_custom_activation_is_refused(refused: Callable[[Path, str], None], tmp_path: Path) -> None:
    @keras.saving.register_keras_serializable(package="foreign")
    def own_activation(x: Any) -> Any:
        return x

    keras.Sequential([keras.Input((3,)), keras.layers.Dense(3, activation=own_activation)]).save(tmp_path / "t.keras")
    refused(tmp_path / "t.keras", "own_activation")


def as_function(module: str, name: str, registered: str = "function") -> dict[str, Any]:
    return {"class_name": "function", "config": name, "module": module, "registered_name": registered}


def layers_of(config: dict[str, Any]) -> list[dict[str, Any]]:
    layers: list[dict[str, Any]] = config["config"]["layers"]
    return layers


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda d: d.update(activation=as_function("keras.utils", "get_file")), "get_file"),
        (lambda d: d.update(activation=as_function("builtins", "get_file")), "get_file"),
        (lambda d: d.update(activation=as_function("os", "system")), "system"),
        (lambda d: d.update(activation=as_function("keras.activations", "relu", "own>relu")), "own>relu"),
        (lambda d: d.update(extra=[{"class_name": "__lambda__", "config": {"value": "eA=="}}]), "__lambda__"),
        (lambda d: d.update(extra={"class_name": "TypeSpec", "type_spec": "x", "serialized": []}), "TypeSpec"),
        (lambda d: d.update(extra={"class_name": "Popen", "module": "subprocess", "config": {}}), "subprocess.Popen"),
        (
            lambda d: d.update(extra={"class_name": "load_model", "module": "keras.saving", "config": {}}),
            "keras.saving.load_model",
        ),
        (
            lambda d: d.update(extra={"class_name": "TFSMLayer", "module": "keras.layers", "config": {}}),
            "TFSMLayer",
        ),
        (
            lambda d: d.update(extra={"class_name": "Map", "module": "keras.src.ops.core", "config": {}}),
            "Map",
        ),
        (lambda d: d.update(extra={"module": "os", "registered_name": "x"}), "without class_name"),
        (lambda d: d.update(vocabulary="/etc/passwd"), "vocabulary"),
    ],
)
def test_a_config_that_names_anything_else_is_refused(
    with_config: Callable[..., Path],
    refused: Callable[[Path, str], None],
    logits_teachers: dict[str, Path],
    tmp_path: Path,
    suffix: str,
    change: Callable[[dict[str, Any]], None],
    what: str,
) -> None:
    path = with_config(
        logits_teachers[suffix[1:]],
        tmp_path / f"teacher{suffix}",
        lambda config: change(layers_of(config)[-1]["config"]),
    )
    refused(path, what)


def test_a_tfsm_layer_is_refused(
    refused: Callable[[Path, str], None], logits_teachers: dict[str, Path], tmp_path: Path
) -> None:
    layer = keras.layers.TFSMLayer(str(logits_teachers["saved_model"]), call_endpoint="serving_default")
    inputs = keras.Input((4, 4, 1))
    keras.Model(inputs, layer(inputs)).save(tmp_path / "teacher.keras")
    refused(tmp_path / "teacher.keras", "TFSMLayer")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "found no JSON"),
        ("[" * 100_000, "found no JSON"),
        ("[1]", "found JSON without class_name and config"),
        ('{"class_name": "Dense"}', "found JSON without class_name and config"),
    ],
)
def test_what_is_no_configuration_is_refused(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=f"^config.json: {message}.*, accepted is a Keras configuration$"):
        keras_config.parse(text, "config.json")
