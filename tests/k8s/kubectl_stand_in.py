"""Answers as kubectl and an API server do: `apply` makes one object after the other, whichever is refused."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import yaml

CLUSTER = Path(os.environ["STAND_IN_CLUSTER"])  # {"namespaces": [...], "services": [...], "kinds_unknown": [...]}


def main(verb: str, *arguments: str) -> int:
    cluster = json.loads(CLUSTER.read_text())
    if verb == "kustomize":
        print(Path(arguments[0], "rendered.yaml").read_text())
        return 0
    if verb == "get":
        kind, name = arguments[:2]
        return (
            0 if name in cluster[f"{kind}s"] else _refuse(f'Error from server (NotFound): {kind}s "{name}" not found')
        )
    assert verb == "apply"
    is_dry = "--dry-run=client" in arguments
    codes = [_apply(thing, cluster, is_dry=is_dry) for thing in yaml.safe_load_all(sys.stdin.read())]
    if not is_dry:
        CLUSTER.write_text(json.dumps(cluster))
    return max(codes)


def _apply(thing: dict[str, Any], cluster: dict[str, Any], *, is_dry: bool) -> int:
    kind, metadata = thing["kind"], thing["metadata"]
    if kind in cluster["kinds_unknown"]:
        return _refuse(f'error: no matches for kind "{kind}"')
    if is_dry:
        return 0
    if metadata.get("namespace", "") not in ("", *cluster["namespaces"]):
        return _refuse(f'Error from server (NotFound): namespaces "{metadata["namespace"]}" not found')
    if kind == "Namespace":
        cluster["namespaces"].append(metadata["name"])
    cluster["made"].append(f"{kind}/{metadata['name']}")
    return 0


def _refuse(message: str) -> int:
    print(message, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
