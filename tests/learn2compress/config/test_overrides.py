"""Settings of a command line stand where the file would have them, and are refused in the same words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from learn2compress.config.file import load_config
from learn2compress.config.overrides import override
from learn2compress.config.parsing import ConfigError

VALUE: dict[str, Any] = {
    "training": {"epochs": 30, "stages": [{"channels": 8}, {"channels": 16}]},
    "data": {"resize": True},
    "prune": None,
    "students": [{"name": "large", "stage": 2}, {"name": "small", "stage": 1}],
}


@pytest.mark.parametrize(
    ("setting", "path", "expected"),
    [
        ("training.epochs=5", ("training", "epochs"), 5),
        ("training.learning_rate=1e-2", ("training", "learning_rate"), 0.01),
        ("name=no", ("name",), "no"),
        ("prune.sparsity_ratio=0.3", ("prune", "sparsity_ratio"), 0.3),
        ("students.small.stage=2", ("students", 1, "stage"), 2),
        ("students.0.stage=1", ("students", 0, "stage"), 1),
        ("training.stages.1={channels: 24, blocks: 2}", ("training", "stages", 1), {"channels": 24, "blocks": 2}),
        ("push.uri=s3://b/a=b", ("push", "uri"), "s3://b/a=b"),
        ("constraints.min_agreement=null", ("constraints", "min_agreement"), None),
    ],
)
def test_a_setting_is_read_as_the_file_is(setting: str, path: tuple[str | int, ...], expected: Any) -> None:
    found: Any = override(VALUE, [setting])
    for key in path:
        found = found[key]
    assert found == expected
    assert VALUE["training"]["epochs"] == 30


def test_the_last_of_two_counts() -> None:
    assert override(VALUE, ["training.epochs=5", "training.epochs=6"])["training"]["epochs"] == 6


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("training.epochs", "--set: found 'training.epochs', accepted is PATH=VALUE"),
        (".epochs=3", "accepted is PATH=VALUE"),
        ("data.resize.aspect=crop", "--set data.resize.aspect: found True at data.resize, accepted is a mapping"),
        ("students.tiny.stage=1", "found 'tiny', accepted is a number below 2, or one of the names large, small"),
        ("training.stages.2.channels=1", "found '2', accepted is a number below 2$"),
        (f"students.{'9' * 5000}.a=1", "is a number below 2, or one of the names large, small"),
        ("seed=!!int 3", "--set seed: line 1: found the YAML tag"),
    ],
)
def test_what_leads_nowhere_is_refused(setting: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        override(VALUE, [setting])


def test_a_configuration_is_checked_with_its_settings(tmp_path: Path) -> None:
    path = tmp_path / "l2c.yaml"
    text = (
        "{name: digits, data: {format: digits}, teacher: {uri: t.keras}, students: [{name: s, stage: 1}], "
        "push: {uri: p}}"
    )
    path.write_text(text)
    config = load_config(path, ["training.epochs=5", "teacher.uri=other.keras"])
    assert config.training.epochs == 5
    assert config.teacher.uri == str(tmp_path / "other.keras")
    for setting in ("training.epohcs=5", "training.epochs=many"):
        written = tmp_path / "written.yaml"
        key, value = setting.removeprefix("training.").split("=")
        written.write_text(f"{text[:-1]}, training: {{{key}: {value}}}}}")
        with pytest.raises(ConfigError) as of_file:
            load_config(written)
        with pytest.raises(ConfigError) as of_setting:
            load_config(path, [setting])
        of_field = str(of_file.value).removeprefix(f"{written}: ")
        assert str(of_setting.value) in (f"--set {of_field}", f"--set: {of_field}")


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (["students.large.stage=99"], "--set students.large.stage: found 99"),
        (["students.0.stage=99"], "--set students.0.stage: found 99"),
        (["seed=1", "training={epochs: 0}"], "--set training.epochs: found 0"),
        (["training.stages=[]"], "--set"),
        (["seed=1", "push=null"], "--set push: found"),
    ],
)
def test_an_error_names_the_setting_as_it_was_typed(tmp_path: Path, settings: list[str], expected: str) -> None:
    path = tmp_path / "l2c.yaml"
    text = (
        "{name: digits, data: {format: digits}, teacher: {uri: t.keras}, students: [{name: large, stage: 1}], "
        "push: {uri: p}}"
    )
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_config(path, settings)
    assert str(caught.value).startswith(expected)
    path.write_text(text.replace("digits}", "nothing}"))
    with pytest.raises(ConfigError, match=f"^{path}: data.format"):
        load_config(path, ["seed=1"])
