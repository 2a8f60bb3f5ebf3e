"""What a pushed configuration may name: nothing but what the operator lists, and the refusal names the key."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from learn2compress.config.file import json_schema, parse_config
from learn2compress.config.parsing import ConfigError
from pipelines.git_trigger.outcome import FileState
from pipelines.git_trigger.policy import PushPolicy, check_policy, load_policy
from pipelines.git_trigger.push import Push
from pipelines.git_trigger.submitter import SubmissionTarget, TriggerRequest, check, trigger

PINNED = f"registry/learn2compress@sha256:{'a' * 64}"
OTHER = "registry/other:latest"
SECRET = {"secret": "team-b", "key": "token", "variable": "TOKEN"}
VOLUME = {"claim": "team-b", "mount_path": "/mnt/b"}
STORE = "mysql://l2c@db.team-b/lineage"
POOL = {"runner": "portable", "job_endpoint": "jobs.team-b:8099", "worker_pool": "workers.team-b:50000"}

# Each place that can name something, what it says there, and the policy that lets it.
NAMED: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("kubernetes.image", {"kubernetes": {"image": OTHER}}, {"images": [OTHER]}),
    ("kubernetes.all_steps.image", {"kubernetes": {"all_steps": {"image": OTHER}}}, {"images": [OTHER]}),
    ("kubernetes.steps.Prune.image", {"kubernetes": {"steps": {"Prune": {"image": OTHER}}}}, {"images": [OTHER]}),
    (
        "kubernetes.all_steps.secret_variables.0",
        {"kubernetes": {"all_steps": {"secret_variables": [SECRET]}}},
        {"secrets": [SECRET]},
    ),
    (
        "kubernetes.steps.Pusher.volumes.0",
        {"kubernetes": {"steps": {"Pusher": {"volumes": [VOLUME]}}}},
        {"volumes": [VOLUME]},
    ),
    ("kubernetes.checkpoints", {"kubernetes": {"checkpoints": VOLUME}}, {"volumes": [VOLUME]}),
    ("kubernetes.metadata.store", {"kubernetes": {"metadata": {"store": STORE}}}, {"metadata_stores": [STORE]}),
    (
        "kubernetes.metadata.password",
        {"kubernetes": {"metadata": {"store": STORE, "password": SECRET}}},
        {"metadata_stores": [STORE], "secrets": [SECRET]},
    ),
    ("kubernetes.all_steps.labels", {"kubernetes": {"all_steps": {"labels": {"app": "b"}}}}, {"labels": ["app"]}),
    (
        "kubernetes.steps.Ingest.annotations",
        {"kubernetes": {"steps": {"Ingest": {"annotations": {"iam.example.com/role": "admin"}}}}},
        {"annotations": ["iam.example.com/role"]},
    ),
    (
        "beam.all_steps.job_endpoint",
        {"beam": {"all_steps": POOL}},
        {"beam_services": [POOL["job_endpoint"], POOL["worker_pool"]]},
    ),
    (
        "beam.steps.Ingest.job_endpoint",
        {"beam": {"steps": {"Ingest": POOL}}},
        {"beam_services": [POOL["job_endpoint"], POOL["worker_pool"]]},
    ),
    ("push.uri", {"push": {"uri": "s3://team-b/x"}}, {"uris": ["s3://team-b"]}),
]
NAMES = [f"{index} {field}" for index, (field, _, _) in enumerate(NAMED)]


def policy_of(tmp_path: Path, **changes: Any) -> PushPolicy:
    path = tmp_path / "policy.yaml"
    path.write_text(yaml.safe_dump({"uris": ["s3://team/"]} | changes))
    return load_policy(path)


@pytest.mark.parametrize(("field", "changes", "allowing"), NAMED, ids=NAMES)
def test_a_push_names_only_what_the_policy_lists(
    repository: Any,
    config_text: Callable[..., str],
    tmp_path: Path,
    field: str,
    changes: dict[str, Any],
    allowing: dict[str, Any],
) -> None:
    commit = repository.commit({"l2c.yaml": config_text(**changes)})
    push = Push(str(repository.folder), "refs/heads/main", commit, None)
    target = SubmissionTarget("http://127.0.0.1:9", image=PINNED)
    (refused,) = trigger(TriggerRequest(push, target, policy=policy_of(tmp_path)))
    assert refused.state is FileState.REFUSED
    assert refused.detail.startswith(f"{field}: found "), refused.detail
    assert "accepted in a pushed configuration is " in refused.detail
    uris = [*allowing.get("uris", []), "s3://team/"]
    (accepted,) = check(TriggerRequest(push, target, policy=policy_of(tmp_path, **(allowing | {"uris": uris}))))
    assert accepted.state is FileState.ACCEPTED, accepted


def test_every_part_of_a_secret_and_a_volume_counts(config_text: Callable[..., str], tmp_path: Path) -> None:
    policy = policy_of(tmp_path, secrets=[SECRET], volumes=[VOLUME])
    for changed in ({"key": "other"}, {"variable": "PYTHONPATH"}, {"secret": "team-c"}):
        pod = {"secret_variables": [SECRET | changed]}
        with pytest.raises(ConfigError, match=r"secret_variables\.0: found .*accepted .* secret: team-b, key: token"):
            check_policy(parse_config(config_text(kubernetes={"all_steps": pod})), policy, PINNED)
    pod = {"volumes": [VOLUME | {"mount_path": "/opt"}]}
    with pytest.raises(ConfigError, match=r"volumes\.0: found .*mount_path: /opt"):
        check_policy(parse_config(config_text(kubernetes={"all_steps": pod})), policy, PINNED)


def test_without_a_policy_the_pinned_image_is_all(config_text: Callable[..., str]) -> None:
    bundled = {"data": {"format": "digits"}}
    with pytest.raises(ConfigError, match=r"^teacher\.uri: .*nothing: neither --allow-uri nor a policy"):
        check_policy(parse_config(config_text(**bundled)), PushPolicy(), PINNED)
    uris = PushPolicy(uris=("s3://team/",))
    pinned = config_text(kubernetes={"image": PINNED, "all_steps": {"image": PINNED}})
    check_policy(parse_config(pinned), uris, PINNED)
    with pytest.raises(ConfigError, match=r"^kubernetes\.image: .* is none; 'images' of the operator's policy"):
        check_policy(parse_config(pinned), uris, None)


def test_no_key_of_a_configuration_names_a_service_account() -> None:
    assert "service_account" not in json.dumps(json_schema()).lower().replace("serviceaccount", "service_account")


@pytest.mark.parametrize(
    ("text", "said"),
    [("image: [a]", "policy.yaml: image: found an unknown key"), ("uris: [team]", "uris.0"), ("[", "policy.yaml: ")],
)
def test_a_bad_policy_is_one_line(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "policy.yaml").write_text(text)
    with pytest.raises(ConfigError, match=said) as caught:
        load_policy(tmp_path / "policy.yaml")
    assert "\n" not in str(caught.value)


def test_a_policy_that_is_not_there_allows_nothing(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        load_policy(tmp_path / "none.yaml")
