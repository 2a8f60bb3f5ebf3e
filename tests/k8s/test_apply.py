"""An overlay is applied whole or not at all, and what is missing is said first."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

SCRIPT = Path(__file__).parents[2] / "k8s" / "apply.sh"
STAND_IN = Path(__file__).with_name("kubectl_stand_in.py")
RENDERED = Path(__file__).with_name("rendered")
READY: dict[str, Any] = {"namespaces": ["kubeflow"], "services": ["ml-pipeline"], "kinds_unknown": [], "made": []}


@pytest.fixture
def kubectl(tmp_path: Path) -> Callable[..., tuple[int, str, dict[str, Any]]]:
    """Runs a command with an overlay's folder against a cluster; gives code, errors and the cluster after it."""

    def run(command: str, overlay: str, **cluster: Any) -> tuple[int, str, dict[str, Any]]:
        folder = tmp_path / "overlay"
        folder.mkdir()
        (folder / "rendered.yaml").write_bytes((RENDERED / f"{overlay}.yaml").read_bytes())
        state = tmp_path / "cluster.json"
        state.write_text(json.dumps(READY | cluster))
        program = tmp_path / "bin" / "kubectl"
        program.parent.mkdir()
        program.write_text(f'#!/bin/sh\nexec {sys.executable} {STAND_IN} "$@"\n')
        program.chmod(0o755)
        environment = os.environ | {
            "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}",
            "STAND_IN_CLUSTER": str(state),
        }
        process = subprocess.run(
            ["sh", "-c", command, "sh", folder], env=environment, capture_output=True, text=True, check=False
        )
        return process.returncode, process.stderr, json.loads(state.read_text())

    return run


@pytest.mark.parametrize("overlay", ["standalone", "multi-user", "argo-events"])
def test_all_objects_are_made(kubectl: Callable[..., Any], overlay: str) -> None:
    code, errors, cluster = kubectl(f'{SCRIPT} "$1"', overlay)
    assert (code, errors) == (0, "")
    assert len(cluster["made"]) == len(list(yaml.safe_load_all((RENDERED / f"{overlay}.yaml").read_text())))


def test_a_namespace_that_is_missing_is_said_before_anything_is_made(kubectl: Callable[..., Any]) -> None:
    code, errors, cluster = kubectl(f'{SCRIPT} "$1"', "standalone", namespaces=[], services=[])
    assert code == 1
    assert "apply.sh: error: not found: namespace/kubeflow service/ml-pipeline in kubeflow;" in errors
    assert cluster["made"] == []


def test_without_the_look_half_of_it_would_be_made(kubectl: Callable[..., Any]) -> None:
    code, errors, cluster = kubectl('kubectl kustomize "$1" | kubectl apply --filename -', "standalone", namespaces=[])
    assert (code, 'namespaces "kubeflow" not found' in errors, bool(cluster["made"])) == (1, True, True)


def test_a_kind_that_the_cluster_does_not_know_is_said_before_anything_is_made(kubectl: Callable[..., Any]) -> None:
    code, errors, cluster = kubectl(f'{SCRIPT} "$1"', "argo-events", kinds_unknown=["Sensor"])
    assert (code, 'no matches for kind "Sensor"' in errors, cluster["made"]) == (1, True, [])
