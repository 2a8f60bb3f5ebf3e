"""What the receiver is told, and what it refuses to be told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from learn2compress.config.parsing import ConfigError
from pipelines.git_trigger.policy import PushPolicy
from pipelines.git_trigger.settings import Provider, RetrySettings, load_settings


def test_settings_are_read(settings_of: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "webhook.yaml"
    path.write_text(yaml.safe_dump(settings_of(namespace="team-a", retry={"attempts": 3})))
    settings = load_settings(path)
    assert settings.target.namespace == "team-a"
    found = settings.repository(Provider.GITHUB, "Team/Models")
    assert found is not None
    assert found.url == "https://git.example.com/team/models.git"
    assert settings.repository(Provider.GITHUB, "team/other") is None


def test_allowed_uris_join_those_of_the_policy(settings_of: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "webhook.yaml"
    path.write_text(yaml.safe_dump(settings_of(policy={"uris": ["s3://other/"], "labels": ["queue"]})))
    policy = load_settings(path).push_policy
    assert policy == PushPolicy(uris=("s3://other/", "s3://team/"), labels=("queue",))
    path.write_text(yaml.safe_dump({"repositories": settings_of()["repositories"]}))
    assert load_settings(path).push_policy == PushPolicy()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"repositories": []}, "repositories"),
        ({"secret": "x"}, "secret"),
        ({"allowed_uris": ["team"]}, "allowed_uris"),
        ({"image": "registry/name@sha256:..."}, "image: found"),
        ({"limits": {"in_flight": 0}}, "limits.in_flight"),
        ({"repositories": [{"provider": "github", "name": "a", "url": "https://h/a"}]}, "repositories.0.name"),
        ({"repositories": [{"provider": "svn", "name": "a/b", "url": "https://h/a"}]}, "repositories.0.provider"),
        ({"repositories": [{"provider": "github", "name": "a/b", "url": "file:///a"}]}, "repositories.0"),
        ({"repositories": [{"provider": "github", "name": "a/b", "url": "https://h/a", "files": [":x"]}]}, "files"),
        ({"repositories": [{"provider": "github", "name": "a/b", "url": "https://h/a", "token": "../x"}]}, "token"),
        ({"repositories": [{"provider": "github", "name": "a/b", "url": f"https://h/{n}"} for n in "ab"]}, "each name"),
    ],
)
def test_bad_settings_are_refused(
    settings_of: Callable[..., Any], tmp_path: Path, changes: dict[str, Any], field: str
) -> None:
    path = tmp_path / "webhook.yaml"
    path.write_text(yaml.safe_dump(settings_of() | changes))
    with pytest.raises(ConfigError, match=field):
        load_settings(path)


def test_settings_that_are_no_yaml_are_refused(tmp_path: Path) -> None:
    (tmp_path / "webhook.yaml").write_text("a: [")
    for name, found in (("webhook.yaml", "line 1: not YAML"), ("none.yaml", "accepted is a readable YAML file")):
        with pytest.raises(ConfigError, match=found):
            load_settings(tmp_path / name)


def test_pauses_double_up_to_the_longest() -> None:
    retry = RetrySettings(first_seconds=2.0, longest_seconds=10.0)
    assert [retry.pause_seconds(attempts) for attempts in (1, 2, 3, 4, 1000)] == [2.0, 4.0, 8.0, 10.0, 10.0]
