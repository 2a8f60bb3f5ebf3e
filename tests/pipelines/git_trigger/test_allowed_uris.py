"""Which URIs a pushed configuration may have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from learn2compress.config.file import parse_config
from learn2compress.config.parsing import ConfigError
from pipelines.git_trigger.allowed_uris import check_uris

DEVICE = {"adb_serial": "phone", "benchmark_model": "benchmark_model"}


def refusal(text: str, *allowed: str) -> str:
    with pytest.raises(ConfigError) as raised:
        check_uris(parse_config(text), allowed)
    return str(raised.value)


def test_what_lies_under_an_allowed_prefix_is_accepted(config_text: Callable[..., str]) -> None:
    check_uris(parse_config(config_text()), ["s3://team/"])
    check_uris(parse_config(config_text()), ["s3://team"])
    check_uris(parse_config(config_text(teacher={"uri": "/mnt/t.keras"})), ["s3://team/", "/mnt/"])


@pytest.mark.parametrize(
    "uri",
    [
        "/etc/passwd", "file:///etc/passwd", "local:///etc", "s3://teamster/x", "s3://other/x", "memory://x",
        "s3://team/../other/x", "s3://team/%2e%2e/other/x", "s3://team/a\\..\\b", "http://169.254.169.254/x",
        "simplecache::s3://team/x", "s3://team/x::file:///etc/passwd", "zip://a::s3://team/x",
    ],
)  # fmt: skip
def test_other_uris_are_refused(config_text: Callable[..., str], uri: str) -> None:
    said = refusal(config_text(teacher={"uri": uri}), "s3://team/")
    assert said.startswith("teacher.uri: found ")
    assert said.endswith("accepted in a pushed configuration is a URI that begins with s3://team/")


@pytest.mark.parametrize("uri", ["teacher.keras", "../../../etc/passwd", "./x"])
def test_a_relative_path_means_nothing(config_text: Callable[..., str], uri: str) -> None:
    assert refusal(config_text(push={"uri": uri}), "s3://team/").endswith(
        "s3://team/: a relative path means nothing on the cluster"
    )


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"data": {"format": "npz", "uri": "/x"}}, "data.uri"),
        ({"data": {"format": "npz", "uri": "s3://team/x", "held_out_uri": "/x"}}, "data.held_out_uri"),
        ({"data": {"format": "npz", "uri": "s3://team/x", "unlabelled_uri": "/x"}}, "data.unlabelled_uri"),
        ({"data": {"format": "npz", "uri": "s3://team/x", "link_root": "/"}}, "data.link_root"),
        ({"teacher": {"uri": "s3://team/t", "ensemble": [{"uri": "/x"}]}}, "teacher.ensemble.0.uri"),
        ({"training": {"pretrained": {"uri": "/x", "exits": ["a", "b"]}}}, "training.pretrained.uri"),
        ({"push": {"uri": "/x"}}, "push.uri"),
        ({"kubernetes": {"checkpoint_uri": "s3://other/x"}}, "kubernetes.checkpoint_uri"),
        ({"evaluate": {"device": DEVICE}}, "evaluate.device"),
    ],
)
def test_every_place_is_looked_at(config_text: Callable[..., str], changes: dict[str, Any], field: str) -> None:
    assert refusal(config_text(**changes), "s3://team/").startswith(f"{field}: found ")


def test_without_a_prefix_nothing_is_allowed(config_text: Callable[..., str]) -> None:
    assert "nothing: neither --allow-uri nor a policy allows a prefix" in refusal(config_text())
