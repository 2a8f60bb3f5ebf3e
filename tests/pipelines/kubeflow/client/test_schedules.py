"""One schedule per name, whatever the server does; over real HTTP, with the SDK's client."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from learn2compress.config import CompressionConfig, DataConfig, DataFormat
from learn2compress.config.parsing import ConfigError
from pipelines.kubeflow.client.connection import Connection, Server, Timeouts, connect
from pipelines.kubeflow.client.schedules import (
    ScheduleRequest,
    check_texts,
    cron_with_seconds,
    list_schedules,
    remove_schedule,
    schedule,
)
from pipelines.kubeflow.compile.package import package_text
from pipelines.kubeflow.compile.run_parameters import PipelineArguments


@pytest.fixture
def connection(kfp_server: Any) -> Connection:
    return connect(Server(kfp_server.url, timeouts=Timeouts(pause_seconds=0.05)))


@pytest.fixture
def nightly(small_package: str) -> ScheduleRequest:
    return ScheduleRequest("pocket_digits", small_package, "0 3 * * *", {"epochs": 3}, catch_up=False)


def test_a_schedule_says_when_and_how(kfp_server: Any, connection: Connection, nightly: ScheduleRequest) -> None:
    made = schedule(dataclasses.replace(nightly, max_concurrency=2, service_account="steps"), connection)
    (stored,) = kfp_server.schedules
    assert stored["trigger"] == {"cron_schedule": {"cron": "0 0 3 * * *"}}
    assert (stored["max_concurrency"], stored["no_catchup"], stored["mode"]) == ("2", True, "ENABLE")
    assert stored["runtime_config"] == {"parameters": {"epochs": 3}}
    assert stored["service_account"] == "steps"
    assert made.is_new
    assert list_schedules(connection) == [dataclasses.replace(made, is_new=False)]
    assert (made.name, made.state, made.catch_up) == ("pocket-digits", "enabled", False)


def test_the_same_schedule_again_is_kept(kfp_server: Any, connection: Connection, nightly: ScheduleRequest) -> None:
    first, again = schedule(nightly, connection), schedule(nightly, connection)
    assert (again.schedule_id, again.is_new) == (first.schedule_id, False)
    assert len(kfp_server.schedules) == 1


@pytest.mark.parametrize(
    "change", [{"cron": "0 4 * * *"}, {"parameters": {}}, {"catch_up": True}, {"max_concurrency": 3}]
)
def test_a_changed_one_replaces_it(
    kfp_server: Any, connection: Connection, nightly: ScheduleRequest, change: dict[str, Any]
) -> None:
    other = schedule(dataclasses.replace(nightly, name="other"), connection)
    first, second = schedule(nightly, connection), schedule(dataclasses.replace(nightly, **change), connection)
    assert second.schedule_id != first.schedule_id
    assert {entry["recurring_run_id"] for entry in kfp_server.schedules} == {second.schedule_id, other.schedule_id}


def test_one_of_somebody_else_is_left_alone(kfp_server: Any, connection: Connection, nightly: ScheduleRequest) -> None:
    first = schedule(nightly, connection)
    theirs = dict(kfp_server.schedules[0], description="made in the UI")
    kfp_server.add("recurringRuns", "recurring_run_id", theirs)
    schedule(dataclasses.replace(nightly, cron="@daily"), connection)
    assert len(kfp_server.schedules) == 2
    assert first.schedule_id not in {entry["recurring_run_id"] for entry in kfp_server.schedules}


def test_a_scheduled_run_looks_at_the_data(
    kfp_server: Any,
    kfp_stand_in: Any,
    connection: Connection,
    make_config: Callable[..., CompressionConfig],
    make_arguments: Callable[..., PipelineArguments],
    tmp_path: Path,
) -> None:
    folder = tmp_path / "flowers" / "rose"
    folder.mkdir(parents=True)
    (folder / "1.png").write_bytes(b"one")
    arguments = make_arguments(make_config(data=DataConfig(format=DataFormat.IMAGE_FOLDER, uri=str(folder.parent))))
    package = package_text(arguments.config, arguments.provenance, "image", looks_at_data=True)
    made = schedule(ScheduleRequest("flowers", package, "@daily"), connection)
    drivers = kfp_stand_in.Drivers(tmp_path)

    def run() -> set[str]:
        started = kfp_server.start_scheduled(made.schedule_id)
        version = kfp_server.one("pipeline_versions", started["pipeline_version_reference"]["pipeline_version_id"])
        specification = version["pipeline_spec"]["pipeline_spec"]
        executed: set[str] = drivers.execute(specification, started["runtime_config"].get("parameters", {}))
        return executed

    assert {"ingest-fingerprint", "ingest", "pusher"} <= run()
    assert run() == {"ingest-fingerprint"}  # same data, from the cache
    (folder / "2.png").write_bytes(b"two")
    assert {"ingest-fingerprint", "ingest", "pusher"} <= run()  # new data, new run


@pytest.mark.parametrize("text", ["data_fingerprint=[[ScheduledTime]]", "push_uri=s3://models/[[CurrentTime.2006]]"])
def test_what_kubeflow_would_leave_as_it_is_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"--parameter: found '.*\[\[.*leave it out"):
        check_texts([text])
    check_texts(["epochs=3", "push_uri=s3://models/[1]"])


@pytest.mark.parametrize("how", ["500", "500 after", "hang after", "reset", "reset after"])
@pytest.mark.parametrize("call", ["POST /recurringruns", "DELETE /recurringruns/.*", "GET /.*"])
def test_one_schedule_remains_whatever_fails(
    kfp_server: Any, connection: Connection, nightly: ScheduleRequest, call: str, how: str
) -> None:
    schedule(nightly, connection)
    kfp_server.fail(call, how, times=2)
    read_seconds = 0.5 if how == "hang after" else 30.0
    another = connect(Server(kfp_server.url, timeouts=Timeouts(read_seconds=read_seconds, pause_seconds=0.05)))
    changed = schedule(dataclasses.replace(nightly, cron="@daily"), another)
    (stored,) = kfp_server.schedules
    assert stored["recurring_run_id"] == changed.schedule_id


def test_a_removed_one_is_gone(kfp_server: Any, connection: Connection, nightly: ScheduleRequest) -> None:
    schedule(nightly, connection)
    kfp_server.fail("DELETE /recurringruns/.*", "500 after")
    assert remove_schedule("pocket_digits", connection) == 1
    assert not kfp_server.schedules
    with pytest.raises(ConfigError, match="--remove: found 'pocket_digits', but the server has no schedule"):
        remove_schedule("pocket_digits", connection)


@pytest.mark.parametrize(
    ("expression", "read"),
    [
        ("0 3 * * *", "0 0 3 * * *"),
        ("30 0 3 * * 1-5", "30 0 3 * * 1-5"),
        ("@daily", "@daily"),
        ("@every 6h", "@every 6h"),
    ],
)
def test_cron_expressions_are_read_as_people_mean_them(expression: str, read: str) -> None:
    assert cron_with_seconds(expression) == read


@pytest.mark.parametrize("expression", ["", "0 3 * *", "0 3 * * * * *", "daily", "0 3 * * $(id)", "@every"])
def test_other_expressions_are_refused(expression: str) -> None:
    with pytest.raises(ConfigError, match="--cron: found"):
        cron_with_seconds(expression)


def test_more_at_once_than_the_server_takes_is_refused(connection: Connection, nightly: ScheduleRequest) -> None:
    with pytest.raises(ConfigError, match="--max-concurrency: found 11"):
        schedule(dataclasses.replace(nightly, max_concurrency=11), connection)
