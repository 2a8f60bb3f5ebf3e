"""A compiled package, executed step by step as real processes through its own commands, is the local run.

Kubeflow's SDK runs packages on a machine: it plays driver and launcher, and
refuses container components there only because it can't know that their command
exists on the machine. Ours does.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from google.protobuf import json_format
from kfp import components, local
from kfp.local.subprocess_task_handler import SubprocessTaskHandler
from kfp.pipeline_spec import pipeline_spec_pb2

from pipelines.kubeflow.contract.mirror_settings import RUN_VARIABLE

pytestmark = pytest.mark.end_to_end

NAMES = ("large", "medium", "small")
MIRROR = "lineage.sqlite"
RUN = "0e6c5f8a-4d7b-4a55-8a0e-9b7e9ad36f0a"
# What another run measures anew, or keeps elsewhere.
ELSEWHERE = {"latency_ms", "checkpoint_root"}


@pytest.fixture(scope="module")
def compiled(undisturbed: tuple[Any, Any], l2c: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The root of a finished compiled run, and where it pushed to; its configuration is that of the local run.

    It mirrors its lineage to `MIRROR` beside the latter.
    """
    folder = tmp_path_factory.mktemp("compiled")
    package = folder / "package.yaml"
    mirror = {"kubernetes": {"metadata": {"store": str(folder / MIRROR), "required": True}}}
    config = undisturbed[1].config.with_name("mirrored.yaml")
    config.write_text(yaml.safe_dump(yaml.safe_load(undisturbed[1].config.read_text()) | mirror))
    process = l2c("compile", config, "-o", package)
    assert process.returncode == 0, process.stderr
    with pytest.MonkeyPatch.context() as patch:
        # The SDK leaves out variables: a cluster's driver sets them, and the backend labels pods with the run.
        spec = next(yaml.safe_load_all(package.read_text()))
        for variable in spec["deploymentSpec"]["executors"]["exec-ingest"]["container"]["env"]:
            patch.setenv(variable["name"], variable["value"])
        patch.setenv(RUN_VARIABLE, RUN)
        patch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
        patch.setattr(SubprocessTaskHandler, "validate_not_container_component", lambda *_: None)
        patch.setattr(SubprocessTaskHandler, "validate_image", lambda *_: None)
        local.init(runner=local.SubprocessRunner(use_venv=False), pipeline_root=str(folder / "root"))
        pipeline = components.load_component_from_file(str(package))
        pipeline(push_uri=str(folder / "pushed"), checkpoint_root=str(folder / "checkpoints"))
    (root,) = (folder / "root").iterdir()
    return root, folder / "pushed"


def outputs_of(root: Path, task: str) -> dict[str, dict[str, Any]]:
    """Metadata that a step wrote, by output."""
    text = (root / task / "executor_output.json").read_text()
    message = json_format.Parse(text, pipeline_spec_pb2.ExecutorOutput())
    content = json_format.MessageToDict(message)["artifacts"]
    return {name: entry["artifacts"][0]["metadata"] for name, entry in content.items()}


def test_it_pushes_the_same_files_as_a_local_run_of_the_same_seed(
    undisturbed: tuple[Any, Any], compiled: tuple[Path, Path]
) -> None:
    version = compiled[1] / "versions" / "1"
    found = {path.stem: path.read_bytes() for path in sorted(version.glob("*/*.tflite"))}
    assert found == undisturbed[1].files(1)
    assert set(found) == set(NAMES)


def test_what_was_pushed_names_the_same_data_teacher_and_code(
    undisturbed: tuple[Any, Any], compiled: tuple[Path, Path]
) -> None:
    here = json.loads((compiled[1] / "versions" / "1" / "family.json").read_bytes())
    there = json.loads((undisturbed[1].versions / "1" / "family.json").read_bytes())
    assert here["config"]["push"]["uri"] == str(compiled[1])
    # They push to different folders, which the configuration's digest knows.
    assert here["provenance"].pop("config_sha256") != there["provenance"].pop("config_sha256")
    assert here["provenance"] == there["provenance"]


def test_every_variant_has_its_numbers_and_the_push_its_page(compiled: tuple[Path, Path]) -> None:
    root = compiled[0]
    keys = set()
    for name in NAMES:
        outputs = outputs_of(root, f"evaluate-{name}")
        metrics = outputs["evaluation_metrics"]
        assert metrics["accuracy"] == outputs["evaluation"]["accuracy"]
        assert len(outputs["evaluation_confusion"]["confusionMatrix"]["rows"]) == 10
        assert all(isinstance(value, float) for value in metrics.values())
        keys.add(frozenset(metrics))
    assert len(keys) == 1  # the same names: columns of one comparison
    assert "<svg" in (root / "pusher" / "pushed_page").read_text()
    assert all(f"| {name} |" in (root / "pusher" / "pushed_table").read_text() for name in NAMES)
    for task in ("ingest", "joint-distill-trainer", "pusher"):
        named = {name: known for name, known in outputs_of(root, task).items() if not name.endswith("_metrics")}
        assert {metadata["pipeline_name"] for metadata in named.values()} == {"little"}


def test_no_checkpoint_is_left_behind(compiled: tuple[Path, Path]) -> None:
    kept = {path.name for path in (compiled[0].parent.parent / "checkpoints").iterdir()}
    assert kept == {"last_data"}  # what the next run's data are compared with


def past_of(artifact: dict[str, Any]) -> dict[str, Any]:
    """What made an artifact, back to the data, without numbers and places of a store."""
    step = artifact["made_by"]
    return {
        "artifact": (artifact["key"], artifact["kind"]),
        "properties": {name: value for name, value in artifact["properties"].items() if name not in ELSEWHERE},
        "step": step["step"],
        "parameters": {name: value for name, value in step["parameters"].items() if name not in ELSEWHERE},
        "inputs": [past_of(source) for source in step["inputs"]],
    }


@pytest.mark.parametrize("name", NAMES)
def test_the_mirrored_lineage_of_a_pushed_file_is_that_of_a_local_run(
    undisturbed: tuple[Any, Any], compiled: tuple[Path, Path], l2c: Any, name: str
) -> None:
    file = compiled[1] / "versions" / "1" / name / f"{name}.tflite"
    process = l2c("lineage", file, "--store", compiled[1].parent / MIRROR, "--json")
    assert process.returncode == 0, process.stderr
    digest = hashlib.sha256(file.read_bytes()).hexdigest()  # the local run did not push this file, but made its bytes
    here, there = json.loads(process.stdout), undisturbed[1].query("lineage", digest)
    assert past_of(here["model"]) == past_of(there["model"])
    assert sorted(found["kind"] for found in here["later"]) == sorted(found["kind"] for found in there["later"])
    assert here["config"]["push"]["uri"] == str(compiled[1])
    assert here["provenance"].keys() == there["provenance"].keys()
