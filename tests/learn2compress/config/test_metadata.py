"""Where the lineage of a cluster run is mirrored to."""

from __future__ import annotations

from typing import Any

import pytest

from learn2compress.config import MetadataConfig
from learn2compress.config.parsing import ConfigError, parse

PASSWORD = {"secret": "mysql", "key": "password", "variable": "MYSQL_PASSWORD"}


@pytest.mark.parametrize(
    "settings",
    [
        {"store": "mysql://lineage@db/metadata", "password": PASSWORD},
        {"store": "mysql://lineage@db:3307/metadata"},
        {"store": "grpc://metadata.team:8080"},
        {"store": "/lineage/metadata.sqlite"},
    ],
)
def test_each_kind_of_store_is_accepted(settings: dict[str, Any]) -> None:
    config = parse(MetadataConfig, settings)
    assert config.store == settings["store"]
    assert not config.required


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"store": "postgres://db/metadata"}, "store: found 'postgres://db/metadata', accepted are mysql://USER@HOST"),
        ({"store": "mysql://me:hunter2@db/metadata"}, "store: found a password in it, accepted are"),
        ({"store": "metadata.sqlite"}, "store: found the relative path 'metadata.sqlite', accepted is an absolute one"),
        ({"store": "/a.sqlite", "password": PASSWORD}, "password: found one for a sqlite store, accepted is one for"),
        ({"store": "grpc://a:1", "password": PASSWORD}, "password: found one for a grpc store, accepted is one for"),
        ({"store": "/a.sqlite", "timeout_seconds": 0}, "timeout_seconds: found 0"),
    ],
)
def test_what_is_no_store_is_refused_and_no_password_repeated(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(MetadataConfig, settings)
    assert str(caught.value).startswith(message)
    assert "hunter2" not in str(caught.value)
