"""One run for each compression file that a push changed: real repositories, a server that answers as Kubeflow's."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from learn2compress.config.parsing import ConfigError
from pipelines.git_trigger.git_program import TryAgainError
from pipelines.git_trigger.outcome import FileOutcome, FileState
from pipelines.git_trigger.policy import PushPolicy
from pipelines.git_trigger.push import Push
from pipelines.git_trigger.submitter import SubmissionTarget, TriggerRequest, check, trigger
from pipelines.kubeflow.compile.package_steps import steps_of

IMAGE = f"registry/learn2compress@sha256:{'a' * 64}"


@dataclasses.dataclass
class Team:
    """A team's repository, the folder that its configurations may name, and the server that their runs go to."""

    repository: Any
    folder: Path
    server: Any
    config_text: Callable[..., str]

    def text(self, **changes: Any) -> str:
        own = {"teacher": {"uri": f"{self.folder}/teacher.keras"}, "push": {"uri": f"{self.folder}/pushed"}}
        return self.config_text(**(own | changes))

    def request(self, commit: str, since: str | None = None, **target: Any) -> TriggerRequest:
        push = Push(str(self.repository.folder), "refs/heads/main", commit, since)
        plain = {"endpoint": self.server.url, "image": IMAGE, "api_seconds": 60.0}
        return TriggerRequest(push, SubmissionTarget(**(plain | target)), policy=PushPolicy((str(self.folder),)))

    def specifications(self) -> list[Any]:
        versions = self.server.kinds["pipeline_versions"].values()
        return [version["pipeline_spec"].get("pipeline_spec", version["pipeline_spec"]) for version in versions]


@pytest.fixture
def team(repository: Any, tmp_path: Path, kfp_server: Any, config_text: Callable[..., str]) -> Team:
    folder = tmp_path / "team"
    folder.mkdir()
    (folder / "teacher.keras").write_bytes(b"a teacher; its digest is all that compiling takes of it")
    return Team(repository, folder, kfp_server, config_text)


def states(outcomes: tuple[FileOutcome, ...]) -> dict[str, FileState]:
    return {outcome.path: outcome.state for outcome in outcomes}


def parameters_of(specification: Any, task: str) -> dict[str, Any]:
    return next(step.parameters for step in steps_of(specification, {}) if step.task == task)


def test_a_push_starts_one_run_and_the_same_push_the_same_run(team: Team) -> None:
    first = team.repository.commit({"README": "1"})
    commit = team.repository.commit({"vision/l2c.yaml": team.text(), "notes.yaml": "x"})
    (outcome,) = trigger(team.request(commit, first))
    assert outcome.state is FileState.STARTED, outcome
    (run,) = team.server.runs
    assert outcome.run_id == run["run_id"]
    assert run["display_name"] == f"little main@{commit[:8]}"
    assert f"vision/l2c.yaml at {commit[:8]} of main" in run["description"]
    (version,) = team.server.kinds["pipeline_versions"].values()
    assert f"l2c/commit: {commit}" in version["description"]
    for _ in range(3):
        (again,) = trigger(team.request(commit, first))
        assert (again.state, again.run_id) == (FileState.FOUND, run["run_id"])
    assert len(team.server.runs) == 1


def test_the_commit_is_told_to_the_push_and_to_no_other_step(team: Team) -> None:
    text = team.text()
    commit = team.repository.commit({"l2c.yaml": text})
    trigger(team.request(commit))
    other = team.repository.commit({"l2c.yaml": f"{text}# only a comment\n"})
    trigger(team.request(other, commit))
    one, two = team.specifications()
    tasks = one["root"]["dag"]["tasks"]
    assert {name for name in tasks if parameters_of(one, name) != parameters_of(two, name)} == {"pusher"}
    provenance = json.loads(parameters_of(one, "pusher")["provenance"])
    assert provenance["source_commit"] == commit
    assert provenance["source_ref"] == "refs/heads/main"
    assert provenance["source_path"] == "l2c.yaml"
    assert provenance["source_author_time"] == "2026-03-04T03:06:07Z"
    assert len(provenance["source_file_sha256"]) == 64
    for specification in (one, two):  # the cache looks at commands, too
        del specification["deploymentSpec"]["executors"]["exec-pusher"]
    assert one["deploymentSpec"] == two["deploymentSpec"]
    assert len(team.server.runs) == 2


