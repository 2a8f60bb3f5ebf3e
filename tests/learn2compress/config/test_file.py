"""What a person may write in a configuration, and what they are told when it is not accepted."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
import yaml

from learn2compress.config import CompressionConfig, PruneConfig, TrainingConfig
from learn2compress.config.file import json_schema, load_config
from learn2compress.config.parsing import ConfigError, parse, to_dict

CONFIGS = Path(__file__).parents[2] / "pipelines" / "configs"
STUDENT = {"name": "small", "stage": 1}
MINIMAL = {"name": "family", "teacher": {"uri": "teacher.keras"}, "students": [STUDENT]}


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.yaml")), ids=lambda path: path.name)
def test_shipped_configurations_are_accepted(path: Path) -> None:
    config = load_config(path)
    assert parse(CompressionConfig, to_dict(config)) == config


def test_relative_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    config = load_config(write(tmp_path / "c.yaml", yaml.safe_dump(MINIMAL | {"push": {"uri": "s3://bucket/models"}})))
    assert config.teacher.uri == str(tmp_path / "teacher.keras")
    assert config.push.uri == "s3://bucket/models"
    device = {"adb_serial": "phone-1", "benchmark_model": "tools/benchmark_model"}
    config = load_config(write(tmp_path / "c.yaml", yaml.safe_dump(MINIMAL | {"evaluate": {"device": device}})))
    assert config.evaluate.device is not None
    assert config.evaluate.device.benchmark_model == str(tmp_path / "tools" / "benchmark_model")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"studnets": []}, "studnets: found an unknown key, .* did you mean 'students'"),
        ({"training": {"epochs": 0}}, "training.epochs: found 0, accepted: greater than or equal to 1"),
        ({"training": {"epochs": "3"}}, 'training.epochs: found "3", accepted: a valid integer'),
        ({"training": {"stages": [{"chanels": 3}]}}, "chanels: found an unknown key, accepted are channels, blocks"),
        ({"training": {"learning_rate": float("nan")}}, "training.learning_rate: found NaN"),
        ({"students": [{"name": "Big One", "stage": 1}]}, 'students.0.name: found "Big One"'),
        ({"students": [{"name": "a", "stage": 1}, {"name": "a", "stage": 2}]}, "students: accepts each name once"),
        ({"students": [{"name": "a", "stage": 9}]}, "students.0.stage: found 9, accepted is 1 to 3"),
        (
            {"students": [{"name": "a", "stage": 1, "prune": {"sparsity_ratio": 1.5}}]},
            "students.a.prune.sparsity_ratio",
        ),
        (
            {"students": [{"name": "a", "stage": 1, "quantize": {"recpie": "x"}}]},
            "students.a.quantize.recpie: found an",
        ),
        ({"evaluate": {"threads": [1, 1]}}, r"evaluate.threads: accepts each once, found \['1', '1'\]"),
        ({"evaluate": {"threads": [0]}}, "evaluate.threads.0: found 0, accepted: greater than or equal to 1"),
        ({"evaluate": {"corruptions": ["fog"]}}, "evaluate.corruptions.0: found \"fog\", accepted: 'gaussian_noise', "),
        ({"evaluate": {"slice_by": "cat/*.png"}}, "evaluate.slice_by: found 'cat/[*].png', accepted is a pattern with"),
        ({"evaluate": {"device": {"adb_serial": "-e", "benchmark_model": "b"}}}, "evaluate.device.adb_serial: found"),
        (
            {
                "task": {"kind": "text", "input_shape": [64]},
                "evaluate": {"corruptions": ["contrast"]},
                "training": {"family": "projection"},
            },
            "evaluate.corruptions: found some for a text task, accepted are those of an image task",
        ),
        ({"students": []}, "students: accepts 1 to 16 students, found 0"),
        ({"data": {"format": "image_folder"}}, "data: format 'image_folder' accepts a uri"),
        ({"task": {"kind": "image", "input_shape": [8, 8]}}, "task: an image task accepts an input_shape of"),
        (
            {
                "task": {"kind": "text", "input_shape": [64]},
                "training": {"pretrained": {"uri": "m.h5", "exits": ["a"]}},
            },
            "training.pretrained: found a pretrained trunk for a text task, accepted is one for an image task",
        ),
        (
            {"task": {"kind": "text", "input_shape": [33], "text_features": "hashed_words"}},
            r"task: input_shape: found \[33\] with hashed_words, accepted is an even number",
        ),
        (
            {"task": {"kind": "text", "input_shape": [32], "text_features": "hashed_words"}},
            "task.text_features: found 'hashed_words' with family 'projection', accepted are hashed_ngrams",
        ),
        (
            {"task": {"kind": "text", "input_shape": [32]}, "training": {"family": "embedding"}},
            "task.text_features: found 'hashed_ngrams' with family 'embedding', accepted is hashed_words",
        ),
        ({"task": {"kind": "sound"}}, "task.kind: found \"sound\", accepted: 'image' or 'text'"),
        ({"push": {"uri": "s3://key:secret@bucket/x"}}, "push.uri: found credentials in the URI"),
        ({"teacher": None}, "teacher: found null"),
        ({"name": None}, "name: found null"),
    ],
)
def test_bad_values_are_one_line_that_names_the_field(tmp_path: Path, change: dict[str, object], message: str) -> None:
    path = write(tmp_path / "c.yaml", yaml.safe_dump(MINIMAL | change))
    with pytest.raises(ConfigError, match=message) as caught:
        load_config(path)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(str(path))


def test_a_secret_in_a_uri_is_not_repeated(tmp_path: Path) -> None:
    path = write(tmp_path / "c.yaml", yaml.safe_dump(MINIMAL | {"push": {"uri": "s3://key:secret@bucket/x"}}))
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert "key:secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: &x [1]\nb: *x\n", "line 2: found a YAML alias"),
        ("name: a\nname: b\n", "line 2: found key 'name' twice"),
        ("name: [", "not YAML"),
        ("- a\n", "found list, accepted is a mapping"),
        ("", "found NoneType, accepted is a mapping"),
        ("name: !!python/object/apply:os.system ['true']\n", "not YAML"),
        ("[" * 3000, "not YAML"),
        ("? [a, b]\n: 1\n", "accepted are plain words as keys"),
        ("name: \x00\n", "not YAML"),
        ("x" * 300_000, "found 300000 bytes, accepted are 262144 at most"),
    ],
)
def test_hostile_yaml_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_config(write(tmp_path / "c.yaml", text))


def test_missing_file_and_binary_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        load_config(tmp_path / "none.yaml")
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="not UTF-8"):
        load_config(tmp_path / "binary.yaml")


def test_a_students_own_settings_go_over_the_common_ones() -> None:
    own = {"students": [{"name": "a", "stage": 1, "prune": {"epochs": 9}}, {"name": "b", "stage": 2}]}
    config = parse(CompressionConfig, MINIMAL | own | {"prune": {"sparsity_ratio": 0.25}})
    first, second = config.students
    assert config.prune_of(first) == PruneConfig(sparsity_ratio=0.25, epochs=9)
    assert config.prune_of(second) is config.prune


def test_configurations_are_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        TrainingConfig().epochs = 3  # type: ignore[misc]


def test_schema_describes_every_section() -> None:
    schema = json_schema()
    assert set(schema["properties"]) == {field.name for field in dataclasses.fields(CompressionConfig)}
    assert schema["additionalProperties"] is False
    json.dumps(schema)
