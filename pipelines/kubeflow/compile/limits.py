"""How large a package may be for what takes it: told when it is compiled, as the failure would tell nobody."""

from __future__ import annotations

import json
from typing import Any

import yaml

# Linux's limit for one argument of a process. The driver of the whole graph is given the graph in one.
_LONGEST_ARGUMENT_BYTES = 128 * 1024
# The backend's spelling of it may be a little longer than ours.
_SPELLING_RATIO = 1.03
# Kubernetes' limit for annotations, into one of which `kubectl apply` copies the object.
_LONGEST_ANNOTATION_BYTES = 256 * 1024


def graph_bytes(spec: dict[str, Any]) -> int:
    """Returns the size of what the driver of the whole graph is given in one argument, in bytes.

    Args:
      spec: The package's first document.
    """
    return round(_SPELLING_RATIO * _json_bytes(spec["root"]))


def notes_on_size(package: str) -> list[str]:
    """Returns what a person should know of a large package, one sentence each.

    Args:
      package: YAML, as `package_text` writes it.
    """
    first, second = yaml.load_all(package, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    is_manifest = second.get("kind") == "PipelineVersion"
    notes = []
    found = graph_bytes(second["spec"]["pipelineSpec"] if is_manifest else first)
    if found >= _LONGEST_ARGUMENT_BYTES:
        notes.append(
            f"the graph is {found / 1024:.0f} KiB in one argument of Kubeflow's driver: 2.17 runs it; 2.16, and any "
            f"with Argo before 3.7.10, takes {_LONGEST_ARGUMENT_BYTES / 1024:.0f} KiB, which fewer students are"
        )
    if is_manifest and _json_bytes(second) >= _LONGEST_ANNOTATION_BYTES:
        notes.append(
            "the PipelineVersion is too large for plain kubectl apply, which keeps a copy in it; accepted is "
            "kubectl apply --server-side"
        )
    return notes


def _json_bytes(content: Any) -> int:
    return len(json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode())
