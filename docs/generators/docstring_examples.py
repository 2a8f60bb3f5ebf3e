"""Tells griffe that our docstrings' section `Example:` is what Google's style calls `Examples:`."""

from __future__ import annotations

import re
from typing import Any

import griffe

_HEADING = re.compile(r"^(\s*)Example:$", re.MULTILINE)


class ExampleSections(griffe.Extension):
    """Renames the section before it is parsed; without that its `>>>` lines are read as text."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Renames it in one docstring.

        Args:
          obj: A module, class, function or attribute.
        """
        if obj.docstring is not None:
            obj.docstring.value = _HEADING.sub(r"\1Examples:", obj.docstring.value)
