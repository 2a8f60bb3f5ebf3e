"""`l2c runs` and `l2c show` tell a local run from one on a cluster."""

from __future__ import annotations

import pytest

from learn2compress.config.parsing import ConfigError
from pipelines.history_commands import _is_of_cluster


@pytest.mark.parametrize(
    ("run_id", "expected"), [("1", False), ("17", False), ("0e6c5f8a-4d7b-4a55-8a0e-9b7e9ad36f0a", True)]
)
def test_a_number_is_local_and_an_id_is_the_servers(run_id: str, expected: bool) -> None:
    assert _is_of_cluster(run_id) is expected


@pytest.mark.parametrize("run_id", ["latest", "", "-1", "\u0663"])
def test_what_is_neither_is_refused(run_id: str) -> None:
    with pytest.raises(ConfigError, match=r"^RUN_ID: found "):
        _is_of_cluster(run_id)
