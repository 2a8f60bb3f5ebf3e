"""Holds values against the models of the published OpenAPI."""

from __future__ import annotations

from typing import Any

import kfp_server_api

_PLAIN: dict[str, Any] = {
    "str": str,
    "int": int,
    "float": (int, float),
    "bool": bool,
    "datetime": str,
    "object": object,
}


def violations_of(value: Any, kind: str, path: str = "") -> list[str]:
    """What of a value is not as the type says.

    Args:
      value: Decoded JSON.
      kind: As the generated client names types: "str", "list[V2beta1Run]", "dict(str, object)", "V2beta1Run", ...
      path: Where the value is, for the message.
    """
    if kind.startswith(("list[", "dict(")):
        inner = kind[5:-1].rpartition(", ")[2]
        items = value.items() if isinstance(value, dict) else enumerate(value)
        return [line for key, item in items for line in violations_of(item, inner, f"{path}.{key}")]
    if kind in _PLAIN:
        return [] if isinstance(value, _PLAIN[kind]) else [f"{path}: {value!r} is no {kind}"]
    model = getattr(kfp_server_api, kind)
    if hasattr(model, "allowable_values"):
        return [] if value in model.allowable_values else [f"{path}: {value!r} is no {kind}"]
    types = {outside: model.openapi_types[inside] for inside, outside in model.attribute_map.items()}
    found = [f"{path}: {kind} has no {key}" for key in value if key not in types]
    for key in types.keys() & value.keys():
        if value[key] is not None:
            found += violations_of(value[key], types[key], f"{path}.{key}")
    return found
