"""Configurations of the kinds that make different graphs, and the digests of a run that nobody has to compute."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from learn2compress.config import (
    AugmentConfig,
    BudgetConfig,
    CompressionConfig,
    DataConfig,
    DataFormat,
    FamilyConfig,
    PruneConfig,
    PushConfig,
    SearchConfig,
    StudentConfig,
    StudentNetwork,
    TeacherConfig,
    TeacherTraining,
    TrainingConfig,
)
from learn2compress.config.parsing import to_dict
from pipelines.provenance import Provenance, code_digests

if TYPE_CHECKING:
    from pipelines.kubeflow.compile.run_parameters import PipelineArguments

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
    "own network": _config(students=(StudentConfig("own", network=StudentNetwork.TEACHER), StudentConfig("small"))),
    "own network alone": _config(students=(StudentConfig("own", network=StudentNetwork.TEACHER),)),
    "search": _config(search=SearchConfig()),
    "family": _config(
        search=SearchConfig(family=FamilyConfig()),
        students=(StudentConfig("best"), StudentConfig("small", budget=BudgetConfig(max_macs=10_000))),
    ),
    "joint teacher": _config(teacher=TeacherConfig("t.keras", training=TeacherTraining.JOINT)),
    "augmented": _config(training=TrainingConfig(augment=AugmentConfig(flip=True))),
}


def _arguments(config: CompressionConfig, **digests: str) -> PipelineArguments:
    from pipelines.kubeflow.compile.run_parameters import (
        PipelineArguments,  # imports TFX, which not all tests here need
    )

    config_sha256 = hashlib.sha256(json.dumps(to_dict(config), sort_keys=True).encode()).hexdigest()
    plain = {"data_fingerprint": "d", "teacher_sha256": "t", "pretrained_sha256": "", "config_sha256": config_sha256}
    code = {name: f"code of {name}" for name in code_digests(None)}
    provenance = Provenance(**(plain | digests), code_digests=code)
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


_SMALL_PACKAGE = """
pipelineInfo: {name: digits}
schemaVersion: 2.1.0
sdkVersion: kfp-2.16.1
components:
  comp-ingest: {executorLabel: exec-ingest}
  comp-quantize-small: {executorLabel: exec-quantize-small}
  comp-pusher: {executorLabel: exec-pusher}
deploymentSpec:
  executors:
    exec-ingest: {container: {image: steps}}
    exec-quantize-small: {container: {image: steps}}
    exec-pusher: {container: {image: steps}}
root:
  inputDefinitions:
    parameters:
      epochs: {parameterType: NUMBER_INTEGER, defaultValue: 5}
      rate: {parameterType: NUMBER_DOUBLE, defaultValue: 0.5}
      push_uri: {parameterType: STRING, defaultValue: s3://models/pushed}
  dag:
    tasks:
      ingest: {componentRef: {name: comp-ingest}, taskInfo: {name: ingest}}
      quantize-small:
        {componentRef: {name: comp-quantize-small}, taskInfo: {name: quantize-small}, dependentTasks: [ingest]}
      pusher: {componentRef: {name: comp-pusher}, taskInfo: {name: pusher}, dependentTasks: [quantize-small]}
"""


@pytest.fixture
def small_package() -> str:
    """A package that a server takes, with three tasks in a row and three run parameters."""
    return _SMALL_PACKAGE


@pytest.fixture(scope="session")
def push_report() -> Callable[[str, dict[str, str]], None]:
    """Pushes a version that holds the report of one small student, made of what a provenance says."""
    from learn2compress.release.push import push_version
    from learn2compress.results.reports import (
        FAMILY_FILE,
        Accuracy,
        FamilyReport,
        Latency,
        ModelReport,
        Verdict,
        json_bytes,
    )

    accuracy = Accuracy(10, 0.9, 0.8, 1.0, 3, 1.0, (), ())
    latency = Latency(0.5, 0.6, 0.4, 1.0, 0.9, 1.1, 1, "a processor")
    models = [
        ModelReport(name, "0" * 64, size, size, size, size, size, {}, "uint8", "uint8", accuracy, latency, size)
        for name, size in (("teacher", 40_000), ("small", 1234))
    ]

    def push(destination: str, provenance: dict[str, str]) -> None:
        family = FamilyReport(
            name="pocket_digits",
            version=1,
            created="2026-11-22T00:00:00Z",
            labels=("0", "1"),
            config={},
            teacher=models[0],
            students=(models[1],),
            histories={},
            verdicts=(Verdict("small", satisfied=True, selected=True, reasons=(), notes=("a note",)),),
            pareto_bytes=(),
            pareto_latency=(),
            provenance=provenance,
        )
        push_version({FAMILY_FILE: json_bytes(family)}, destination, idempotency_key=json.dumps(provenance))

    return push
