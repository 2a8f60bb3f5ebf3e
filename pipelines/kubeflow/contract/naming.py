"""Names as Kubeflow takes them: lower-case words joined by hyphens, since they become names of Kubernetes objects."""

from __future__ import annotations

import re


def kebab_name(name: str) -> str:
    """Returns a name such as "quantize-small" for "Quantize.small"."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name)
    return re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")
