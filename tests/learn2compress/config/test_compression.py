"""The parts of a configuration fit one another, or a person is told which do not."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from learn2compress.config import CompressionConfig, PruneConfig, QuantizationRecipe, QuantizeConfig
from learn2compress.config.compression import variant_name
from learn2compress.config.parsing import ConfigError, parse, to_dict

MINIMAL: dict[str, Any] = {"name": "family", "teacher": {"uri": "teacher.keras"}, "students": [{"name": "small"}]}
TEXT = {"kind": "text", "input_shape": [64]}
WORDS = {"kind": "text", "input_shape": [32], "text_features": "hashed_words"}
PRETRAINED = {"uri": "m.h5", "exits": ["a", "b"]}


CHOSEN_BY = {"format": "npz", "uri": "a.npz", "validation_uri": "b.npz"}
OWN = {"name": "own", "network": "teacher"}


def two(**second: Any) -> dict[str, Any]:
    return {"students": [{"name": "a", "stage": 1}, {"name": "b", "stage": 1} | second]}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"students": []}, "students: accepts 1 to 16 students, found 0"),
        ({"students": [{"name": f"s{n}"} for n in range(17)]}, "students: accepts 1 to 16 students, found 17"),
        (two(name="a", stage=2), "students: accepts each name once, found ['a', 'a']"),
        (two(), "students: accepts each stage once, found [(1, 1.0), (1, 1.0)]"),
        ({"students": [{"name": "teacher"}]}, "students: found a student named 'teacher', accepted is any other name"),
        (
            {"students": [{"name": "a", "joins_after_ratio": 0.5}]},
            "students: accepts at least one student with joins_after_ratio 0, found none",
        ),
        ({"students": [{"name": "a", "stage": 9}]}, "students.0.stage: found 9, accepted is 1 to 3"),
        ({"students": [{"name": "a", "width": 0.5}]}, "students.0.width: found 0.5 with sharing 'prefix', accepted is"),
        (
            {"training": {"sharing": "hybrid", "shared_stages": 2}, "students": [{"name": "a", "stage": 2}]},
            "students.0.stage: found 2, accepted is 3 to 3: behind training.shared_stages",
        ),
        (two() | {"training": {"sharing": "width"}}, "students: accepts each stage and width once"),
        (
            {"students": [{"name": "a", "budget": {"max_macs": 9}}], "training": {"pretrained": PRETRAINED}},
            "students.0.budget: found one with a pretrained trunk, accepted is a stage",
        ),
    ],
)
def test_students_that_can_not_be_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(CompressionConfig, MINIMAL | change)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"students": [{"name": "a", "prune": {"sparsity_ratio": 1.5}}]},
            "students.a.prune.sparsity_ratio: found 1.5, accepted",
        ),
        (
            {"students": [{"name": "a", "quantize": {"recpie": "x"}}]},
            "students.a.quantize.recpie: found an unknown key",
        ),
    ],
)
def test_a_students_own_settings_are_checked_with_the_rest(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(CompressionConfig, MINIMAL | change)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"task": TEXT, "evaluate": {"corruptions": ["contrast"]}},
            "evaluate.corruptions: found some for a text task, accepted are those of an image task",
        ),
        (
            {"data": {"repeated_texts": "keep"}},
            "data.repeated_texts: found 'keep' for an image task, accepted is 'remove': an image that recurs is a copy",
        ),
        (
            {"task": TEXT, "training": {"augment": {"flip": True}}},
            "training.augment: found augmentation of a text task, accepted is that of an image task",
        ),
        (
            {"task": TEXT, "training": {"pretrained": PRETRAINED}},
            "training.pretrained: found a pretrained trunk for a text task, accepted is one for an image task",
        ),
        (
            {"task": TEXT, "training": {"architecture": "resnet"}},
            "training.architecture: found 'resnet', which is for image tasks, accepted for a task of kind text are",
        ),
        (
            {"training": {"architecture": "projection"}},
            "training.architecture: found 'projection', which is for text tasks, accepted for a task of kind image are",
        ),
        (
            {"task": WORDS},
            "task.text_features: found 'hashed_words' with training.architecture 'projection', accepted are",
        ),
        (
            {"task": TEXT, "training": {"architecture": "embedding"}},
            "task.text_features: found 'hashed_ngrams' with training.architecture 'embedding', accepted is",
        ),
        (
            {"training": {"augment": {"mixup_alpha": 0.2}}},
            "training.augment: found mixup or cutmix with cached logits, accepted is teacher.signal 'live'",
        ),
        (
            {"training": {"distillation": {"hint_weight": 1.0}}},
            "training.distillation.hint_weight: found hints without one live teacher, accepted is",
        ),
        (
            {"data": CHOSEN_BY, "training": {"validation_ratio": 0.1}},
            "training.validation_ratio: found 0.1 beside data.validation_uri, accepted is none: the examples",
        ),
        (
            {"students": [OWN], "teacher": {"uri": "t.keras", "ensemble": [{"uri": "u.keras"}]}},
            "students.0.network: found 'teacher' with teacher.ensemble, accepted is a single teacher",
        ),
        (
            {"students": [OWN], "training": {"pretrained": PRETRAINED}},
            "training.pretrained: found it beside students of network 'teacher' alone, which no joint training trains",
        ),
        (
            {"students": [OWN], "teacher": {"uri": "t.keras", "training": "joint", "signal": "live"}},
            "teacher.training: found 'joint' beside students of network 'teacher' alone",
        ),
    ],
)
def test_settings_that_do_not_go_together_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(CompressionConfig, MINIMAL | change)
    assert str(caught.value).startswith(message)


def test_settings_that_go_together_are_accepted() -> None:
    live = {"uri": "teacher.keras", "signal": "live"}
    training = {"augment": {"cutmix_alpha": 1.0}, "distillation": {"hint_weight": 1.0}}
    parse(CompressionConfig, MINIMAL | {"teacher": live, "training": training})
    parse(CompressionConfig, MINIMAL | {"task": WORDS, "training": {"architecture": "embedding"}})


def test_the_teachers_network_may_be_several_students_beside_trained_ones() -> None:
    half = {"name": "half", "network": "teacher", "prune": {"method": "channels"}}
    config = parse(CompressionConfig, MINIMAL | {"students": [OWN, {"name": "a", "stage": 3}, half]})
    assert [student.name for student in config.trained_students] == ["a"]
    assert config.shipped_names == ["own", "a", "half"]


def test_a_students_own_settings_go_over_the_common_ones() -> None:
    own = {"students": [{"name": "a", "stage": 1, "prune": {"epochs": 9}}, {"name": "b", "stage": 2}]}
    config = parse(CompressionConfig, MINIMAL | own | {"prune": {"sparsity_ratio": 0.25}})
    first, second = config.students
    assert config.prune_of(first) == PruneConfig(sparsity_ratio=0.25, epochs=9)
    assert config.prune_of(second) is config.prune
    assert config.quantize_of(first) is config.quantize
    own["students"][1]["quantize"] = {"recipe": "float16"}
    config = parse(CompressionConfig, MINIMAL | own)
    assert config.quantize_of(config.students[1]) == QuantizeConfig(recipe=QuantizationRecipe.FLOAT16)


def test_a_search_ships_its_variants_in_place_of_the_students() -> None:
    assert parse(CompressionConfig, MINIMAL).shipped_names == ["small"]
    config = parse(CompressionConfig, MINIMAL | {"search": {"trials": 4, "variants": 2}})
    assert config.shipped_names == ["small_1", "small_2"] == [variant_name("small", rank) for rank in (1, 2)]


def test_where_a_compression_runs_is_not_written_down() -> None:
    elsewhere = {"kubernetes": {"all_steps": {"cpu_cores": 7.0}}, "beam": {"steps": {"Ingest": {"workers": 1}}}}
    assert to_dict(parse(CompressionConfig, MINIMAL | elsewhere)) == to_dict(parse(CompressionConfig, MINIMAL))


def test_configurations_are_frozen() -> None:
    config = parse(CompressionConfig, MINIMAL)
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.seed = 3  # type: ignore[misc]


@pytest.mark.parametrize("training", [{}, {"validation_ratio": 0.0}, {"early_stopping_epochs": 3}])
def test_examples_to_choose_by_need_no_share(training: dict[str, Any]) -> None:
    parse(CompressionConfig, MINIMAL | {"data": CHOSEN_BY, "training": training})
