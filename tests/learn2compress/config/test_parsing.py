"""Plain values become configuration classes, and what is not accepted is told in one line that names the field."""

from __future__ import annotations

import json
from typing import Any

import pytest

from learn2compress.config import (
    BudgetConfig,
    CompressionConfig,
    PruneConfig,
    PruneMethod,
    StageConfig,
    StudentConfig,
    TrainingConfig,
)
from learn2compress.config.parsing import ConfigError, about, listed, parse, to_dict

MINIMAL: dict[str, Any] = {"name": "family", "teacher": {"uri": "teacher.keras"}, "students": [{"name": "small"}]}


def told(cls: type, value: Any, field: str = "") -> str:
    with pytest.raises(ConfigError) as caught:
        parse(cls, value, field)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_words_become_enums_and_lists_tuples() -> None:
    config = parse(PruneConfig, {"method": "block", "block_shape": [2, 3]})
    assert config == PruneConfig(method=PruneMethod.BLOCK, block_shape=(2, 3))


def test_plain_values_and_back_are_the_same_configuration() -> None:
    student = StudentConfig("a", stage=2, budget=BudgetConfig(max_macs=7), prune={"epochs": 3})
    plain = to_dict(student)
    assert json.loads(json.dumps(plain)) == plain
    assert parse(StudentConfig, plain) == student
    assert to_dict(TrainingConfig(stages=(StageConfig(8),)))["stages"] == [{"channels": 8, "blocks": 1, "halve": True}]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"training": {"epochs": 0}}, "training.epochs: found 0, accepted: greater than or equal to 1"),
        ({"training": {"epochs": "3"}}, 'training.epochs: found "3", accepted: a valid integer'),
        ({"training": {"learning_rate": float("nan")}}, "training.learning_rate: found NaN"),
        ({"students": [{"name": "Big One"}]}, 'students.0.name: found "Big One"'),
        ({"task": {"kind": "sound"}}, "task.kind: found \"sound\", accepted: 'image' or 'text'"),
        ({"teacher": None}, "teacher: found null"),
        ({"teacher": {}}, "teacher.uri: found nothing, accepted is a value: this field is required"),
        ({"data": {"format": "image_folder"}}, "data: format 'image_folder' accepts a uri"),
    ],
)
def test_a_bad_value_is_told_with_its_field_and_what_is_accepted(change: dict[str, Any], message: str) -> None:
    assert told(CompressionConfig, MINIMAL | change).startswith(message)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"studnets": []}, "studnets: found an unknown key, accepted are name, teacher, students"),
        ({"training": {"stages": [{"chanels": 3}]}}, "training.stages.0.chanels: found an unknown key, accepted are"),
        ({"training": {"pretrained": {"url": "x"}}}, "training.pretrained.url: found an unknown key, accepted are uri"),
    ],
)
def test_an_unknown_key_is_told_before_what_is_missing_for_it(change: dict[str, Any], message: str) -> None:
    assert told(CompressionConfig, MINIMAL | change).startswith(message)


def test_a_key_that_is_nearly_right_is_told_with_the_right_one() -> None:
    assert told(CompressionConfig, MINIMAL | {"studnets": []}).endswith("; did you mean 'students'?")
    message = told(CompressionConfig, MINIMAL | {"training": {"stages": [{"chanels": 3}]}})
    assert "accepted are channels, blocks, halve; did you mean 'channels'? (and 1 more: " in message


def test_everything_wrong_is_told_at_once() -> None:
    message = told(StageConfig, {"channels": 0, "blocks": 65}, "training.stages.1")
    assert message.startswith("training.stages.1.channels: found 0, accepted: ")
    assert "(and 1 more: training.stages.1.blocks: found 65, accepted: " in message


def test_a_long_value_is_cut() -> None:
    message = told(TrainingConfig, {"epochs": "9" * 500})
    assert f'found "{"9" * 56}..., accepted' in message


def test_the_field_is_named_in_errors_of_a_block() -> None:
    with pytest.raises(ConfigError, match=r"^teacher: uri: found it$"), about("teacher"), about("uri"):
        raise ConfigError("found it")


def test_the_kind_of_an_error_stays_and_other_errors_pass() -> None:
    class Unsafe(ConfigError):
        """As teachers have one."""

    with pytest.raises(Unsafe, match=r"^teacher: a$"), about("teacher"):
        raise Unsafe("a")
    with pytest.raises(KeyError, match=r"^'a'$"), about("teacher"):
        raise KeyError("a")


def test_a_thousand_unknown_keys_are_one_readable_line() -> None:
    message = told(CompressionConfig, MINIMAL | {f"key_{index:04}": 1 for index in range(5000)})
    assert message.startswith("key_0000: found an unknown key, accepted are name, ")
    assert "(and 4,999 more: key_0001: " in message
    assert message.endswith("; ...)")
    assert len(message) < 4000


def test_long_keys_and_long_lists_are_cut() -> None:
    assert len(told(CompressionConfig, MINIMAL | {"k" * 100_000: 1})) < 1000
    students = [{"name": "small", "stage": 1}] * 3000
    assert len(told(CompressionConfig, MINIMAL | {"students": students})) < 1000
    exits = {"uri": "t.keras", "exits": ["layer"] * 30_000}
    message = told(TrainingConfig, {"pretrained": exits})
    assert len(message) < 1000
    assert message.endswith("accepted are 1 to 32 different names of layers")


def test_text_that_is_not_utf8_is_told_in_one_line() -> None:
    assert told(StudentConfig, {"name": "a\udcff"}, "students.0").startswith("students.0: found text that is not UTF-8")


def test_names_are_listed_up_to_a_number() -> None:
    assert listed(["a", "b"]) == "a, b"
    assert listed([str(number) for number in range(5000)], most=3) == "0, 1, 2 and 4,997 more"


def test_percent_and_words_for_true_are_told_what_to_write() -> None:
    assert told(PruneConfig, {"sparsity_ratio": 50}).endswith("; it is a ratio, not percent: write 0.5 for 50%")
    assert told(PruneConfig, {"sensitivity": "yes"}).endswith("; write true")
    assert "percent" not in told(TrainingConfig, {"learning_rate": 3})
    assert "percent" not in told(TrainingConfig, {"validation_ratio": 0.6})
