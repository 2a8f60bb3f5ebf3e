"""Calls of TensorFlow in a functional model of Keras 2, as the operations of Keras 3 that compute the same.

Keras 2 wrapped each call, such as `x + y` or `tf.nn.relu(x)`, in a layer of its
own (`TFOpLambda`, `SlicingOpLambda`) that names the function. Keras 3 has no such
layers, and must not look up functions by the name that a file says: so those
that are known are replaced here, one operation for one call, and no other runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from learn2compress.config.parsing import ConfigError

CALL_CLASSES = {"TFOpLambda", "SlicingOpLambda"}

_REDUCE = {"axis": ("axis", None), "keepdims": ("keepdims", False)}
_OF_TWO = {
    "Add": ("__operators__.add", "math.add", "add"),
    "Subtract": ("math.subtract", "subtract"),
    "Multiply": ("math.multiply", "multiply"),
    "TrueDivide": ("math.truediv", "truediv", "math.divide", "divide"),
    "Maximum": ("math.maximum", "maximum"),
    "Minimum": ("math.minimum", "minimum"),
    "Power": ("math.pow", "pow"),
}
_OF_ONE = {
    "Absolute": ("math.abs", "abs"),
    "Exp": ("math.exp", "exp"),
    "Log": ("math.log",),
    "Negative": ("math.negative", "negative"),
    "Sqrt": ("math.sqrt", "sqrt"),
    "Square": ("math.square", "square"),
    "Tanh": ("math.tanh", "tanh", "nn.tanh"),
}
_OF_ONE_NN = {
    "Relu": ("nn.relu",),
    "Relu6": ("nn.relu6",),
    "Sigmoid": ("math.sigmoid", "sigmoid", "nn.sigmoid"),
    "Silu": ("nn.silu", "nn.swish"),
}
# Operation, module, and what its settings are called here and in TensorFlow, with TensorFlow's default.
_WITH_SETTINGS: dict[str, tuple[str, str, dict[str, tuple[str, Any]]]] = {
    "math.reduce_mean": ("Mean", "numpy", _REDUCE),
    "math.reduce_sum": ("Sum", "numpy", _REDUCE),
    "math.reduce_max": ("Max", "numpy", _REDUCE),
    "math.reduce_min": ("Min", "numpy", _REDUCE),
    "reduce_mean": ("Mean", "numpy", _REDUCE),
    "reduce_sum": ("Sum", "numpy", _REDUCE),
    "reduce_max": ("Max", "numpy", _REDUCE),
    "reduce_min": ("Min", "numpy", _REDUCE),
    "concat": ("Concatenate", "numpy", {"axis": ("axis", None)}),
    "reshape": ("Reshape", "numpy", {"newshape": ("shape", None)}),
    "transpose": ("Transpose", "numpy", {"axes": ("perm", None)}),
    "expand_dims": ("ExpandDims", "numpy", {"axis": ("axis", None)}),
    "squeeze": ("Squeeze", "numpy", {"axis": ("axis", None)}),
    "clip_by_value": ("Clip", "numpy", {"x_min": ("clip_value_min", None), "x_max": ("clip_value_max", None)}),
    "cast": ("Cast", "core", {"dtype": ("dtype", None)}),
    "nn.softmax": ("Softmax", "nn", {"axis": ("axis", -1)}),
    "nn.leaky_relu": ("LeakyRelu", "nn", {"negative_slope": ("alpha", 0.2)}),
    "nn.gelu": ("Gelu", "nn", {"approximate": ("approximate", False)}),
}
_DTYPES = {"float32", "float16", "bfloat16", "float64", "uint8", "int32", "int64"}


def with_operations(layer: dict[str, Any], name: str) -> dict[str, Any]:
    """Replaces a layer that calls TensorFlow by the operation of Keras 3.

    Args:
      layer: Configuration of a layer of a functional model, of one of `CALL_CLASSES`.
      name: Where it stands, for messages.

    Returns:
      Configuration of an operation of the same name, applied to the same.

    Raises:
      ConfigError: the function or how it is called is not known here; the message names the layer.
    """
    settings = layer.get("config")
    function = settings.get("function") if isinstance(settings, dict) else None
    try:
        (node,) = layer["inbound_nodes"]
        taken, further = _arguments(node)
        class_name, module, arguments, config = _operation(str(function), taken, further)
        return {
            "module": f"keras.src.ops.{module}",
            "class_name": class_name,
            "config": config | {"name": layer["name"]},
            "registered_name": class_name,
            "name": layer["name"],
            "inbound_nodes": [{"args": arguments, "kwargs": {}}],
        }
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise _refusal(layer, name, str(function)) from error


def _refusal(layer: Mapping[str, Any], name: str, function: str) -> ConfigError:
    called = "slicing" if layer.get("class_name") == "SlicingOpLambda" else f"tf.{function}"
    return ConfigError(
        f"{name}: layer {str(layer.get('name'))[:60]!r} calls TensorFlow inside a model of Keras 2 ({called[:60]}), "
        "in a way that Keras 3 can't be told of; export the model as a SavedModel with the Keras that made it, or "
        "rebuild it in Keras 3 with these weights"
    )


def _arguments(node: Any) -> tuple[Any, dict[str, Any]]:
    """Returns what a call of TensorFlow takes first, and its further arguments by their names."""
    if isinstance(node[0], str):
        return _value(node[:3]), {key: _value(item) for key, item in node[3].items()}
    # A list of tensors: each carries the same further arguments.
    return [_value(item[:3]) for item in node], {key: _value(item) for key, item in node[0][3].items()}


def _value(value: Any) -> Any:
    """Returns an argument as Keras 3 writes it: a reference to a tensor, or a plain value."""
    if isinstance(value, list) and len(value) == 3 and isinstance(value[0], str):
        if value[0] == "_CONSTANT_VALUE":
            return value[2]
        return tensor_reference(value)
    return value


def tensor_reference(place: Sequence[Any]) -> dict[str, Any]:
    """Returns a reference to a symbolic tensor as Keras 3 writes it.

    Args:
      place: Name of the layer that makes it, the number of the layer's application, and of its output.
    """
    name, node, tensor = place
    if not isinstance(name, str) or not isinstance(node, int) or not isinstance(tensor, int):
        raise TypeError("found no reference to a tensor")
    # Shape and type are those of the layer's output in any case.
    config = {"shape": [None], "dtype": "float32", "keras_history": [name, node, tensor]}
    return {"class_name": "__keras_tensor__", "config": config}


def _operation(function: str, taken: Any, settings: dict[str, Any]) -> tuple[str, str, list[Any], dict[str, Any]]:
    """Returns the class, module, arguments and settings of the operation that computes a function of TensorFlow."""
    function = function.removeprefix("compat.v1.")
    settings = {key: value for key, value in settings.items() if key != "name" and value is not None}
    if settings.get("conjugate") is False:
        del settings["conjugate"]
    if function == "__operators__.getitem":
        (key,) = settings.values()
        return _slicing(taken, key)
    if function == "nn.bias_add":
        if settings.pop("data_format", None) not in (None, "NHWC"):
            raise ValueError("found channels first")
        (bias,) = settings.values()
        return "Add", "numpy", [taken, _operand(bias)], {}
    for class_name, functions in _OF_TWO.items():
        if function in functions:
            (other,) = settings.values()
            return class_name, "numpy", [_operand(taken), _operand(other)], {}
    for module, table in (("numpy", _OF_ONE), ("nn", _OF_ONE_NN)):
        for class_name, functions in table.items():
            if function in functions and not settings:
                return class_name, module, [taken], {}
    class_name, module, known = _WITH_SETTINGS[function]
    config = {ours: settings.pop(theirs, default) for ours, (theirs, default) in known.items()}
    if settings or any(_is_tensor(value) for value in config.values()):
        raise ValueError("found further arguments")
    if function == "cast" and config["dtype"] not in _DTYPES:
        raise ValueError("found an unknown type")
    return class_name, module, [taken], config


def _operand(value: Any) -> Any:
    """Returns a tensor, a number, or a list of numbers as a constant."""
    if isinstance(value, list):
        return {"class_name": "__numpy__", "config": {"value": value, "dtype": "float32"}}
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if _is_tensor(value):
        return value
    raise TypeError("found no number")


def _is_tensor(value: Any) -> bool:
    return isinstance(value, dict) and value.get("class_name") == "__keras_tensor__"


def _slicing(taken: Any, key: list[Any]) -> tuple[str, str, list[Any], dict[str, Any]]:
    """Returns the operation of an index such as `x[:, 1:]`; with an ellipsis, of `x[..., ::-1]` and `x[..., None]`."""
    if _is_ellipsis(key[0]):
        # Keras 3 reads no ellipsis from HDF5, and Keras 2 writes it nowhere else.
        (last,) = key[1:]
        if last is None:
            return "ExpandDims", "numpy", [taken], {"axis": -1}
        if last == {"start": None, "stop": None, "step": -1}:
            return "Flip", "numpy", [taken], {"axis": -1}
    return "GetItem", "numpy", [taken, [_index(item) for item in key]], {}


def _is_ellipsis(item: Any) -> bool:
    return isinstance(item, dict) and item.get("class_name") in ("Ellipsis", "__ellipsis__")


def _index(item: Any) -> Any:
    """Returns one part of an index as Keras 3 writes it."""
    if isinstance(item, dict) and set(item) == {"start", "stop", "step"}:
        if not all(part is None or isinstance(part, int) for part in item.values()):
            raise TypeError("found an index that is computed")
        return {"class_name": "__slice__", "config": item}
    if item is None or isinstance(item, int):
        return item
    raise TypeError("found an index that is computed")