def test_a_bad_file_keeps_no_good_one_back(team: Team) -> None:
    bomb = "a: &a [x]\n" + "".join(f"{name}: &{name} [*a, *a]\n" for name in "bcdefghi")
    commit = team.repository.commit(
        {
            "good.l2c.yaml": team.text(),
            "bomb.l2c.yaml": bomb,
            "large.l2c.yaml": "#" * 10_000_000,
            "binary.l2c.yaml": b"\xff\xfe\x00",
            "up.l2c.yaml": team.text(teacher={"uri": "../../../etc/passwd"}),
            "unknown.l2c.yaml": team.text(prunes={}),
            "$(id).l2c.yaml": team.text(),
        }
    )
    outcomes = trigger(team.request(commit))
    found = states(outcomes)
    assert found.pop("good.l2c.yaml") is FileState.STARTED
    assert set(found.values()) == {FileState.REFUSED}
    assert len(found) == 6
    said = {outcome.path: outcome.detail for outcome in outcomes}
    assert "YAML alias" in said["bomb.l2c.yaml"]
    assert "10000000 bytes" in said["large.l2c.yaml"]
    assert "a relative path means nothing" in said["up.l2c.yaml"]
    assert len(team.server.runs) == 1


def test_refused_files_alone_do_not_even_ask_the_server(team: Team) -> None:
    commit = team.repository.commit({"l2c.yaml": "a: b"})
    assert states(trigger(team.request(commit))) == {"l2c.yaml": FileState.REFUSED}
    assert not team.server.calls


def test_a_check_starts_nothing(team: Team) -> None:
    commit = team.repository.commit({"l2c.yaml": team.text(), "bad.l2c.yaml": "a: b"})
    outcomes = check(team.request(commit))
    assert states(outcomes) == {"l2c.yaml": FileState.ACCEPTED, "bad.l2c.yaml": FileState.REFUSED}
    assert not team.server.calls


def test_an_unreadable_teacher_is_waited_for(team: Team) -> None:
    commit = team.repository.commit({"l2c.yaml": team.text(teacher={"uri": f"{team.folder}/later.keras"})})
    (outcome,) = trigger(team.request(commit))
    assert outcome.state is FileState.WAITING
    assert outcome.detail.startswith("teacher.uri: ")
    (team.folder / "later.keras").write_bytes(b"here it is")
    assert states(trigger(team.request(commit))) == {"l2c.yaml": FileState.STARTED}


def test_a_newer_push_ends_the_unfinished_run_of_the_same_file(team: Team) -> None:
    first = team.repository.commit({"a.l2c.yaml": team.text(), "b.l2c.yaml": team.text(seed=1)})
    trigger(team.request(first, supersede=True))
    second = team.repository.commit({"a.l2c.yaml": team.text(seed=2)})
    trigger(team.request(second, first, supersede=True))
    trigger(team.request(first, supersede=True))  # told late of the old push: the newer run goes on
    assert [run["state"] for run in team.server.runs] == ["CANCELING", "PENDING", "PENDING"]


def test_without_that_option_both_go_on(team: Team) -> None:
    first = team.repository.commit({"l2c.yaml": team.text()})
    trigger(team.request(first))
    trigger(team.request(team.repository.commit({"l2c.yaml": team.text(seed=2)}), first))
    assert [run["state"] for run in team.server.runs] == ["PENDING", "PENDING"]


def test_a_server_that_is_away_is_tried_again(team: Team) -> None:
    commit = team.repository.commit({"l2c.yaml": team.text()})
    team.server.fail("POST /runs", "500 after", 1)
    assert states(trigger(team.request(commit))) == {"l2c.yaml": FileState.STARTED}
    assert len(team.server.runs) == 1
    team.server.fail(".*", "500", 10_000)
    with pytest.raises(TryAgainError):
        trigger(team.request(commit, api_seconds=2.0))
    team.server.mend()
    team.server.token = "another"
    with pytest.raises(TryAgainError):
        trigger(team.request(commit))


def test_settings_that_can_not_be_compiled_are_refused(team: Team) -> None:
    text = team.text(kubernetes={"steps": {"Ingestion": {"cpu_cores": 1.0}}})
    commit = team.repository.commit({"l2c.yaml": text})
    (outcome,) = trigger(team.request(commit))
    assert outcome.state is FileState.REFUSED
    assert "Ingestion" in outcome.detail
    assert not team.server.runs


def test_a_push_as_a_whole_can_be_refused(team: Team) -> None:
    team.repository.commit({"l2c.yaml": team.text()})
    blob = team.repository.git("rev-parse", "HEAD:l2c.yaml")
    with pytest.raises(ConfigError):
        trigger(team.request(blob))
    assert yaml.safe_load(team.text())["name"] == "little"
    assert not team.server.calls
