"""What a run needs on the server: an experiment, a pipeline, and a version of it. Each is made when it is missing.

The server keeps their names unique, so that two who make the same one at the
same time end with one.
"""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from learn2compress.config.parsing import ConfigError
from pipelines.kubeflow.client.connection import Connection

if TYPE_CHECKING:
    from kfp_server_api import (
        V2beta1Experiment,
        V2beta1Pipeline,
        V2beta1PipelineVersion,
        V2beta1PipelineVersionReference,
    )

_MAX_EXPERIMENT_LENGTH = 128
_DIGEST_LENGTH = 12


def find_or_create_experiment(name: str, connection: Connection) -> str:
    """Returns the id of an experiment, which is made when it is missing.

    Args:
      name: As people see it, up to 128 characters.
      connection: To the server.

    Raises:
      UnavailableError: no answer came.
      ConfigError: the name is too long, or the server refuses.
    """
    from kfp_server_api import V2beta1Experiment

    if len(name) > _MAX_EXPERIMENT_LENGTH:
        raise ConfigError(f"--experiment: found {len(name)} characters, accepted are up to {_MAX_EXPERIMENT_LENGTH}")
    service = connection.client.experiments

    def find() -> V2beta1Experiment | None:
        listing = service.experiment_service_list_experiments
        return next(connection.list_named(listing, "experiments", name, namespace=connection.namespace), None)

    wanted = V2beta1Experiment(display_name=name, namespace=connection.namespace or None)
    found = find() or connection.create(service.experiment_service_create_experiment, find, experiment=wanted)
    return str(found.experiment_id)


def find_or_upload_version(
    pipeline: str, package: str, description: str, connection: Connection
) -> V2beta1PipelineVersionReference:
    """Returns the version of a pipeline that has this package; what is missing is made.

    The version is named by the package's digest: the same package again, of another run or of a schedule, is the
    same version.

    Args:
      pipeline: Name of the pipeline.
      package: YAML.
      description: Of the version, for people; one that is there keeps its own.
      connection: To the server.

    Raises:
      UnavailableError: no answer came.
      ConfigError: the server refuses.
    """
    from kfp_server_api import V2beta1PipelineVersionReference

    pipeline_id = _find_or_create_pipeline(pipeline, connection)
    name = f"{pipeline}-{hashlib.sha256(package.encode()).hexdigest()[:_DIGEST_LENGTH]}"
    client = connection.client

    def find() -> V2beta1PipelineVersion | None:
        listing = client.pipelines.pipeline_service_list_pipeline_versions
        return next(connection.list_named(listing, "pipeline_versions", name, pipeline_id=pipeline_id), None)

    found = find()
    if found is None:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "package.yaml")
            file.write_text(package, encoding="utf-8")
            found = connection.create(
                client.pipeline_uploads.upload_pipeline_version,
                find,
                uploadfile=str(file),
                name=name,
                pipelineid=pipeline_id,
                description=description,
            )
    return V2beta1PipelineVersionReference(pipeline_id, found.pipeline_version_id)


def _find_or_create_pipeline(name: str, connection: Connection) -> str:
    from kfp_server_api import V2beta1Pipeline

    service = connection.client.pipelines

    def find() -> V2beta1Pipeline | None:
        listing = service.pipeline_service_list_pipelines
        return next(connection.list_named(listing, "pipelines", name, namespace=connection.namespace), None)

    wanted = V2beta1Pipeline(name=name, display_name=name, namespace=connection.namespace or None)
    found = find() or connection.create(service.pipeline_service_create_pipeline, find, pipeline=wanted)
    return str(found.pipeline_id)
