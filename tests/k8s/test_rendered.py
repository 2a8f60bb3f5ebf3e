"""What is committed as rendered is what kustomize makes of the overlays."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
RENDERED = Path(__file__).with_name("rendered")
OVERLAYS = sorted(path.parent.name for path in ROOT.glob("k8s/overlays/*/kustomization.yaml"))


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_rendered_overlay_is_the_committed_one(overlay: str, kustomize: Callable[[Path], str]) -> None:
    folder, committed = ROOT / "k8s" / "overlays" / overlay, RENDERED / f"{overlay}.yaml"
    # Not the text: versions of kustomize order and fold it differently.
    made = sorted(map(yaml.safe_dump, yaml.safe_load_all(kustomize(folder))))
    kept = sorted(map(yaml.safe_dump, yaml.safe_load_all(committed.read_text(encoding="utf-8"))))
    assert made == kept, f"kubectl kustomize k8s/overlays/{overlay} > tests/k8s/rendered/{overlay}.yaml"


@pytest.mark.parametrize("overlay", ["standalone", "standalone-webhook", "multi-user"])
def test_the_volume_of_checkpoints_is_where_the_steps_are(
    overlay: str, kustomize: Callable[[Path], str], tmp_path: Path
) -> None:
    place = os.path.relpath(ROOT / "k8s", tmp_path.resolve())
    own = {
        "kind": "Kustomization",
        "resources": [f"{place}/overlays/{overlay}"],
        "components": [f"{place}/components/checkpoints"],
    }
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(own))
    made = {(thing["kind"], thing["metadata"]["name"]): thing for thing in yaml.safe_load_all(kustomize(tmp_path))}
    claim, account = made["PersistentVolumeClaim", "l2c-checkpoints"], made["ServiceAccount", "l2c-steps"]
    assert claim["metadata"]["namespace"] == account["metadata"]["namespace"]


def test_every_overlay_is_rendered_and_nothing_else() -> None:
    assert sorted(path.stem for path in RENDERED.glob("*.yaml")) == OVERLAYS
