"""What can't succeed is not tried twice; what may, is; and another run is another matter."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar

import pytest
from tfx.dsl.components.base import base_executor

from components.artifacts import Examples
from learn2compress.config.parsing import ConfigError
from learn2compress.data.completeness import RecordsLostError
from pipelines.kubeflow.container.refusals import is_for_good
from pipelines.kubeflow.container.step import main
from pipelines.kubeflow.contract.artifact_types import class_path
from pipelines.kubeflow.contract.step_contract import REFUSALS_VARIABLE, ParameterKind, StepContract
from pipelines.store_connection import StoreUnreachableError

NOT_TRIED = "(refused before in this run, and not tried again"


class Reader(base_executor.BaseExecutor):
    """Counts how often it is asked, and fails."""

    calls: ClassVar[int] = 0
    failure: ClassVar[Exception] = ConfigError("data: found 3 bad records")

    def Do(self, input_dict: Any, output_dict: Any, exec_properties: Any) -> None:
        Reader.calls += 1
        raise self.failure


def attempt(folder: Path, run: str = "one", log: int = 0, *, keeps_checkpoints: bool = True) -> int:
    contract = StepContract(
        pipeline="flowers",
        component="Ingest",
        component_type="components.ingest.component.Ingest",
        executor=class_path(Reader),
        inputs={},
        outputs={"examples": class_path(Examples)},
        parameters={"checkpoint_root": ParameterKind.TEXT} if keeps_checkpoints else {},
        overrides={},
        views={},
    )
    uris = {"examples": f"s3://b/{run}/examples", "executor-logs": f"s3://b/{run}/log-{log}"}
    content = {
        "inputs": {"parameterValues": {"checkpoint_root": str(folder / "checkpoints")} if keeps_checkpoints else {}},
        "outputs": {
            "artifacts": {name: {"artifacts": [{"uri": uri}]} for name, uri in uris.items()},
            "outputFile": str(folder / "out.json"),
        },
    }
    arguments = ["--contract", contract.to_json(), "--executor-input", json.dumps(content)]
    return main([*arguments, "--artifact-root", str(folder)])


@pytest.fixture(autouse=True)
def nobody_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KFP_RETRY_INDEX", raising=False)
    monkeypatch.setattr(Reader, "calls", 0)


def test_input_that_was_refused_is_refused_at_once_with_the_first_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert [attempt(tmp_path, log=number) for number in range(3)] == [2, 2, 2]
    assert Reader.calls == 1
    first, *others = capsys.readouterr().err.splitlines()
    assert first == "step: error: data: found 3 bad records"
    assert all(line.startswith(f"{first} {NOT_TRIED}") for line in others)
    assert attempt(tmp_path, run="two") == 2  # of another run, whose data may have been mended
    assert Reader.calls == 2


def test_a_person_who_lets_the_run_be_retried_has_mended_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for index, calls in (("0", 1), ("1", 1), ("0", 2), ("1", 2)):
        monkeypatch.setenv("KFP_RETRY_INDEX", index)
        assert attempt(tmp_path) == 2
        assert Reader.calls == calls


@pytest.mark.parametrize("place", ["", "refusals"])
def test_a_step_without_checkpoints_has_a_place_where_they_are_behind_a_url(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(REFUSALS_VARIABLE, place and f"file://{tmp_path}/{place}")
    assert [attempt(tmp_path, keeps_checkpoints=False) for _ in range(2)] == [2, 2]
    assert Reader.calls == (1 if place else 2)


@pytest.mark.parametrize("failure", [RuntimeError("out of luck"), RecordsLostError("data: 3 records are lost")])
def test_what_may_succeed_is_tried_again(failure: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Reader, "failure", failure)
    for _ in range(2):
        attempt(tmp_path)
    assert Reader.calls == 2


def test_where_nothing_can_be_kept_the_step_finds_out_itself(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "checkpoints").touch()
    assert [attempt(tmp_path), attempt(tmp_path)] == [2, 2]
    assert Reader.calls == 2
    assert "can't be written" in capsys.readouterr().err


def test_a_store_that_is_away_is_no_refusal_for_good() -> None:
    def told(cause: Exception) -> Exception:
        try:
            try:
                raise cause
            except Exception as error:
                raise ConfigError(f"it is away: {error}") from None
        except ConfigError as error:
            return error

    assert is_for_good(ConfigError("seed: found -1"))
    assert not is_for_good(told(StoreUnreachableError("mirror")))
    assert not is_for_good(told(ConnectionRefusedError()))
