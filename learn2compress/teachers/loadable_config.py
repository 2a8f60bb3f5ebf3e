"""Rewrites a saved configuration into one that this Keras opens, and that computes in float32.

What was saved by Keras 2 names modules that are no more, and settings that had
no effect. What was trained in mixed precision keeps its weights in float32 and
its arithmetic, which LiteRT does not have, in the configuration. The result is
what is checked for safety and what is loaded; nothing here builds an object.
"""

from __future__ import annotations

from typing import Any

from learn2compress.config.parsing import ConfigError
from learn2compress.teachers.tensorflow_calls import CALL_CLASSES, tensor_reference, with_operations

_OTHER_FLOATS = {"float16", "bfloat16", "float64", "mixed_float16", "mixed_bfloat16"}
_MODELS = ("Functional", "Model", "Sequential")
_POLICIES = ("DTypePolicy", "FloatDTypePolicy")
_KERAS_2_POLICIES = ("Policy", "PolicyV1")
_KERAS_2_FUNCTIONAL = (
    "keras.engine.functional",
    "keras.src.engine.functional",
    "tf_keras.src.engine.functional",
)
# Settings that Keras 2 wrote of layers which never had them; of each, the values that change nothing, or any.
_ANY = None
_UNUSED_KERNEL = dict.fromkeys(("kernel_initializer", "kernel_regularizer", "kernel_constraint"), _ANY)
_WITHOUT_EFFECT: dict[str, dict[str, tuple[Any, ...] | None]] = {
    "Conv1DTranspose": {"groups": (1,)},
    "Conv2DTranspose": {"groups": (1,)},
    "Conv3DTranspose": {"groups": (1,)},
    "DepthwiseConv1D": {"groups": (1,)} | _UNUSED_KERNEL,
    "DepthwiseConv2D": {"groups": (1,)} | _UNUSED_KERNEL,
    "SeparableConv1D": {"groups": (1,)} | _UNUSED_KERNEL,
    "SeparableConv2D": {"groups": (1,)} | _UNUSED_KERNEL,
    "ConvLSTM1D": {"time_major": (False,)},
    "ConvLSTM2D": {"time_major": (False,)},
    "ConvLSTM3D": {"time_major": (False,)},
    "GRU": {"time_major": (False,)},
    "LSTM": {"time_major": (False,)},
    "RNN": {"time_major": (False,)},
    "SimpleRNN": {"time_major": (False,)},
    "MultiHeadAttention": dict.fromkeys(("query_shape", "key_shape", "value_shape"), _ANY)
    | {"softmax_robust_masking": (False,)},
    "Discretization": {"trainable": _ANY},
    "SpatialDropout1D": {"trainable": _ANY},
    "SpatialDropout2D": {"trainable": _ANY},
    "SpatialDropout3D": {"trainable": _ANY},
}
# How the random numbers of layers that augment were drawn; they do nothing in inference.
_RANDOM_LAYERS = "Random"
_RANDOM_SETTINGS: dict[str, tuple[Any, ...] | None] = {"rng_type": _ANY}


def make_loadable(config: dict[str, Any], name: str) -> bool:
    """Rewrites a configuration in place.

    Args:
      config: Of a model, freshly parsed from JSON.
      name: Where it stands, for messages.

    Returns:
      Whether anything was rewritten.

    Raises:
      ConfigError: a layer of Keras 2 that Keras 3 has nothing for; the message names it and the way out.
    """
    changed = False
    stack: list[Any] = [config]
    while stack:
        value = stack.pop()
        if isinstance(value, dict):
            changed |= _make_float32(value)
            changed |= _rewrite_object(value, name)
            layers = value.get("layers")
            if isinstance(layers, list):
                changed |= _renumber_applications(layers, value)
                changed |= _rewrite_layers(layers, name)
            stack.extend(value.values())
        elif isinstance(value, list):
            stack.extend(value)
    return changed


def _make_float32(value: dict[str, Any]) -> bool:
    """Replaces the type or policy that an object computes in; integers and strings stay."""
    dtype = value.get("dtype")
    if isinstance(dtype, dict):
        settings = dtype.get("config")
        policy = settings.get("name") if isinstance(settings, dict) else None
        class_name = dtype.get("class_name")
        # Keras 3 has no class of the names that Keras 2 had for policies.
        accepted = _OTHER_FLOATS | {"float32"} if class_name in _KERAS_2_POLICIES else _OTHER_FLOATS
        dtype = policy if class_name in (*_POLICIES, *_KERAS_2_POLICIES) else None
    else:
        accepted = _OTHER_FLOATS
    if not isinstance(dtype, str) or dtype not in accepted:
        return False
    value["dtype"] = "float32"
    return True


