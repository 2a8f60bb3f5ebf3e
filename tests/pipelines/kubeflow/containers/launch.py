"""Plays Kubeflow's launcher inside a step's container: moves files, runs the step between, says how it was confined.

What it does is what backend/src/v2/component/launcher_v2.go of kubeflow/pipelines does, as the same user and under the
same restrictions as the step: inputs are fetched to, and outputs taken from, /minio/BUCKET/KEY and /s3/BUCKET/KEY; the
parents of outputs are made, outputs are not; what the step says about an output goes over what was known of it. Instead
of Kubeflow's metadata service there is an object, which the test reads.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import botocore.session

_MOUNTS = {"minio": Path("/minio"), "s3": Path("/s3")}
_CONFINEMENT = ("Uid", "CapEff", "CapBnd", "NoNewPrivs", "Seccomp")
_TARGETS = ("/", "/etc", "/opt/learn2compress", "/var/tmp", "/home")

store = botocore.session.get_session().create_client("s3")


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--executor-input", required=True)
    parser.add_argument("--report", required=True, help="Bucket and key of the object that says what happened.")
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()
    executor_input = json.loads(options.executor_input)
    for artifact in artifacts_of(executor_input["inputs"]).values():
        download(artifact["uri"])
    outputs = artifacts_of(executor_input["outputs"])
    for artifact in outputs.values():
        path_of(artifact["uri"]).parent.mkdir(parents=True, exist_ok=True)
    Path(executor_input["outputs"]["outputFile"]).parent.mkdir(parents=True, exist_ok=True)
    code = subprocess.run([part.replace("{{$}}", options.executor_input) for part in options.command]).returncode
    if code:
        return code
    said = json.loads(Path(executor_input["outputs"]["outputFile"]).read_bytes())
    merge(outputs, artifacts_of(said))
    for artifact in outputs.values():
        check_metrics(artifact)
    for artifact in outputs.values():
        upload(path_of(artifact["uri"]), artifact["uri"])
    bucket, _, key = options.report.partition("/")
    report = json.dumps({"outputs": outputs, "confinement": confinement()})
    store.put_object(Bucket=bucket, Key=key, Body=report.encode())
    return 0


def artifacts_of(part: dict[str, Any]) -> dict[str, Any]:
    return {name: entry["artifacts"][0] for name, entry in part.get("artifacts", {}).items()}


def merge(outputs: dict[str, Any], said: dict[str, Any]) -> None:
    for name, artifact in said.items():
        outputs[name]["uri"] = artifact["uri"]
        outputs[name]["metadata"] |= artifact["metadata"]


def check_metrics(artifact: dict[str, Any]) -> None:
    """Refuses text among numbers, as Kubeflow's branch without ML Metadata does (mlmd-removal, launcher_v2.go)."""
    if artifact["type"]["schemaTitle"] == "system.Metrics":
        for key, value in artifact["metadata"].items():
            assert isinstance(value, int | float), f"metric value {key!r} must be a number, got {value!r}"


def path_of(uri: str) -> Path:
    scheme, _, key = uri.partition("://")
    return _MOUNTS[scheme] / key


def address(uri: str) -> tuple[str, str]:
    bucket, _, key = uri.partition("://")[2].partition("/")
    return bucket, key


def download(uri: str) -> None:
    bucket, prefix = address(uri)
    for page in store.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for entry in page.get("Contents", []):
            key = entry["Key"]
            if key != prefix and not key.startswith(f"{prefix}/"):
                continue
            path = path_of(uri) / key[len(prefix) :].lstrip("/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(store.get_object(Bucket=bucket, Key=key)["Body"].read())


def upload(path: Path, uri: str) -> None:
    bucket, prefix = address(uri)
    # An output that was not made is no error; the launcher warns.
    files = [path] if path.is_file() else [found for found in sorted(path.rglob("*")) if found.is_file()]
    for file in files:
        key = prefix if file == path else f"{prefix}/{file.relative_to(path).as_posix()}"
        store.put_object(Bucket=bucket, Key=key, Body=file.read_bytes())


def confinement() -> dict[str, Any]:
    """What the kernel says about this process, which the step was a child of, and where it can write."""
    lines = [line.partition(":") for line in Path("/proc/self/status").read_text().splitlines()]
    status = {name: value.split() for name, _, value in lines if name in _CONFINEMENT}
    return {**status, "writable": [folder for folder in _TARGETS if os.access(folder, os.W_OK)]}


if __name__ == "__main__":
    sys.exit(main())
