"""Configurations of the kinds that make different graphs, and the digests of a run that nobody has to compute."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest

from learn2compress.config import (
    AugmentConfig,
    CompressionConfig,
    DataConfig,
    DataFormat,
    PruneConfig,
    PushConfig,
    SearchConfig,
    StudentConfig,
    TeacherConfig,
    TeacherTraining,
    TrainingConfig,
)
from learn2compress.config_file import to_dict
from pipelines.kubeflow.run_parameters import PipelineArguments
from pipelines.provenance import Provenance, code_digests

CHECKPOINTS = "/checkpoints"


def _config(**changes: Any) -> CompressionConfig:
    plain: dict[str, Any] = {
        "name": "pocket_flowers",
        "seed": 7,
        "data": DataConfig(format=DataFormat.IMAGE_FOLDER, uri="s3://data/flowers"),
        "teacher": TeacherConfig("s3://models/flowers.keras"),
        "students": (StudentConfig("large", 3), StudentConfig("small_one", 1)),
        "push": PushConfig(uri="s3://models/pushed"),
    }
    return CompressionConfig(**(plain | changes))


_CONFIGS = {
    "plain": _config(),
    "digits": _config(data=DataConfig()),
    "sensitivity": _config(prune=PruneConfig(sensitivity=True)),
    "search": _config(search=SearchConfig()),
    "joint teacher": _config(teacher=TeacherConfig("t.keras", training=TeacherTraining.JOINT)),
    "augmented": _config(training=TrainingConfig(augment=AugmentConfig(flip=True))),
}


def _arguments(config: CompressionConfig, **digests: str) -> PipelineArguments:
    config_sha256 = hashlib.sha256(json.dumps(to_dict(config), sort_keys=True).encode()).hexdigest()
    plain = {"data_fingerprint": "d", "teacher_sha256": "t", "pretrained_sha256": "", "config_sha256": config_sha256}
    code = {name: f"code of {name}" for name in code_digests()}
    provenance = Provenance(**(plain | digests), code_digests=code, packages={"keras": "3"})
    return PipelineArguments(config, provenance, CHECKPOINTS)


@pytest.fixture(scope="session")
def make_config() -> Callable[..., CompressionConfig]:
    """A configuration with top-level fields replaced."""
    return _config


@pytest.fixture(scope="session")
def make_arguments() -> Callable[..., PipelineArguments]:
    """What a graph of a configuration is built from, with digests replaced."""
    return _arguments


@pytest.fixture(params=list(_CONFIGS))
def config(request: pytest.FixtureRequest) -> CompressionConfig:
    """Each of the configurations that make different graphs."""
    return _CONFIGS[request.param]
