"""The written configuration: places as the file can name them, quoted names, the schema beside it, a limit."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from learn2compress.config.file import json_schema, load_config, parse_config
from learn2compress.config.parsing import ConfigError
from pipelines.starter.making import make_starter
from pipelines.starter.request import StarterRequest
from pipelines.starter.writing import SCHEMA_FILE, class_names, write_starter, written_uri

WriteImages = Callable[..., Path]


def test_urls_stay_and_odd_names_are_quoted(tmp_path: Path, write_images: WriteImages) -> None:
    folder = write_images(tmp_path / "a: b # c", (8, 8))
    path = tmp_path / "l2c.yaml"
    write_starter(make_starter(StarterRequest(path, data_uri=f"file://{folder}")), path)
    assert load_config(path).data.uri == f"file://{folder}"


def test_editors_find_the_schema_beside_the_file(tmp_path: Path) -> None:
    path = tmp_path / "l2c.yaml"
    write_starter(make_starter(StarterRequest(path)), path)
    first = path.read_text().splitlines()[0]
    assert first == f"# yaml-language-server: $schema={SCHEMA_FILE}"
    assert json.loads((tmp_path / SCHEMA_FILE).read_text()) == json_schema()


def test_the_starter_limits_the_size(tmp_path: Path) -> None:
    config = parse_config(make_starter(StarterRequest(tmp_path / "l2c.yaml")).text)
    assert config.constraints.max_model_bytes is not None
    assert config.constraints.has_limits


def test_a_place_is_relative_to_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert written_uri("photos", Path("my/l2c.yaml"), "--data") == '"../photos"'
    assert written_uri("s3://bucket/photos", Path("my/l2c.yaml"), "--data") == '"s3://bucket/photos"'
    assert written_uri("/photos", Path("my/l2c.yaml"), "--data") == '"/photos"'


def test_classes_are_those_of_the_data_or_numbered() -> None:
    assert class_names(None, ("a", "b"), None) == ("a", "b")
    assert class_names(3, None, None) == ("class_000", "class_001", "class_002")
    with pytest.raises(ConfigError, match="--num-classes: found 3, accepted is 2"):
        class_names(3, ("a", "b"), None)
