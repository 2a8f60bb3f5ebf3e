"""Which Keras configurations may be turned into objects.

Keras builds whatever class or function the JSON names. So the whole tree is
walked, and everything it names must be a modelling class that Keras itself
exports, not a callable that reads files, downloads or runs code. A list of what
is accepted holds against bypasses not yet known; the `get_file` gadget
(CVE-2025-8747) passed a list of what is refused.
"""

from __future__ import annotations

import functools
import inspect
import json
import operator
from typing import Any

from learn2compress.config.parsing import ConfigError
from learn2compress.teachers.formats import UnsafeTeacherError

_NAMESPACES = (
    *("layers", "models", "initializers", "regularizers", "constraints", "dtype_policies", "quantizers"),
    # Submodels carry how they were compiled, and Keras compiles those even with compile=False.
    *("optimizers", "optimizers.schedules", "losses", "metrics"),
)
_OPERATION_MODULES = ("core", "image", "linalg", "math", "nn", "numpy")

# These run code, load other models, or unpickle, whatever their arguments.
_REFUSED_CLASSES = {"Lambda", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer", "GPTQConfig", "AWQConfig"}
# These take a function and call it.
_REFUSED_OPERATIONS = {"Map", "Scan", "AssociativeScan", "WhileLoop", "Cond", "Switch", "ForiLoop", "VectorizedMap"}
# Keras's own notation for plain values.
_PLAIN_VALUES = {"__keras_tensor__", "__tensor__", "__numpy__", "__bytes__", "__ellipsis__", "__slice__", "__tuple__"}
_LEGACY_PLAIN_VALUES = {"TensorShape", "__tuple__", "__ellipsis__", "__bytes__"}


def parse(text: str | bytes, name: str) -> dict[str, Any]:
    """Reads the JSON of a configuration.

    Args:
      text: The JSON.
      name: Where it stands, for messages.

    Returns:
      Its mapping, with "config" in it.

    Raises:
      ConfigError: it is no JSON object of a model.
    """
    try:
        config = json.loads(text)
    except (ValueError, RecursionError) as error:
        reason = str(error).splitlines()[0]
        raise ConfigError(f"{name}: found no JSON ({reason}), accepted is a Keras configuration") from error
    if not isinstance(config, dict) or not isinstance(config.get("config"), dict | list):
        raise ConfigError(f"{name}: found JSON without class_name and config, accepted is a Keras configuration")
    return config


def check(config: dict[str, Any], name: str, *, legacy: bool) -> None:
    """Checks that everything a configuration names is built into Keras and harmless.

    Args:
      config: The parsed configuration of a model.
      name: Where it stands, for messages.
      legacy: Whether it is of a `.h5` file, where layers carry no module.

    Raises:
      UnsafeTeacherError: naming the class and where it stands.
    """
    stack: list[tuple[Any, str]] = [(config, "")]
    while stack:
        value, where = stack.pop()
        if isinstance(value, list):
            stack.extend((item, where) for item in value)
        elif isinstance(value, dict):
            at = f"{name}{where}"
            _check_object(value, at, legacy)
            vocabulary = value.get("vocabulary")
            if vocabulary is not None and not isinstance(vocabulary, list):
                # Keras would open it as a path (CVE-2025-12058).
                raise UnsafeTeacherError(f"{at}.vocabulary: found {_show(vocabulary)}, accepted is a list of words")
            inside = _label(value, where)
            stack.extend((item, f"{inside}.{key}" if key != "config" else inside) for key, item in value.items())


def _label(value: dict[str, Any], where: str) -> str:
    inner = value.get("config")
    own_name = inner.get("name") if isinstance(inner, dict) else None
    return f"{where}[{_show(own_name)}]" if isinstance(own_name, str) else where


def _check_object(value: dict[str, Any], at: str, legacy: bool) -> None:
    if "class_name" not in value:
        if "registered_name" in value or "module" in value:
            raise UnsafeTeacherError(f"{at}: found a module without class_name, accepted are Keras objects")
        return
    class_name, module = value["class_name"], value.get("module")
    registered = value.get("registered_name")
    if not isinstance(class_name, str) or not isinstance(module, str | None):
        raise UnsafeTeacherError(f"{at}: found a class_name or module that is no text, accepted are names")
    if class_name in (_LEGACY_PLAIN_VALUES if legacy else set()) | _PLAIN_VALUES:
        return
    full_name = f"{module}.{class_name}" if module else class_name
    if class_name == "function":
        function = value.get("config")
        if module not in ("builtins", "keras.activations") or function not in _activations():
            raise UnsafeTeacherError(
                f"{at}: found function {_show(function)} of {_show(module)}, accepted are Keras activations"
            )
        if registered not in (None, "function", function):
            raise UnsafeTeacherError(f"{at}: found custom function {_show(registered)}, accepted are Keras activations")
        return
    if registered not in (None, class_name):
        raise UnsafeTeacherError(f"{at}: found custom class {_show(registered)}, accepted are classes of Keras itself")
    if class_name in _REFUSED_CLASSES or class_name == "__lambda__":
        raise UnsafeTeacherError(
            f"{at}: found a {class_name}, which runs foreign code; accepted are other Keras layers"
        )
    known = _classes()
    if (module, class_name) not in known and not (module is None and class_name in {name for _, name in known}):
        raise UnsafeTeacherError(
            f"{at}: found {_show(full_name)}, accepted are the layers and objects of this version of Keras; a model "
            "with others can be exported as a SavedModel where it was made"
        )


@functools.cache
def _classes() -> frozenset[tuple[str, str]]:
    """Returns (module, name) of every accepted class, under its public and its defining module."""
    import keras

    from learn2compress.keras_internals import functional_class, operation_classes

    found = {("keras", "Sequential"), ("keras", "Model"), ("keras", "Functional"), ("keras", "DTypePolicy")}
    found.add((functional_class().__module__, "Functional"))
    for namespace in _NAMESPACES:
        public = operator.attrgetter(namespace)(keras)
        for name, item in vars(public).items():
            if inspect.isclass(item) and name not in _REFUSED_CLASSES and item.__name__ not in _REFUSED_CLASSES:
                found |= {(f"keras.{namespace}", name), (item.__module__, item.__name__)}
    for short in _OPERATION_MODULES:
        for name, item in operation_classes(short).items():
            if name not in _REFUSED_OPERATIONS:
                found.add((item.__module__, name))
    return frozenset(found)


@functools.cache
def _activations() -> frozenset[str]:
    import keras

    helpers = {"get", "serialize", "deserialize"}
    return frozenset(name for name, item in vars(keras.activations).items() if callable(item)) - helpers


def _show(value: Any) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= 60 else text[:57] + "..."
