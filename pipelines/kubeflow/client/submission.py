"""Starts a run on Kubeflow Pipelines once, however often and from wherever it is asked for.

The server has no idempotency keys: creating a run twice gives two. So a run's
identity is a digest that its description carries. It is looked for first. Who
does not find it claims it (see `pipelines.kubeflow.client.claims`), and only who
holds the claim creates the run. After a creation whose answer was lost the run
is looked for before it is tried again.

What remains: a creation that the server carries out later than we look, and
one whose sender was halted, with the claim in his hand, for longer than the
lease. Therefore all look again after creating: of several runs the oldest
stays, and the others are terminated.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from learn2compress.config.parsing import ConfigError
from pipelines.kubeflow.client.claims import Claim, claim
from pipelines.kubeflow.client.connection import Connection
from pipelines.kubeflow.client.run_notes import (
    LONGEST_NAME,
    check_labels,
    identity_mark,
    long_description,
    short_description,
)
from pipelines.kubeflow.client.submitted_runs import (
    SubmittedRun,
    runs_with,
    submitted_run,
    terminate_run,
    unfinished_runs,
)
from pipelines.kubeflow.contract.naming import kebab_name

__all__ = [
    "SubmissionRequest",
    "SubmittedRun",
    "Value",
    "ensure_experiment",
    "find_submitted",
    "submission_digest",
    "submit",
    "terminate_run",
    "unfinished_runs",
]

if TYPE_CHECKING:
    from kfp_server_api import V2beta1Experiment

Value = str | int | float

_SHORT = 12
_LONGEST_EXPERIMENT = 128


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
      claimant: The same text for one submitter before and after it was killed, who then needn't
        wait for its own claim; no two may share one at the same time. "" for any other.
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
    claimant: str = ""

    @property
    def pipeline_name(self) -> str:
        """The pipeline's name on the server."""
        return kebab_name(self.pipeline)


def submission_digest(request: SubmissionRequest, namespace: str) -> str:
    """The identity of a run: requests with the same one get the same run.

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

    Raises:
      UnavailableError: the server gave no usable answer; submitting again later is safe.
      ConfigError: the server refuses.
    """
    digest = submission_digest(request, connection.namespace)
    check_labels(request.labels)
    found = find_submitted(digest, connection)
    if found is not None:
        return found
    experiment_id = ensure_experiment(_experiment(request), connection)
    claimed = claim(
        connection,
        pipeline=request.pipeline_name,
        version=f"{request.pipeline_name}-{digest[:_SHORT]}",
        package=request.package,
        description=long_description(request.description, request.labels),
        claimant=request.claimant or uuid.uuid4().hex,
        find=lambda: find_submitted(digest, connection),
    )
    if not isinstance(claimed, Claim):
        return claimed
    created = _create(request, digest, connection, claimed, experiment_id)
    return _only_one(created, digest, connection)


def find_submitted(digest: str, connection: Connection) -> SubmittedRun | None:
    """The run of an identity; the oldest, should there be several."""
    runs = runs_with(connection, {identity_mark(digest)})
    return runs[0] if runs else None


def ensure_experiment(name: str, connection: Connection) -> str:
    """The id of an experiment, which is made when it is missing."""
    import kfp_server_api

    if len(name) > _LONGEST_EXPERIMENT:
        raise ConfigError(f"--experiment: found {len(name)} characters, accepted are up to {_LONGEST_EXPERIMENT}")
    service = connection.client.experiments

    def find() -> V2beta1Experiment | None:
        listing = service.experiment_service_list_experiments
        return next(connection.called(listing, "experiments", name, namespace=connection.namespace), None)

    wanted = kfp_server_api.V2beta1Experiment(display_name=name, namespace=connection.namespace or None)
    found = find() or connection.create(service.experiment_service_create_experiment, find, experiment=wanted)
    return str(found.experiment_id)


def _create(
    request: SubmissionRequest, digest: str, connection: Connection, claimed: Claim, experiment_id: str
) -> SubmittedRun:
    from kfp_server_api import V2beta1PipelineVersionReference, V2beta1Run, V2beta1RuntimeConfig

    name = request.run_name or f"{request.pipeline} {digest[:8]}"
    wanted = V2beta1Run(
        display_name=name[:LONGEST_NAME],
        description=short_description(request.description, digest, request.labels),
        experiment_id=experiment_id,
        pipeline_version_reference=V2beta1PipelineVersionReference(claimed.pipeline_id, claimed.version_id),
        runtime_config=V2beta1RuntimeConfig(parameters=dict(request.parameters)),
        service_account=request.service_account or None,
    )

    def create(**arguments: Any) -> SubmittedRun:
        claimed.check()
        run = connection.client.runs.run_service_create_run(run=wanted, **arguments)
        return submitted_run(run, connection, is_new=True)

    def find() -> SubmittedRun | None:
        # With the claim in our hand, it is of a request of ours whose answer was lost.
        run = find_submitted(digest, connection)
        return run and dataclasses.replace(run, is_new=True)

    return connection.create(create, find)


def _only_one(created: SubmittedRun, digest: str, connection: Connection) -> SubmittedRun:
    """The oldest run of an identity; stops the others."""
    kept, *others = runs_with(connection, {identity_mark(digest)}) or [created]
    for run in others:
        if not run.is_finished:
            terminate_run(run.run_id, connection)
    return created if kept.run_id == created.run_id else kept


def _experiment(request: SubmissionRequest) -> str:
    return request.experiment or request.pipeline_name