def _rewrite_object(value: dict[str, Any], name: str) -> bool:
    class_name, settings = value.get("class_name"), value.get("config")
    if not isinstance(class_name, str) or not isinstance(settings, dict):
        return False
    changed = False
    if class_name == "Functional" and value.get("module") in _KERAS_2_FUNCTIONAL:
        # Keras 3 exports it under the name of its base.
        value["module"] = "keras.src.models.functional"
        changed = True
    if class_name == "BatchNormalization" and isinstance(settings.get("axis"), list) and len(settings["axis"]) == 1:
        settings["axis"] = settings["axis"][0]
        changed = True
    if class_name != "InputLayer" and "module" in value and "batch_input_shape" in settings:
        # A layer of an archive has its input from an InputLayer before it.
        del settings["batch_input_shape"]
        changed = True
    is_random = class_name.startswith(_RANDOM_LAYERS)
    for key, neutral in (_RANDOM_SETTINGS if is_random else _WITHOUT_EFFECT.get(class_name, {})).items():
        if key not in settings:
            continue
        if neutral is not _ANY and settings[key] not in neutral:
            raise ConfigError(
                f"{name}: layer {str(settings.get('name'))[:60]!r} ({class_name}) of Keras 2 has {key} "
                f"{str(settings[key])[:20]}, which Keras 3 does not have; export the model as a SavedModel with the "
                "Keras that made it"
            )
        del settings[key]
        changed = True
    return changed


def _rewrite_layers(layers: list[Any], name: str) -> bool:
    """Replaces, among the layers of a model, calls of TensorFlow and references to tensors in the way of Keras 2."""
    changed = False
    for index, layer in enumerate(layers):
        if not isinstance(layer, dict):
            continue
        if str(layer.get("class_name")) in CALL_CLASSES:
            layers[index] = with_operations(layer, name)
            changed = True
        elif isinstance(nodes := layer.get("inbound_nodes"), list):
            for number, node in enumerate(nodes):
                if isinstance(node, list) and _has_keyword_tensors(node):
                    nodes[number] = _keyword_node(node)
                    changed = True
    return changed


def _renumber_applications(layers: list[Any], model: dict[str, Any]) -> bool:
    """Counts the applications of nested models from 0; Keras 2 counted from 1, as a model was applied when it was made.

    Args:
      layers: Of a model.
      model: Its configuration. In where its outputs come from, Keras 3 itself counts functional models from 1.

    Returns:
      Whether it is a graph in the way of Keras 2.
    """
    described = [layer for layer in layers if isinstance(layer, dict)]
    models = {str(layer.get("name")): layer.get("class_name") for layer in described}
    nested = {name for name, class_name in models.items() if class_name in _MODELS}
    nodes = [node for layer in described for node in _as_list(layer.get("inbound_nodes")) if isinstance(node, list)]
    sequential = {name for name in nested if models[name] == "Sequential"}
    if not nodes:
        return False
    _renumber(nodes, nested)
    _renumber(_as_list(model.get("output_layers")), sequential)
    inputs = _as_list(model.get("input_layers"))
    if len(inputs) == 1 and _is_reference(inputs[0]):
        # In a list, Keras 3 would want its input in a list, and warn at each call.
        model["input_layers"] = inputs[0]
    return True


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _renumber(value: list[Any], models: set[str]) -> None:
    stack: list[Any] = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            stack.extend(item.values())
        elif isinstance(item, list):
            if _is_reference(item[:3]) and item[0] in models and item[1] > 0:
                item[1] -= 1
            stack.extend(item)


def _is_reference(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 3 and list(map(type, value)) == [str, int, int]


def _has_keyword_tensors(node: list[Any]) -> bool:
    """Returns whether a layer of Keras 2 takes tensors by name, too, such as the value of an attention."""
    return (
        bool(node)
        and all(isinstance(item, list) and len(item) == 4 and _is_reference(item[:3]) for item in node)
        and isinstance(node[0][3], dict)
        and any(_is_reference(value) for value in node[0][3].values())
    )


def _keyword_node(node: list[Any]) -> dict[str, Any]:
    tensors = [tensor_reference(item[:3]) for item in node]
    keywords = {key: tensor_reference(value) if _is_reference(value) else value for key, value in node[0][3].items()}
    return {"args": tensors if len(tensors) == 1 else [tensors], "kwargs": keywords}
