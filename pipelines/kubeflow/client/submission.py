"""Starts a run on Kubeflow Pipelines once, however often and from wherever it is asked for.

The server has no idempotency keys: creating a run twice gives two. So a run's
identity is a digest that its description carries, and a run of that digest is
looked for before one is created. After a creation whose answer was lost it is
looked for before the creation is tried again.

Two who ask at the same moment may each find none and create one. Therefore
all look again after creating: the oldest stays, and the others are terminated
before they have done more than begin. A submitter that is killed leaves
nothing that another would have to wait for.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from pipelines.kubeflow.client.connection import Connection
from pipelines.kubeflow.client.run_descriptions import (
    MAX_NAME_LENGTH,
    check_labels,
    digest_tag,
    run_description,
    version_description,
)
from pipelines.kubeflow.client.server_resources import find_or_create_experiment, find_or_upload_version
from pipelines.kubeflow.client.submitted_runs import (
    SubmittedRun,
    find_runs,
    terminate_run,
    to_submitted_run,
    unfinished_runs,
)
from pipelines.kubeflow.contract.naming import kebab_name

__all__ = [
    "SubmissionRequest",
    "SubmittedRun",
    "Value",
    "find_submitted",
    "submission_digest",
    "submit",
    "terminate_run",
    "unfinished_runs",
]

Value = str | int | float


@dataclasses.dataclass(frozen=True)
class SubmissionRequest:
    """A run to start.

    Attributes:
      pipeline: The configuration's name.
      package: The compiled package, YAML.
      parameters: Values of run parameters, over the package's defaults.
      experiment: It is made when missing, up to 128 characters; "" for one called as the pipeline.
      run_name: As people see it; "" for the pipeline's name and some of the digest.
      description: Text for people; the run has its beginning, its pipeline version more of it.
      labels: What the run can be found by, by key; up to eight.
      service_account: Of the run's pods; "" for the cluster's default.
      idempotency_key: What makes this run this run; "" for its content, that is
        package, parameters and service account.
    """

    pipeline: str
    package: str
    parameters: Mapping[str, Value] = dataclasses.field(default_factory=dict)
    experiment: str = ""
    run_name: str = ""
    description: str = ""
    labels: Mapping[str, str] = dataclasses.field(default_factory=dict)
    service_account: str = ""
    idempotency_key: str = ""

    @property
    def pipeline_name(self) -> str:
        """The pipeline's name on the server."""
        return kebab_name(self.pipeline)


def submission_digest(request: SubmissionRequest, namespace: str) -> str:
    """Returns the identity of a run: requests with the same one get the same run.

    Args:
      request: The request.
      namespace: Where it runs.

    Returns:
      SHA-256, hexadecimal.
    """
    content = (
        {"key": request.idempotency_key}
        if request.idempotency_key
        else {
            "package": hashlib.sha256(request.package.encode()).hexdigest(),
            "parameters": dict(request.parameters),
            "service_account": request.service_account,
        }
    )
    place = {"namespace": namespace, "experiment": _experiment(request), "pipeline": request.pipeline_name}
    return hashlib.sha256(json.dumps({**place, **content}, sort_keys=True).encode()).hexdigest()


def submit(request: SubmissionRequest, connection: Connection) -> SubmittedRun:
    """Starts the run of a request, or finds it.

    A run that has failed is still the run of its request.

    Args:
      request: The run.
      connection: To the server.

    Returns:
      The run; one that has failed is still the run of its request.

    Raises:
      UnavailableError: the server gave no usable answer; submitting again later is safe.
      ConfigError: the server refuses.
    """
    digest = submission_digest(request, connection.namespace)
    check_labels(request.labels)
    found = find_submitted(digest, connection)
    if found is not None:
        return found
    created = _create(request, digest, connection)
    return _keep_oldest(created, digest, connection)


def find_submitted(digest: str, connection: Connection) -> SubmittedRun | None:
    """Returns the run of an identity; the oldest, should there be several.

    Args:
      digest: Of `submission_digest`.
      connection: To the server.
    """
    runs = find_runs(connection, {digest_tag(digest)})
    return runs[0] if runs else None


def _create(request: SubmissionRequest, digest: str, connection: Connection) -> SubmittedRun:
    from kfp_server_api import V2beta1Run, V2beta1RuntimeConfig

    name = request.run_name or f"{request.pipeline} {digest[:8]}"
    wanted = V2beta1Run(
        display_name=name[:MAX_NAME_LENGTH],
        description=run_description(request.description, digest, request.labels),
        experiment_id=find_or_create_experiment(_experiment(request), connection),
        pipeline_version_reference=find_or_upload_version(
            request.pipeline_name, request.package, version_description(request.description, request.labels), connection
        ),
        runtime_config=V2beta1RuntimeConfig(parameters=dict(request.parameters)),
        service_account=request.service_account or None,
    )

    def create(**arguments: Any) -> SubmittedRun:
        run = connection.client.runs.run_service_create_run(run=wanted, **arguments)
        return to_submitted_run(run, connection, is_new=True)

    def find() -> SubmittedRun | None:
        # It is of a request of ours whose answer was lost.
        run = find_submitted(digest, connection)
        return run and dataclasses.replace(run, is_new=True)

    return connection.create(create, find)


def _keep_oldest(created: SubmittedRun, digest: str, connection: Connection) -> SubmittedRun:
    """Returns the oldest run of a digest, and terminates the others.

    Args:
      created: The run that was created now.
      digest: Of `submission_digest`.
      connection: To the server.
    """
    kept, *others = find_runs(connection, {digest_tag(digest)}) or [created]
    for run in others:
        if not run.is_finished:
            terminate_run(run.run_id, connection)
    return created if kept.run_id == created.run_id else kept


def _experiment(request: SubmissionRequest) -> str:
    return request.experiment or request.pipeline_name
