"""A configuration file is read as it is written, whatever a stranger puts into it."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from learn2compress.config import CompressionConfig, file
from learn2compress.config.file import MAX_FILE_BYTES, json_schema, load_config, parse_config
from learn2compress.config.parsing import ConfigError, parse, to_dict

CONFIGS = sorted((Path(__file__).parents[3] / "pipelines" / "configs").glob("*.yaml"))
MINIMAL: dict[str, Any] = {
    "name": "family",
    "data": {"format": "digits"},
    "teacher": {"uri": "teacher.keras"},
    "students": [{"name": "small"}],
}


def write(path: Path, **fields: Any) -> Path:
    path.write_text(yaml.safe_dump(MINIMAL | fields), encoding="utf-8")
    return path


def test_there_are_shipped_configurations() -> None:
    # Without this a wrong path would leave the next test without a case, and nobody would see it.
    assert "digits.yaml" in {path.name for path in CONFIGS}


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_shipped_configurations_are_accepted(path: Path) -> None:
    config = load_config(path)
    assert parse(CompressionConfig, to_dict(config)) == config


def test_relative_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    config = load_config(
        write(
            tmp_path / "c.yaml",
            teacher={"uri": "teacher.keras", "ensemble": [{"uri": "../other"}]},
            data={
                "format": "npz",
                "uri": "x.npz",
                "held_out_uri": "/data/y.npz",
                "unlabelled_uri": "z/*.npz",
                "link_root": "c",
            },
            training={"pretrained": {"uri": "trunk.keras", "exits": ["a"]}},
            evaluate={"device": {"adb_serial": "phone-1", "benchmark_model": "tools/benchmark_model"}},
            push={"uri": "s3://bucket/models"},
        )
    )
    assert config.teacher.uri == str(tmp_path / "teacher.keras")
    assert config.teacher.ensemble[0].uri == str(tmp_path.parent / "other")
    assert (config.data.uri, config.data.held_out_uri) == (str(tmp_path / "x.npz"), "/data/y.npz")
    assert config.data.unlabelled_uri == str(tmp_path / "z" / "*.npz")
    assert config.data.link_root == str(tmp_path / "c")
    assert config.training.pretrained is not None
    assert config.training.pretrained.uri == str(tmp_path / "trunk.keras")
    assert config.evaluate.device is not None
    assert config.evaluate.device.benchmark_model == str(tmp_path / "tools" / "benchmark_model")
    assert config.push.uri == "s3://bucket/models"


def test_text_is_read_without_a_folder() -> None:
    assert parse_config(yaml.safe_dump(MINIMAL)).teacher.uri == "teacher.keras"


def test_an_error_begins_with_the_file_and_is_one_line(tmp_path: Path) -> None:
    path = write(tmp_path / "c.yaml", training={"epochs": 0})
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert str(caught.value).startswith(f"{path}: training.epochs: found 0")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: &x [1]\nb: *x\n", "line 2: found a YAML alias"),
        ("name: a\nname: b\n", "line 2: found key 'name' twice"),
        ("name: [", "not YAML"),
        ("- a\n", "found list, accepted is a mapping"),
        ("", "found NoneType, accepted is a mapping"),
        ("name: !!python/object/apply:os.system ['true']\n", "line 1: found the YAML tag"),
        ("[" * 3000, "not YAML"),
        ("? [a, b]\n: 1\n", "accepted are plain words as keys"),
        ("name: \x00\n", "not YAML"),
        ("x" * 300_000, f"found 300000 bytes, accepted are {MAX_FILE_BYTES} at most"),
    ],
)
def test_hostile_yaml_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message) as caught:
        load_config(path)
    assert "\n" not in str(caught.value)


def test_missing_file_and_binary_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        load_config(tmp_path / "none.yaml")
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="not UTF-8"):
        load_config(tmp_path / "binary.yaml")


def test_what_has_no_end_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "device.yaml").symlink_to("/dev/zero")
    (tmp_path / "folder.yaml").mkdir()
    for name in ("pipe", "device", "folder"):
        with pytest.raises(ConfigError, match=r"found a folder, device or pipe, accepted is a YAML file$"):
            load_config(tmp_path / f"{name}.yaml")


@pytest.mark.parametrize("data", [None, {}, {"max_bad_ratio": 0.1}])
def test_data_are_never_the_bundled_digits_by_default(tmp_path: Path, data: dict[str, Any] | None) -> None:
    with pytest.raises(ConfigError, match=r"data\.format: found nothing, accepted is .*\{format: image_folder, uri: "):
        load_config(write(tmp_path / "c.yaml", data=data))
    plain = {name: value for name, value in MINIMAL.items() if name != "data"}
    with pytest.raises(ConfigError, match=r"data\.format: found nothing"):
        parse_config(yaml.safe_dump(plain))


def test_a_learning_rate_is_read_as_it_plainly_is() -> None:
    config = parse_config(yaml.safe_dump(MINIMAL) + "training: {learning_rate: 1e-2}\n")
    assert config.training.learning_rate == 0.01


def test_a_folder_whose_name_is_not_utf8_is_told_in_one_line(tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"exp\xff")
    folder.mkdir()
    with pytest.raises(ConfigError, match="not UTF-8 text, accepted are names in UTF-8"):
        load_config(write(folder / "c.yaml"))


@pytest.mark.parametrize("name", ["line\nbreak", "/".join(["d" * 250] * 9)])
def test_a_folder_that_no_path_can_be_made_of_is_told_in_one_line(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir(parents=True)
    with pytest.raises(ConfigError, match="move it to another folder") as caught:
        load_config(write(folder / "c.yaml"))
    assert "Traceback" not in str(caught.value)


def test_two_names_of_one_place_are_told_as_what_they_are(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    (tmp_path / "validation").symlink_to("train")
    data = {"format": "image_folder", "uri": "train", "validation_uri": "validation"}
    path = tmp_path / "c.yaml"
    path.write_text(f"name: a\ndata: {json.dumps(data)}\nteacher: {{uri: t.keras}}\nstudents: [{{name: s}}]\n")
    with pytest.raises(ConfigError, match=r": data\.validation_uri: found .*train, which is uri, too; accepted is"):
        load_config(path)


def test_schema_describes_every_section() -> None:
    schema = json_schema()
    assert set(schema["properties"]) == {field.name for field in dataclasses.fields(CompressionConfig)}
    assert schema["additionalProperties"] is False
    assert "data" in schema["required"]
    assert schema["$defs"]["DataConfig"]["required"] == ["format"]
    json.dumps(schema)


def test_the_stored_schema_is_that_of_the_code() -> None:
    stored = Path(file.__file__).with_name("schema.json").read_text(encoding="utf-8")
    assert json.loads(stored) == json_schema(), "run: l2c schema > learn2compress/config/schema.json"
