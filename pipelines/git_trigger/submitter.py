"""Starts one run for each compression file that a push changed; every front end calls this.

A file's run is identified by repository, branch, commit and path alone. So the same
push gives the same run, whoever tells of it, how often, and with whichever release of
this program. The commit goes into the provenance that the push step is told, and into
no other step: another commit with the same settings takes their results from the cache.
"""

from __future__ import annotations

import dataclasses
import hashlib
from typing import TYPE_CHECKING

from learn2compress.config import CompressionConfig
from learn2compress.config.file import parse_config
from learn2compress.config.parsing import ConfigError
from learn2compress.report.plain_text import on_one_line
from pipelines.git_trigger.changed_files import DEFAULT_FILES, ChangedFile, FetchedPush, fetch_push
from pipelines.git_trigger.git_program import TryAgainError
from pipelines.git_trigger.outcome import FileOutcome, FileState
from pipelines.git_trigger.policy import PushPolicy, check_policy
from pipelines.git_trigger.push import Push
from pipelines.provenance import SourceRevision

if TYPE_CHECKING:
    from pipelines.kubeflow.client.connection import Connection
    from pipelines.kubeflow.client.submission import SubmissionRequest, SubmittedRun

_LONGEST_CONNECT_SECONDS = 5.0
_LONGEST_READ_SECONDS = 30.0


@dataclasses.dataclass(frozen=True)
class SubmissionTarget:
    """Where runs start, and how.

    Attributes:
      endpoint: URL of the API server; `None` for the one that the SDK finds.
      namespace: In multi-user mode.
      experiment: "" for one called as the configuration.
      image: Of the steps; `None` for that of the configuration.
      service_account: Of the run's pods; "" for the cluster's default.
      supersede: Whether an unfinished run of the same file and branch is ended.
      api_seconds: How long to wait for the API server.
    """

    endpoint: str | None = None
    namespace: str | None = None
    experiment: str = ""
    image: str | None = None
    service_account: str = ""
    supersede: bool = False
    api_seconds: float = 60.0


@dataclasses.dataclass(frozen=True)
class TriggerRequest:
    """A push whose runs are to start.

    Attributes:
      push: What was pushed.
      target: Where runs start.
      files: Globs of compression files.
      policy: What a pushed configuration may name.
    """

    push: Push
    target: SubmissionTarget = SubmissionTarget()
    files: tuple[str, ...] = DEFAULT_FILES
    policy: PushPolicy = dataclasses.field(default_factory=PushPolicy)


@dataclasses.dataclass(frozen=True)
class _Checked:
    """A file that is accepted."""

    config: CompressionConfig
    source: SourceRevision


def check(request: TriggerRequest, token: str | None = None) -> tuple[FileOutcome, ...]:
    """Checks what a push would start, and starts nothing; data and teacher are not looked at.

    Args:
      request: The push.
      token: For the Git server.

    Returns:
      What would become of each file that the push changed.

    Raises:
      TryAgainError: the repository can't be fetched now.
      ConfigError: the push is not accepted as a whole.
    """
    return tuple(
        found if isinstance(found, FileOutcome) else _accepted(found) for found in _checked_files(request, token)
    )


def trigger(request: TriggerRequest, token: str | None = None) -> tuple[FileOutcome, ...]:
    """Starts the runs of a push, or finds them.

    Args:
      request: The push.
      token: For the Git server.

    Returns:
      What became of each file that the push changed.

    Raises:
      TryAgainError: the repository or the API server can't be reached, or refuses us; triggering again is safe.
      ConfigError: the push is not accepted as a whole.
    """
    files = _checked_files(request, token)
    if all(isinstance(found, FileOutcome) for found in files):
        return tuple(found for found in files if isinstance(found, FileOutcome))
    from pipelines.kubeflow.client.connection import Server, Timeouts, connect

    seconds = request.target.api_seconds
    timeouts = Timeouts(
        connect_seconds=min(_LONGEST_CONNECT_SECONDS, seconds),
        read_seconds=min(_LONGEST_READ_SECONDS, seconds),
        total_seconds=seconds,
    )
    try:
        connection = connect(Server(request.target.endpoint, request.target.namespace, timeouts))
    except ConfigError as error:  # refused credentials, too: they may be renewed, and the push stays
        raise TryAgainError(str(error)) from None
    return tuple(found if isinstance(found, FileOutcome) else _start(request, found, connection) for found in files)


