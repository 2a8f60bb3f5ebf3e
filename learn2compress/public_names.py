"""Imports what `import learn2compress` offers, each name when it is first used: TensorFlow takes seconds to import."""

from __future__ import annotations

import importlib
from typing import Any

# Below this package. Whole dotted names would count as imports where the code of a pipeline's step is followed.
_MODULES = {
    "Compression": "compression.preparation",
    "ConfigError": "config.parsing",
    "Family": "compression.family",
    "MeasuredStudent": "compression.students",
    "StudentFile": "compression.students",
    "TrainedStudent": "compression.students",
    "compress": "compression.compress",
    "evaluate": "compression.steps",
    "prepare": "compression.preparation",
    "prune": "compression.steps",
    "quantize": "compression.steps",
    "select": "compression.steps",
    "train_jointly": "compression.steps",
}
_PACKAGE = __name__.partition(".")[0]


def __getattr__(name: str) -> Any:
    """Imports a public name and returns it: `learn2compress` asks here for what it does not have.

    Args:
      name: Of an attribute of `learn2compress`.

    Raises:
      AttributeError: the package offers no such name.
    """
    if name not in _MODULES:
        raise AttributeError(f"module {_PACKAGE!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{_PACKAGE}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    """Returns the public names, for completion in a shell or notebook."""
    return sorted([*_MODULES, "__version__"])
