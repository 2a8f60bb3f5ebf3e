"""Before anything is trained it is known which students pruning will leave as they are."""

from __future__ import annotations

import dataclasses

import pytest

from learn2compress.config import (
    BudgetConfig,
    CompressionConfig,
    PruneConfig,
    PruneMethod,
    SearchConfig,
    StageConfig,
    StudentConfig,
    TaskConfig,
    TaskKind,
    TeacherConfig,
    TrainingConfig,
)
from learn2compress.config.parsing import ConfigError
from learn2compress.pruning.preview import unpruned_students
from learn2compress.pruning.sparsity import why_no_zeros
from learn2compress.students.joint import build_joint_network, standalone_student

SMALL = CompressionConfig(
    name="little",
    teacher=TeacherConfig(uri="teacher.keras"),
    students=(StudentConfig("large", 2), StudentConfig("small", 1)),
    training=TrainingConfig(stages=(StageConfig(4), StageConfig(16))),
)


def with_prune(prune: PruneConfig) -> CompressionConfig:
    return dataclasses.replace(SMALL, prune=prune)


def test_a_student_that_only_many_classes_make_large_enough_is_named() -> None:
    assert unpruned_students(SMALL) == (
        "student small will not be pruned with fewer than 32 classes: no kernel has prune.min_layer_weights 256 "
        "weights: the largest, stage1_conv1, has 36",
    )
    for num_classes, is_pruned in ((31, False), (32, True)):
        network = build_joint_network(SMALL.task, num_classes, SMALL.training, SMALL.students)
        assert (why_no_zeros(standalone_student(network, "small"), SMALL.prune) is None) == is_pruned


def test_nothing_is_said_of_students_that_are_pruned_or_need_not_be() -> None:
    assert unpruned_students(with_prune(PruneConfig(min_layer_weights=30))) == ()
    assert unpruned_students(with_prune(PruneConfig(sparsity_ratio=0.0))) == ()
    own = (SMALL.students[0], StudentConfig("small", 1, prune={"sparsity_ratio": 0.0}))
    assert unpruned_students(dataclasses.replace(SMALL, students=own)) == ()


def test_no_number_of_classes_helps_where_kernels_are_far_too_small() -> None:
    found = unpruned_students(with_prune(PruneConfig(min_layer_weights=1_000_000)))
    assert [sentence.partition(":")[0] for sentence in found] == [
        "student large will not be pruned with up to 1000 classes",
        "student small will not be pruned with up to 1000 classes",
    ]


def test_channels_that_no_step_brings_nearer_are_named() -> None:
    channels = PruneConfig(method=PruneMethod.CHANNELS, sparsity_ratio=0.01)
    (small,) = [
        sentence for sentence in unpruned_students(with_prune(channels)) if sentence.startswith("student small")
    ]
    assert "no step of 4 or 8 comes nearer to prune.sparsity_ratio 0.01 of its operations than removing none" in small


def test_a_ratio_for_a_layer_that_no_student_has_is_refused_before_training() -> None:
    with pytest.raises(ConfigError, match=r"prune.layer_sparsity_ratios: found 'stage9_conv1' for student 'large'"):
        unpruned_students(with_prune(PruneConfig(layer_sparsity_ratios={"stage9_conv1": 0.2})))
    # The last layer is large enough with many classes: nobody knows yet.
    own = (StudentConfig("large", 2, prune={"layer_sparsity_ratios": {"large_logits": 0.2}}),)
    (sentence,) = unpruned_students(dataclasses.replace(SMALL, students=own))
    assert sentence.startswith(
        "student large will not be pruned with fewer than 8 classes: prune.layer_sparsity_ratios"
    )


def test_of_a_search_the_strongest_trial_of_each_method_is_looked_at() -> None:
    search = SearchConfig(trials=4, variants=1, method=(PruneMethod.CHANNELS, PruneMethod.MAGNITUDE))
    found = unpruned_students(dataclasses.replace(SMALL, search=search))
    assert [sentence.partition(" classes")[0] for sentence in found] == [
        "student small will not be pruned in tries of prune.method magnitude with fewer than 32"
    ]


def test_a_student_whose_width_is_not_found_yet_is_left_out() -> None:
    config = dataclasses.replace(
        SMALL,
        task=TaskConfig(TaskKind.TEXT, (64,)),
        students=(StudentConfig("only", 1, budget=BudgetConfig(max_macs=5000)),),
    )
    assert unpruned_students(config) == ()
