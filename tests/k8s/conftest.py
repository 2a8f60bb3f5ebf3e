"""The objects that kustomize makes of each overlay.

They are committed as `rendered/*.yaml`, so that the checks of them need no program, and a review shows what a change of
the manifests does to the cluster; `test_rendered.py` holds them to what kustomize makes now.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

RENDERED = sorted(Path(__file__).with_name("rendered").glob("*.yaml"))
# To be copied, or added, into an overlay of one's own.
EXAMPLES = [
    Path(__file__).parents[2] / "k8s" / "components" / path
    for path in ("webhook/ingress.yaml", "checkpoints/claim.yaml")
]
Objects = list[dict[str, Any]]


@pytest.fixture(scope="session")
def kustomize() -> Callable[[Path], str]:
    """Renders a folder as kubectl would apply it."""
    command = ["kubectl", "kustomize"] if shutil.which("kubectl") else ["kustomize", "build"]
    if shutil.which(command[0]) is None:
        # None can be installed by the way: PyPI and npm have only wrappers of it, Debian 12's kubectl is from before
        # there were components, and building it takes a Go toolchain and minutes.
        pytest.skip(
            "neither kubectl (1.27 or later) nor kustomize (5) is here; install one from your Kubernetes distribution"
        )

    def render(folder: Path) -> str:
        process = subprocess.run([*command, str(folder)], capture_output=True, text=True, check=False)
        assert process.returncode == 0, process.stderr
        return process.stdout

    return render


@pytest.fixture(params=RENDERED, ids=lambda path: path.stem)
def objects(request: pytest.FixtureRequest) -> Objects:
    """All objects of one overlay."""
    return list(yaml.safe_load_all(request.param.read_text(encoding="utf-8")))


@pytest.fixture(scope="session")
def distinct_objects() -> Objects:
    """Every object of any overlay or example, once; what a Sensor would make is one of them."""
    found: Objects = []
    for path in [*RENDERED, *EXAMPLES]:
        found += [thing for thing in _with_made(path) if thing not in found]
    return found


def _with_made(path: Path) -> Iterator[dict[str, Any]]:
    for thing in yaml.safe_load_all(path.read_text(encoding="utf-8")):
        yield thing
        if thing["kind"] == "Sensor":
            yield from (trigger["template"]["k8s"]["source"]["resource"] for trigger in thing["spec"]["triggers"])
