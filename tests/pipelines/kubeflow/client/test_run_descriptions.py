"""Descriptions hold what a run is found by, within what the server has room for."""

from __future__ import annotations

import pytest

from learn2compress.config.parsing import ConfigError
from pipelines.kubeflow.client.run_descriptions import (
    check_labels,
    digest_tag,
    label_tags,
    run_description,
    tags_in,
    version_description,
)

DIGEST = "0123456789abcdef" * 4
LABELS = {"ref": "refs/heads/main", "config": "l2c.yaml"}


def test_a_run_is_found_by_its_digest_and_by_each_label() -> None:
    tags = tags_in(run_description("For people.", DIGEST, LABELS))
    assert tags == {digest_tag(DIGEST)} | label_tags(LABELS)
    assert label_tags({"ref": "refs/heads/main"}) < tags
    assert not label_tags({"ref": "refs/heads/other"}) & tags


@pytest.mark.parametrize("text", ["", "short", "d" * 3000])
def test_a_description_fits_into_the_servers_column(text: str) -> None:
    labels = {f"label-{number}": "é" * 300 for number in range(8)}
    description = run_description(text, DIGEST, labels)
    assert len(description) <= 255
    assert tags_in(description) == {digest_tag(DIGEST)} | label_tags(labels)


@pytest.mark.parametrize("description", [None, "", "made in the UI", "l2c: abc\n\nand then some text"])
def test_other_descriptions_have_no_tags(description: str | None) -> None:
    assert tags_in(description) == frozenset()


def test_the_versions_description_has_the_labels_themselves() -> None:
    assert version_description("For people.", LABELS) == (
        "For people.\n\nl2c/config: l2c.yaml\nl2c/ref: refs/heads/main"
    )


@pytest.mark.parametrize(
    "labels", [{"Ref": "a"}, {"ref": "two\nlines"}, {"ref": "a" * 301}, {str(number): "" for number in range(9)}]
)
def test_labels_that_the_server_has_no_room_for_are_refused(
    labels: dict[str, str],
) -> None:
    with pytest.raises(ConfigError, match="labels: found"):
        check_labels(labels)
