"""Who may start a run: the one who created the pipeline version that is named after it.

The server's database keeps the names of a pipeline's versions unique, which
makes creating one an atomic test-and-set. All others wait for the run. If the
holder of a claim dies before he has started it, the next in line creates the
version of the next number once the lease is over, which the version's
description states; a holder starts nothing when half of it is over. One who
finds a claim of his own, from before he was killed, takes the next number,
too, without waiting for himself.
"""

from __future__ import annotations

import dataclasses
import re
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from learn2compress.config.parsing import ConfigError
from pipelines.kubeflow.client.connection import Connection, UnavailableError

if TYPE_CHECKING:
    from kfp_server_api import V2beta1Pipeline, V2beta1PipelineVersion

T = TypeVar("T")

_LOOK_SECONDS = 1.0
_MOST_CLAIMS = 100
_LEASE = re.compile(r" for ([0-9.]{1,9}) s$")
# A claim so old needs no waiting, whatever our clock and the server's are apart.
_DEAD_AFTER = timedelta(hours=1)


@dataclasses.dataclass(frozen=True)
class Claim:
    """The right to start a run of a pipeline version.

    Attributes:
      pipeline_id: The server's id.
      version_id: The server's id.
      holds_until: Until when, on `time.monotonic`.
    """

    pipeline_id: str
    version_id: str
    holds_until: float

    def check(self) -> None:
        """Asks whether the claim still holds.

        Raises:
          UnavailableError: somebody else may hold it by now.
        """
        if time.monotonic() >= self.holds_until:
            raise UnavailableError("the server took so long that another may start the run by now; submit it again")


def claim(
    connection: Connection,
    *,
    pipeline: str,
    version: str,
    package: str,
    description: str,
    claimant: str,
    find: Callable[[], T | None],
) -> Claim | T:
    """Gets the right to start a run, or the run.

    Args:
      connection: To the server.
      pipeline: Name of the pipeline, which is made when it is missing.
      version: Name of the version that stands for the run.
      package: Its YAML.
      description: Of the version, for people.
      claimant: Who asks; a claim in this name is his.
      find: Looks for the run.

    Returns:
      The claim, or the run that somebody else has started.

    Raises:
      ConfigError: as the connection does, and if claim after claim was left without a run.
    """
    pipeline_id = ensure_pipeline(pipeline, connection)
    ours = f"Claimed by {claimant}"
    lease_seconds = connection.patience.lease_seconds
    description = f"{description}\n\n{ours} for {lease_seconds:g} s".strip()
    for number in range(1, _MOST_CLAIMS + 1):
        asked = time.monotonic()
        name = version if number == 1 else f"{version}-{number}"
        found, is_new = ensure_version(name, pipeline_id, package, description, connection)
        if is_new:
            # Half of the lease is for the request that is on its way when it ends.
            return Claim(pipeline_id, found.pipeline_version_id, asked + lease_seconds / 2)
        # What we sent before we were killed may still be on its way.
        is_ours = str(found.description).rpartition("\n")[2].startswith(f"{ours} for ")
        run = _wait(find, connection.patience.pause_seconds if is_ours else _lease_of(found, lease_seconds))
        if run is not None:
            return run
    raise ConfigError(f"{connection.named}: found {_MOST_CLAIMS} claims of {version} and no run, accepted are fewer")


def _wait(find: Callable[[], T | None], seconds: float) -> T | None:
    deadline = time.monotonic() + seconds
    while True:
        run = find()
        left = deadline - time.monotonic()
        if run is not None or left <= 0:
            return run
        time.sleep(min(_LOOK_SECONDS, left))


def ensure_pipeline(name: str, connection: Connection) -> str:
    """The id of a pipeline, which is made when it is missing."""
    from kfp_server_api import V2beta1Pipeline

    service = connection.client.pipelines

    def find() -> V2beta1Pipeline | None:
        listing = service.pipeline_service_list_pipelines
        return next(connection.called(listing, "pipelines", name, namespace=connection.namespace), None)

    wanted = V2beta1Pipeline(name=name, display_name=name, namespace=connection.namespace or None)
    found = find() or connection.create(service.pipeline_service_create_pipeline, find, pipeline=wanted)
    return str(found.pipeline_id)


def ensure_version(
    name: str, pipeline_id: str, package: str, description: str, connection: Connection
) -> tuple[V2beta1PipelineVersion, bool]:
    """A version of a pipeline, which is uploaded when it is missing.

    Args:
      name: Of the version.
      pipeline_id: The server's id.
      package: YAML.
      description: Of the version.
      connection: To the server.

    Returns:
      The version, and whether it is of this upload.
    """
    client = connection.client

    def find() -> V2beta1PipelineVersion | None:
        listing = client.pipelines.pipeline_service_list_pipeline_versions
        return next(connection.called(listing, "pipeline_versions", name, pipeline_id=pipeline_id), None)

    there = find()
    if there is not None:
        return there, False
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "package.yaml")
        file.write_text(package, encoding="utf-8")
        uploaded = connection.create(
            client.pipeline_uploads.upload_pipeline_version,
            find,
            uploadfile=str(file),
            name=name,
            pipelineid=pipeline_id,
            description=description,
        )
    return uploaded, uploaded.description == description


def _lease_of(version: V2beta1PipelineVersion, otherwise_seconds: float) -> float:
    """How long to wait for the run of somebody's claim."""
    created = version.created_at
    if created is not None and datetime.now(UTC) - created.astimezone(UTC) > _DEAD_AFTER:
        return 0.0
    lease = _LEASE.search(version.description or "")
    return float(lease[1]) if lease else otherwise_seconds
