"""Runs that the server starts by itself, at the times of a cron expression.

A schedule's name is the configuration's. The server would take two of one
name, so scheduling again creates the new one first and then deletes the
others of ours: whatever fails in between, there is a schedule, and doing it
once more ends with one.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from learn2compress.config.parsing import ConfigError
from pipelines.kubeflow.client.connection import Connection, NotFoundError
from pipelines.kubeflow.client.run_descriptions import digest_tag, run_description, tags_in
from pipelines.kubeflow.client.server_resources import find_or_create_experiment, find_or_upload_version
from pipelines.kubeflow.client.submission import Value
from pipelines.kubeflow.contract.naming import kebab_name

if TYPE_CHECKING:
    from kfp_server_api import V2beta1PipelineVersionReference, V2beta1RecurringRun

_CRON_FIELD = re.compile(r"[0-9A-Za-z*/,?-]+")
_MACRO = re.compile(r"\[\[.*\]\]")
_DESCRIPTOR = re.compile(r"@(yearly|annually|monthly|weekly|daily|midnight|hourly|every [0-9hms.]+)")


@dataclasses.dataclass(frozen=True)
class ScheduleRequest:
    """Runs to start again and again.

    Attributes:
      name: The configuration's name, of the pipeline and of the schedule.
      package: The compiled package, YAML.
      cron: Five fields as cron has them, six with seconds first, or "@daily" and the like.
      parameters: Values of run parameters.
      experiment: It is made when missing; "" for one called as the pipeline.
      max_concurrency: Runs at once, 1 to 10.
      catch_up: Whether times that were missed are made up for, all of them.
      service_account: Of the runs' pods; "" for the cluster's default.
    """

    name: str
    package: str
    cron: str
    parameters: Mapping[str, Value] = dataclasses.field(default_factory=dict)
    experiment: str = ""
    max_concurrency: int = 1
    catch_up: bool = True
    service_account: str = ""


@dataclasses.dataclass(frozen=True)
class Schedule:
    """A schedule on the server.

    Attributes:
      schedule_id: The server's id.
      name: As people see it.
      cron: Six fields, with seconds first, or a descriptor; "" for one that is not by cron.
      state: "enabled" or "disabled".
      max_concurrency: Runs at once.
      catch_up: Whether missed times are made up for.
      is_new: Whether it was created now.
    """

    schedule_id: str
    name: str
    cron: str
    state: str
    max_concurrency: int
    catch_up: bool
    is_new: bool = False


def schedule(request: ScheduleRequest, connection: Connection) -> Schedule:
    """Creates a schedule in the place of those of its name; one that is the same already is kept.

    Args:
      request: The schedule.
      connection: To the server.

    Returns:
      The schedule as the server has it.

    Raises:
      ConfigError: as the server refuses, or the cron expression or the concurrency is not accepted.
    """
    cron = cron_with_seconds(request.cron)
    if not 1 <= request.max_concurrency <= 10:
        raise ConfigError(f"--max-concurrency: found {request.max_concurrency}, accepted is 1 to 10")
    name = kebab_name(request.name)
    digest = _digest(request, cron)
    experiment_id = find_or_create_experiment(request.experiment or name, connection)
    version = find_or_upload_version(name, request.package, "For a schedule.", connection)
    same = _with_digest(name, digest, connection)
    kept = same or connection.create(
        connection.client.recurring_runs.recurring_run_service_create_recurring_run,
        lambda: _with_digest(name, digest, connection),
        recurring_run=_recurring_run(request, name, cron, digest, experiment_id, version),
    )
    for other in _named(name, connection):
        is_ours = bool(tags_in(other.description))
        if is_ours and other.recurring_run_id != kept.recurring_run_id:
            _delete(other, connection)
    return _schedule(kept, is_new=same is None)


def list_schedules(connection: Connection) -> list[Schedule]:
    """Returns all schedules, by name."""
    listing = connection.client.recurring_runs.recurring_run_service_list_recurring_runs
    listed = connection.list_all(listing, "recurring_runs", namespace=connection.namespace)
    return [_schedule(found) for found in sorted(listed, key=lambda found: found.display_name)]


def remove_schedule(name: str, connection: Connection) -> int:
    """Removes the schedules of a name; their runs stay.

    Args:
      name: The configuration's name.
      connection: To the server.

    Returns:
      How many there were.

    Raises:
      ConfigError: there is none.
    """
    found = _named(kebab_name(name), connection)
    if not found:
        names = ", ".join(sorted({entry.name for entry in list_schedules(connection)}))
        known = f"accepted are {names}" if names else "but the server has no schedule"
        raise ConfigError(f"--remove: found {name!r}, {known}")
    for entry in found:
        _delete(entry, connection)
    return len(found)


def cron_with_seconds(expression: str) -> str:
    """Returns a cron expression as the server reads it, with a field of seconds before the five.

    It would take five fields, too, and read the first as seconds.

    Raises:
      ConfigError: it has another form.
    """
    fields = expression.split()
    if _DESCRIPTOR.fullmatch(expression.strip()):
        return expression.strip()
    if len(fields) not in (5, 6) or not all(_CRON_FIELD.fullmatch(field) for field in fields):
        raise ConfigError(
            f"--cron: found {expression!r}, accepted are five fields (minute, hour, day, month, weekday), six with"
            " seconds before them, or @hourly, @daily, @weekly, @monthly"
        )
    return " ".join(fields if len(fields) == 6 else ["0", *fields])


def check_texts(parameters: Iterable[str]) -> None:
    """Checks run parameters of a schedule, before they are parsed.

    Args:
      parameters: "name=value" each.

    Raises:
      ConfigError: one has a text that Kubeflow replaces in other schedules. In one of a pipeline version, as ours are,
        it stays as it is (2.17, backend/src/crd/controller/scheduledworkflow/controller.go).
    """
    for text in parameters:
        if _MACRO.search(text):
            raise ConfigError(
                f"--parameter: found {text!r}, accepted are plain values: Kubeflow leaves [[...]] as it is in such a"
                " schedule; leave it out, each run looks at the data by itself"
            )


def _digest(request: ScheduleRequest, cron: str) -> str:
    content = dataclasses.asdict(request) | {"cron": cron}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _recurring_run(
    request: ScheduleRequest,
    name: str,
    cron: str,
    digest: str,
    experiment_id: str,
    version: V2beta1PipelineVersionReference,
) -> V2beta1RecurringRun:
    import kfp_server_api as api

    return api.V2beta1RecurringRun(
        display_name=name,
        description=run_description("", digest, {}),
        experiment_id=experiment_id,
        pipeline_version_reference=version,
        runtime_config=api.V2beta1RuntimeConfig(parameters=dict(request.parameters)),
        trigger=api.V2beta1Trigger(cron_schedule=api.V2beta1CronSchedule(cron=cron)),
        mode=api.RecurringRunMode.ENABLE,
        max_concurrency=str(request.max_concurrency),
        no_catchup=not request.catch_up,
        service_account=request.service_account or None,
    )


def _with_digest(name: str, digest: str, connection: Connection) -> V2beta1RecurringRun | None:
    same = (found for found in _named(name, connection) if digest_tag(digest) in tags_in(found.description))
    return next((found for found in same if found.status != "DISABLED"), None)


def _named(name: str, connection: Connection) -> list[V2beta1RecurringRun]:
    listing = connection.client.recurring_runs.recurring_run_service_list_recurring_runs
    return list(connection.list_named(listing, "recurring_runs", name, namespace=connection.namespace))


def _delete(entry: V2beta1RecurringRun, connection: Connection) -> None:
    service = connection.client.recurring_runs
    try:
        connection.call(service.recurring_run_service_delete_recurring_run, recurring_run_id=entry.recurring_run_id)
    except NotFoundError:
        return


def _schedule(entry: V2beta1RecurringRun, *, is_new: bool = False) -> Schedule:
    by_cron = entry.trigger.cron_schedule if entry.trigger else None
    return Schedule(
        schedule_id=entry.recurring_run_id,
        name=entry.display_name,
        cron=by_cron.cron if by_cron else "",
        state=str(entry.status).lower(),
        max_concurrency=int(entry.max_concurrency or 1),
        catch_up=not entry.no_catchup,
        is_new=is_new,
    )
