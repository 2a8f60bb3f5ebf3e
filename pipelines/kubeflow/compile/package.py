"""Writes a configuration as a package that Kubeflow Pipelines takes, or as resources for a GitOps repository."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

import learn2compress
from learn2compress.config import CompressionConfig, KubernetesConfig
from learn2compress.config.kubernetes import IMAGE_PATTERN, LONGEST_IMAGE
from learn2compress.config.parsing import ConfigError, clipped
from pipelines.kubeflow.compile.data_at_start import looking_at_data
from pipelines.kubeflow.compile.graph import TaskGraph, build_graph
from pipelines.kubeflow.compile.platform import platform_spec
from pipelines.kubeflow.compile.pods import pods_of
from pipelines.kubeflow.compile.run_parameters import PipelineArguments
from pipelines.kubeflow.compile.spec import pipeline_spec
from pipelines.kubeflow.contract.mirror_settings import RUN_FIELD, RUN_VARIABLE, mirror_variables
from pipelines.kubeflow.contract.step_contract import REFUSALS_VARIABLE
from pipelines.provenance import Provenance

DEFAULT_IMAGE = f"learn2compress:{learn2compress.__version__}"

# Gone with the pod.
_LOCAL_CHECKPOINTS = "/tmp/learn2compress/checkpoints"  # noqa: S108 - in the step's own container
_API_VERSION = "pipelines.kubeflow.org/v2beta1"


def image_of(config: CompressionConfig, image: str | None) -> str:
    """Returns the image of steps that have none of their own.

    Args:
      config: With the image that it names, if any.
      image: Of the command, which goes first.

    Returns:
      The command's, the configuration's or the default image.

    Raises:
      ConfigError: it is no image's name.
    """
    chosen = image if image is not None else config.kubernetes.image or DEFAULT_IMAGE
    if len(chosen) > LONGEST_IMAGE or not re.fullmatch(IMAGE_PATTERN, chosen):
        raise ConfigError(
            f"--image: found {clipped(chosen)!r}, accepted is an image's name such as registry/name:tag, "
            "or registry/name@sha256: and 64 hexadecimal digits"
        )
    return chosen


def package_text(
    config: CompressionConfig,
    provenance: Provenance,
    image: str,
    *,
    kubernetes_manifest: bool = False,
    looks_at_data: bool = False,
) -> str:
    """Compiles a package into YAML; the same arguments give the same text.

    Args:
      config: What to do.
      provenance: Digests of data, teacher and code.
      image: From `image_of`, best with its digest: the backend's cache knows no more of an image than this text.
      kubernetes_manifest: Write a Pipeline and a PipelineVersion resource instead.
      looks_at_data: Each run takes the fingerprint of the data when it starts, in the place of the one of `provenance`.

    Returns:
      One YAML text of two documents: the package's, or the two resources.

    Raises:
      ConfigError: students' names are too alike for Kubeflow, or settings are for a step that is not there.
    """
    graph = build_graph(PipelineArguments(config, provenance, _checkpoint_root(config.kubernetes)))
    if looks_at_data:
        graph = looking_at_data(graph)
    pods = pods_of(graph, config.kubernetes)
    metadata = config.kubernetes.metadata
    checkpoint_uri = config.kubernetes.checkpoint_uri
    variables = mirror_variables(metadata) | ({REFUSALS_VARIABLE: checkpoint_uri} if checkpoint_uri else {})
    spec = pipeline_spec(graph, image, pods, variables)
    platform = platform_spec(pods, {RUN_VARIABLE: RUN_FIELD} if metadata is not None else {})
    documents = _manifests(graph, spec, platform) if kubernetes_manifest else [spec, platform]
    return yaml.safe_dump_all(documents, sort_keys=True, allow_unicode=True, width=120)


def notes_on(config: CompressionConfig, image: str) -> list[str]:
    """Returns what a person should know who starts this package.

    Args:
      config: What was compiled.
      image: Of the steps.

    Returns:
      One sentence each.
    """
    notes = []
    for field, uri in (
        ("data.uri", config.data.uri),
        ("teacher.uri", config.teacher.uri),
        ("push.uri", config.push.uri),
    ):
        if uri is not None and "://" not in uri:
            notes.append(f"{field} is the path {uri}: in the steps' containers it must lie on a mounted volume")
    if "@sha256:" not in image:
        notes.append(
            "the image is not pinned by digest: Kubeflow's cache can't tell a new image of this name from an old"
        )
    if _checkpoint_root(config.kubernetes) == _LOCAL_CHECKPOINTS:
        notes.append(
            "without kubernetes.checkpoints or checkpoint_uri a retried training begins anew, and no run's data are "
            "compared with those of the run before"
        )
    return notes


def _checkpoint_root(config: KubernetesConfig) -> str:
    if config.checkpoints is not None:
        return config.checkpoints.mount_path
    return config.checkpoint_uri or _LOCAL_CHECKPOINTS


def write_package(text: str, output: Path) -> None:
    """Writes a package to a file.

    Args:
      text: YAML.
      output: The file.

    Raises:
      ConfigError: the file can't be written.
    """
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"--output: {output} can't be written: {error.strerror or error}") from None


def _manifests(graph: TaskGraph, spec: dict[str, Any], platform: dict[str, Any]) -> Sequence[dict[str, Any]]:
    # Versions can't be changed once they are there: other content is another version.
    digest = hashlib.sha256(json.dumps([spec, platform], sort_keys=True).encode()).hexdigest()[:12]
    version = f"{graph.name}-{digest}"
    return (
        {
            "apiVersion": _API_VERSION,
            "kind": "Pipeline",
            "metadata": {"name": graph.name},
            "spec": {"displayName": graph.display_name},
        },
        {
            "apiVersion": _API_VERSION,
            "kind": "PipelineVersion",
            "metadata": {"name": version},
            "spec": {
                "displayName": version,
                "pipelineName": graph.name,
                "pipelineSpec": spec,
                "platformSpec": platform,
            },
        },
    )
