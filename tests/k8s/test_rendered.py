"""What is committed as rendered is what kustomize makes of the overlays."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
RENDERED = Path(__file__).with_name("rendered")
OVERLAYS = sorted(path.parent.name for path in ROOT.glob("k8s/overlays/*/kustomization.yaml"))


def _command() -> list[str]:
    if shutil.which("kubectl"):
        return ["kubectl", "kustomize"]
    if shutil.which("kustomize"):
        return ["kustomize", "build"]
    # None can be installed by the way: PyPI and npm have only wrappers of it, Debian 12's kubectl is from before there
    # were components, and building it takes a Go toolchain and minutes.
    pytest.skip(
        "neither kubectl (1.27 or later) nor kustomize (5) is here; install one from your Kubernetes distribution"
    )


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_rendered_overlay_is_the_committed_one(overlay: str) -> None:
    folder, committed = ROOT / "k8s" / "overlays" / overlay, RENDERED / f"{overlay}.yaml"
    process = subprocess.run([*_command(), str(folder)], capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr
    # Not the text: versions of kustomize order and fold it differently.
    made = sorted(map(yaml.safe_dump, yaml.safe_load_all(process.stdout)))
    kept = sorted(map(yaml.safe_dump, yaml.safe_load_all(committed.read_text(encoding="utf-8"))))
    assert made == kept, f"kubectl kustomize k8s/overlays/{overlay} > tests/k8s/rendered/{overlay}.yaml"


def test_every_overlay_is_rendered_and_nothing_else() -> None:
    assert sorted(path.stem for path in RENDERED.glob("*.yaml")) == OVERLAYS
