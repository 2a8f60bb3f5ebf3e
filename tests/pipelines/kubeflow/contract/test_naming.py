"""Names become names of Kubernetes objects."""

from __future__ import annotations

import pytest

from pipelines.kubeflow.contract.naming import kebab_name


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Quantize.small", "quantize-small"),
        ("JointDistillTrainer", "joint-distill-trainer"),
        ("pocket_flowers", "pocket-flowers"),
        ("small_", "small"),
        ("cifar10Six", "cifar10-six"),
        ("a  b--c", "a-b-c"),
    ],
)
def test_a_name_is_words_and_hyphens(name: str, expected: str) -> None:
    assert kebab_name(name) == expected
