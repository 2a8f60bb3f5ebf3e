"""Requests that fail are repeated, and what can't be repaired is one line; over real HTTP."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from learn2compress.config.parsing import ConfigError
from pipelines.kubeflow.client.connection import Connection, NotFoundError, Server, Timeouts, UnavailableError, connect
from pipelines.kubeflow.client.submission import SubmissionRequest, submit


@pytest.fixture
def connection(kfp_server: Any) -> Connection:
    return connect(Server(kfp_server.url, timeouts=Timeouts(total_seconds=2.0, pause_seconds=0.05)))


@pytest.fixture
def request_(small_package: str) -> SubmissionRequest:
    return SubmissionRequest("digits", small_package)


def test_what_the_server_refuses_is_one_line(connection: Connection, request_: SubmissionRequest) -> None:
    with pytest.raises(ConfigError, match=r"400: .*not defined in the pipeline") as refused:
        submit(dataclasses.replace(request_, parameters={"no_such": 1}), connection)
    assert "\n" not in str(refused.value)
    assert not isinstance(refused.value, UnavailableError)


def test_a_request_that_fails_now_and_then_is_repeated(kfp_server: Any, connection: Connection) -> None:
    kfp_server.add_run("one")
    kfp_server.fail("GET /runs", "500", times=2)
    found = list(connection.list_all(connection.client.runs.run_service_list_runs, "runs"))
    assert [run.display_name for run in found] == ["one"]
    assert kfp_server.calls["GET /runs"] == 3


def test_a_server_that_goes_on_failing_is_named_with_its_last_answer(kfp_server: Any, connection: Connection) -> None:
    kfp_server.fail("GET /runs", "500", times=1000)
    with pytest.raises(UnavailableError, match=r"no usable answer in 2 s \(500: out of order\)"):
        connection.call(connection.client.runs.run_service_list_runs)


def test_what_is_not_there_is_not_asked_for_again(kfp_server: Any, connection: Connection) -> None:
    with pytest.raises(NotFoundError, match=r"does not have it \(404"):
        connection.call(connection.client.runs.run_service_get_run, run_id="none")
    assert kfp_server.calls["GET /runs/none"] == 1


def test_what_was_created_in_spite_of_the_answer_is_found(kfp_server: Any, connection: Connection) -> None:
    from kfp_server_api import V2beta1Experiment

    def find() -> Any:
        listing = connection.client.experiments.experiment_service_list_experiments
        return next(connection.list_named(listing, "experiments", "mine"), None)

    create = connection.client.experiments.experiment_service_create_experiment
    kfp_server.fail("POST /experiments", "500 after")
    made = connection.create(create, find, experiment=V2beta1Experiment(display_name="mine"))
    again = connection.create(create, find, experiment=V2beta1Experiment(display_name="mine"))  # 409: it is there
    assert again.experiment_id == made.experiment_id
    assert len(kfp_server.kinds["experiments"]) == 1
    with pytest.raises(ConfigError, match="the name is taken"):
        connection.create(create, lambda: None, experiment=V2beta1Experiment(display_name="mine"))


def test_a_server_that_cannot_be_reached_is_one_line(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UnavailableError, match=r"http://127\.0\.0\.1:9: no usable answer") as unreachable:
        connect(Server("http://127.0.0.1:9", timeouts=Timeouts(total_seconds=0.5, pause_seconds=0.05)))
    assert "\n" not in str(unreachable.value)
    assert not "".join(capfd.readouterr())


@pytest.mark.parametrize("field", ["connect_seconds", "read_seconds", "total_seconds", "pause_seconds"])
def test_time_limits_are_over_0(field: str) -> None:
    with pytest.raises(ValueError, match="seconds over 0"):
        Timeouts(**{field: 0.0})
