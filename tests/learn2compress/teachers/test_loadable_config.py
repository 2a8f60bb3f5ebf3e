"""What an older Keras wrote, and what computes in 16 bits, becomes what this one opens in float32."""

from __future__ import annotations

from typing import Any

import pytest

from learn2compress.config.parsing import ConfigError
from learn2compress.teachers.loadable_config import make_loadable


def rewritten(config: dict[str, Any]) -> dict[str, Any] | None:
    """The configuration as it is rewritten; `None` where it stays."""
    return config if make_loadable(config, "t.keras") else None


def layer_of(class_name: str, **config: Any) -> dict[str, Any]:
    return {"class_name": class_name, "config": {"name": "own", **config}}


@pytest.mark.parametrize(
    "dtype",
    [
        "mixed_float16",
        "bfloat16",
        {"module": "keras", "class_name": "DTypePolicy", "config": {"name": "mixed_bfloat16"}},
        {"module": "keras.mixed_precision", "class_name": "Policy", "config": {"name": "mixed_float16"}},
        {"class_name": "Policy", "config": {"name": "float32"}},
    ],
)
def test_every_float_becomes_float32(dtype: Any) -> None:
    inner = {"class_name": "Functional", "config": {"layers": [layer_of("Dense", dtype=dtype)]}}
    config = rewritten({"class_name": "Sequential", "config": {"layers": [inner]}})
    assert config is not None
    assert config["config"]["layers"][0]["config"]["layers"][0]["config"]["dtype"] == "float32"


@pytest.mark.parametrize(
    "dtype",
    [
        "float32",
        "uint8",
        "string",
        {"module": "keras", "class_name": "DTypePolicy", "config": {"name": "float32"}},
        {"class_name": "QuantizedDTypePolicy", "config": {"name": "int8_from_float32"}},
        {"class_name": ["Policy"], "config": []},
        ["float16"],
    ],
)
def test_other_types_stay(dtype: Any) -> None:
    assert rewritten(layer_of("InputLayer", dtype=dtype)) is None


@pytest.mark.parametrize(
    ("class_name", "dropped", "kept"),
    [
        ("DepthwiseConv2D", {"groups": 1}, {"kernel_size": [3, 3]}),
        ("SeparableConv2D", {"groups": 1, "kernel_regularizer": None}, {"depthwise_regularizer": None}),
        ("Conv2DTranspose", {"groups": 1}, {"kernel_initializer": "zeros"}),
        ("LSTM", {"time_major": False}, {"units": 3}),
        ("RandomFlip", {"rng_type": "stateful"}, {"mode": "horizontal"}),
        ("SpatialDropout2D", {"trainable": True}, {"rate": 0.5}),
    ],
)
def test_settings_that_never_had_an_effect_are_dropped(
    class_name: str, dropped: dict[str, Any], kept: dict[str, Any]
) -> None:
    assert rewritten(layer_of(class_name, **dropped, **kept)) == layer_of(class_name, **kept)
    assert rewritten(layer_of("Conv2D", groups=2)) is None


def test_the_axis_and_the_input_of_a_layer_are_written_as_keras_3_writes_them() -> None:
    layer = layer_of("BatchNormalization", axis=[3], batch_input_shape=[None, 3]) | {"module": "keras.layers"}
    assert rewritten(layer) == layer_of("BatchNormalization", axis=3) | {"module": "keras.layers"}
    assert rewritten(layer_of("InputLayer", batch_input_shape=[None, 3]) | {"module": "keras.layers"}) is None


def test_a_setting_that_had_an_effect_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"^t.keras: layer 'own' \(DepthwiseConv2D\) of Keras 2 has groups 2"):
        make_loadable(layer_of("DepthwiseConv2D", groups=2), "t.keras")


@pytest.mark.parametrize("module", ["keras.src.engine.functional", "tf_keras.src.engine.functional"])
def test_functional_models_of_keras_2_are_found(module: str) -> None:
    config = rewritten({"module": module, "class_name": "Functional", "config": {"layers": []}})
    assert config is not None
    assert config["module"] == "keras.src.models.functional"
    assert rewritten({"module": "own.functional", "class_name": "Functional", "config": {"layers": []}}) is None


def test_tensors_that_a_layer_of_keras_2_takes_by_name_are_found() -> None:
    layer = layer_of("MultiHeadAttention") | {"inbound_nodes": [[["x", 0, 0, {"value": ["y", 1, 0], "scale": 2}]]]}
    config = rewritten({"class_name": "Functional", "config": {"layers": [layer]}})
    assert config is not None
    (node,) = config["config"]["layers"][0]["inbound_nodes"]
    assert [arg["config"]["keras_history"] for arg in node["args"]] == [["x", 0, 0]]
    assert node["kwargs"]["value"]["config"]["keras_history"] == ["y", 1, 0]
    assert node["kwargs"]["scale"] == 2


@pytest.mark.parametrize(
    "nodes", [[[["x", 0, 0, None]]], [[["x", 0, 0, []]]], [[[]]], [None], "x", [[["x", "0", 0, {}]]]]
)
def test_what_is_no_graph_is_left_to_keras(nodes: Any) -> None:
    layer = layer_of("Dense") | {"inbound_nodes": nodes}
    config = {"class_name": "Functional", "config": {"layers": [layer, None, 3]}}
    make_loadable(config, "t.keras")
    assert config["config"] == {"layers": [layer, None, 3]}