def _checked_files(request: TriggerRequest, token: str | None) -> list[_Checked | FileOutcome]:
    with fetch_push(request.push, request.files, token) as found:
        return [_checked(request, found, file) for file in found.changed]


def _checked(request: TriggerRequest, found: FetchedPush, file: ChangedFile) -> _Checked | FileOutcome:
    push = request.push
    try:
        content = found.read(file)
        try:
            config = parse_config(content.decode())
        except UnicodeDecodeError:
            raise ConfigError("found bytes that are no UTF-8, accepted is a YAML file") from None
        check_policy(config, request.policy, request.target.image)
    except ConfigError as error:
        return _refused(file.path, error)
    digest = hashlib.sha256(content).hexdigest()
    return _Checked(config, SourceRevision(push.source, push.ref, push.commit, found.author_time, file.path, digest))


def _start(request: TriggerRequest, file: _Checked, connection: Connection) -> FileOutcome:
    from pipelines.kubeflow.client.submission import find_submitted, submission_digest, submit

    wanted = _submission(request, file)
    try:
        # Before the expensive part.
        run = find_submitted(submission_digest(wanted, connection.namespace), connection)
        if run is None:
            package = _package(file, request.target.image)
            run = submit(dataclasses.replace(wanted, package=package), connection)
        if request.target.supersede:
            _supersede(run, file.source, connection)
    except _BadPackageError as error:
        return _refused(file.source.path, error)
    except ConfigError as error:
        # The server, the data or the teacher; neither is a reason to forget the push.
        return FileOutcome(file.source.path, FileState.WAITING, on_one_line(str(error)))
    return FileOutcome(
        file.source.path, FileState.STARTED if run.is_new else FileState.FOUND, run.name, run.run_id, run.url
    )


def _submission(request: TriggerRequest, file: _Checked) -> SubmissionRequest:
    from pipelines.kubeflow.client.submission import SubmissionRequest

    push, source = request.push, file.source
    return SubmissionRequest(
        pipeline=file.config.name,
        package="",
        experiment=request.target.experiment,
        run_name=f"{file.config.name} {push.branch}@{push.commit[:8]}",
        description=(
            f"{source.path} at {push.commit[:8]} of {push.branch}, {source.repository}, written {source.author_time}"
        ),
        labels=_labels(source) | {"commit": source.commit, "file-sha256": source.file_sha256},
        service_account=request.target.service_account,
        idempotency_key=push.run_key(source.path),
    )


def _labels(source: SourceRevision) -> dict[str, str]:
    return {"repository": source.repository, "ref": source.ref, "config": source.path}


class _BadPackageError(ConfigError):
    """The configuration can't be compiled."""


def _package(file: _Checked, image: str | None) -> str:
    from pipelines.provenance import collect_provenance

    provenance = collect_provenance(file.config, file.source)
    from pipelines.kubeflow.compile.package import image_of, package_text

    try:
        return package_text(file.config, provenance, image_of(file.config, image), kubernetes_manifest=False)
    except ConfigError as error:
        raise _BadPackageError(str(error)) from None


def _supersede(run: SubmittedRun, source: SourceRevision, connection: Connection) -> None:
    from pipelines.kubeflow.client.submission import terminate_run, unfinished_runs

    ids = [other.run_id for other in unfinished_runs(connection, _labels(source))]
    # Those before ours alone: told again of an old push, we must not end the run of a newer one.
    for run_id in ids[: ids.index(run.run_id)] if run.run_id in ids else ():
        terminate_run(run_id, connection)


def _accepted(file: _Checked) -> FileOutcome:
    names = ", ".join(file.config.shipped_names)
    return FileOutcome(file.source.path, FileState.ACCEPTED, f"{file.config.name}: {names}")


def _refused(path: str, error: ConfigError) -> FileOutcome:
    return FileOutcome(on_one_line(path)[:300], FileState.REFUSED, on_one_line(str(error)))
