"""An image of ours, an object store, and a stand-in of Kubeflow that runs a package's steps in containers of it.

Opt-in, since building an image takes minutes: `make containers` builds it and says its name in L2C_TEST_IMAGE.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import BotoCoreError

LAUNCHER = Path(__file__).with_name("launch.py")
PODMAN = shlex.split(os.environ.get("PODMAN", "podman"))
# What a pod of the restricted standard gets, and a root file system that can't be written, too. Kubeflow mounts an
# empty folder at each of these places but /tmp.
RESTRICTED = (
    "--user=65532:65532",
    "--cap-drop=all",
    "--security-opt=no-new-privileges",
    "--read-only",
    "--read-only-tmpfs=false",
    *(f"--tmpfs={path}" for path in ("/tmp", "/minio", "/s3", "/gcs", "/.local", "/.cache", "/.config")),
    # As much as any machine lets root give.
    "--ulimit=nofile=4096:4096",
    "--ulimit=nproc=4096:4096",
)


@dataclass(frozen=True)
class Container:
    """Runs commands in containers of an image.

    Attributes:
      image: Its name.
      variables: Their environment.
    """

    image: str
    variables: dict[str, str] = field(default_factory=dict)

    def run(self, *command: str, options: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
        """Runs one, confined as a pod of the restricted standard is."""
        variables = [f"--env={name}={value}" for name, value in self.variables.items()]
        start = [*PODMAN, "run", "--rm", "--network=host", "--pull=never", *RESTRICTED, *variables, *options]
        return subprocess.run([*start, self.image, *command], capture_output=True, text=True, check=False)


@dataclass(frozen=True)
class Kubeflow:
    """Runs packages: what the API server, the driver and Argo do, one step after the other."""

    container: Container
    store: Any
    reports: dict[str, dict[str, Any]] = field(default_factory=dict)

    def run(self, package: dict[str, Any]) -> None:
        """Runs each task as soon as what it takes is there."""
        waiting = dict(package["root"]["dag"]["tasks"])
        defaults = package["root"].get("inputDefinitions", {}).get("parameters", {})
        while waiting:
            ready = [name for name, task in waiting.items() if set(task.get("dependentTasks", [])) <= set(self.reports)]
            for number, name in enumerate(ready):
                # Both schemes that reach an S3 server: a step may find inputs under either.
                root = ("minio", "s3")[(len(self.reports) + number) % 2] + "://mlpipeline/v2/artifacts/run"
                task = waiting.pop(name)
                component = package["components"][task["componentRef"]["name"]]
                container = package["deploymentSpec"]["executors"][component["executorLabel"]]["container"]
                self._launch(name, container, self._executor_input(f"{root}/{name}", task, component, defaults))

    def _executor_input(
        self, root: str, task: dict[str, Any], component: dict[str, Any], defaults: dict[str, Any]
    ) -> dict[str, Any]:
        parameters = {
            name: source["runtimeValue"]["constant"]
            if "runtimeValue" in source
            else defaults[source["componentInputParameter"]]["defaultValue"]
            for name, source in task["inputs"].get("parameters", {}).items()
        }
        artifacts = {}
        for name, source in task["inputs"].get("artifacts", {}).items():
            output = source["taskOutputArtifact"]
            artifact = self.reports[output["producerTask"]]["outputs"][output["outputArtifactKey"]]
            # The driver forgets the type, and adds what the launcher needs to open the store.
            metadata = artifact["metadata"] | {"store_session_info": '{"Provider":"minio"}'}
            artifacts[name] = {"artifacts": [artifact | {"metadata": metadata, "type": {"instanceSchema": ""}}]}
        logs = {"artifactType": {"schemaTitle": "system.Artifact", "schemaVersion": "0.0.1"}}
        declared = component["outputDefinitions"]["artifacts"] | {"executor-logs": logs}
        outputs = {
            name: {"name": name, "uri": f"{root}/{name}", "metadata": {}, "type": output["artifactType"]}
            for name, output in declared.items()
        }
        return {
            # Protocol buffers' Value knows no integers.
            "inputs": {"parameterValues": {k: _double(v) for k, v in parameters.items()}, "artifacts": artifacts},
            "outputs": {
                "artifacts": {name: {"artifacts": [artifact]} for name, artifact in outputs.items()},
                "outputFile": "/tmp/kfp_outputs/output_metadata.json",
            },
        }

    def _launch(self, name: str, container: dict[str, Any], executor_input: dict[str, Any]) -> None:
        launch = ["--executor-input", json.dumps(executor_input), "--report", f"mlpipeline/reports/{name}", "--"]
        mounted = (f"--volume={LAUNCHER}:/kfp-launcher/launch.py:ro",)
        command = ["python", "/kfp-launcher/launch.py", *launch, *container["command"], *container["args"]]
        process = self.container.run(*command, options=mounted)
        assert process.returncode == 0, f"{name}: {process.stdout[-2000:]}{process.stderr[-4000:]}"
        body = self.store.get_object(Bucket="mlpipeline", Key=f"reports/{name}")["Body"].read()
        self.reports[name] = json.loads(body)


def _double(value: Any) -> Any:
    return float(value) if isinstance(value, int) else value


@pytest.fixture(scope="module")
def image() -> str:
    """The image under test."""
    name = os.environ.get("L2C_TEST_IMAGE", "")
    if not name:
        pytest.skip("L2C_TEST_IMAGE names no image: `make containers` (needs apt-get install podman runc)")
    if shutil.which(PODMAN[0]) is None:
        pytest.skip(f"{PODMAN[0]} is not here: apt-get install podman runc")
    return name


@pytest.fixture(scope="module")
def server(image: str) -> Iterator[str]:
    """Address of an S3 server with the buckets `mlpipeline` and `models`."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


@pytest.fixture(scope="module")
def variables(server: str) -> dict[str, str]:
    """What makes programs talk to the server."""
    credentials = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "us-east-1"}
    return {"AWS_ENDPOINT_URL": server, **credentials}


@pytest.fixture(scope="module")
def store(server: str) -> Any:
    """A client of it."""
    client = boto3.client("s3", "us-east-1", endpoint_url=server, aws_access_key_id="k", aws_secret_access_key="s")
    for attempt in range(60):
        try:
            client.create_bucket(Bucket="mlpipeline")
            break
        except BotoCoreError:
            assert attempt < 59, "the S3 server does not start"
            time.sleep(1)
    client.create_bucket(Bucket="models")
    return client


@pytest.fixture(scope="module")
def container(image: str, variables: dict[str, str]) -> Container:
    """Runs commands in the image."""
    return Container(image, variables)


@pytest.fixture(scope="module")
def kubeflow(container: Container, store: Any) -> Kubeflow:
    """Runs packages in it."""
    return Kubeflow(container, store)


@pytest.fixture(scope="module")
def inspect(image: str) -> Callable[[str], str]:
    """Asks for what the image says about itself, by a Go template."""

    def ask(template: str) -> str:
        command = [*PODMAN, "image", "inspect", "--format", template, image]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    return ask
