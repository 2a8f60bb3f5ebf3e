"""Steps are followed while TFX runs them, whatever becomes of them."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any, ClassVar

import absl.logging
import numpy as np
import pytest
from tfx.dsl.components.base import base_executor
from tfx.dsl.components.base.base_component import BaseComponent
from tfx.dsl.components.base.executor_spec import ExecutorClassSpec
from tfx.orchestration import metadata
from tfx.orchestration.pipeline import Pipeline
from tfx.types.component_spec import ChannelParameter, ComponentSpec

from components.artifacts import Student
from components.component_spec import fill_spec
from components.parameters import parameters_of
from learn2compress.config import CompressionConfig, DataConfig, DataFormat, StudentConfig, TeacherConfig
from learn2compress.config.parsing import ConfigError
from pipelines.local_runner import StepEvent, StepState, run_pipeline
from pipelines.pipeline import create_components
from pipelines.provenance import collect_provenance
from pipelines.run_history import list_runs, show_run
from pipelines.run_root import RunRoot


class Making(base_executor.BaseExecutor):
    """Makes a student of this size, which must not be below 0."""

    def Do(
        self, input_dict: dict[str, Any], output_dict: dict[str, list[Any]], exec_properties: dict[str, Any]
    ) -> None:
        if exec_properties["size"] < 0:
            raise RuntimeError("out of luck")
        (Path(output_dict["student"][0].uri) / "size").write_text(str(exec_properties["size"]))


class MakeSpec(ComponentSpec):
    PARAMETERS = parameters_of(size=int)
    INPUTS: ClassVar = {}
    OUTPUTS: ClassVar = {"student": ChannelParameter(type=Student)}


class Make(BaseComponent):
    SPEC_CLASS = MakeSpec
    EXECUTOR_SPEC = ExecutorClassSpec(Making)

    def __init__(self, *, size: int):
        super().__init__(spec=fill_spec(MakeSpec, locals()))


def run(root: RunRoot, **sizes: int) -> list[StepEvent]:
    """Runs a component for each size; gives what was told."""
    events: list[StepEvent] = []
    with root.locked():
        made = [Make(size=size).with_id(name) for name, size in sizes.items()]
        store = metadata.sqlite_metadata_connection_config(str(root.metadata))
        run_pipeline(Pipeline("little", str(root.artifacts), store, made, enable_cache=True), events.append)
    return events


def test_each_step_is_told_when_it_starts_and_ends(tmp_path: Path) -> None:
    assert run(RunRoot(tmp_path), one=1, two=2) == [
        StepEvent("one", StepState.STARTED, 1, 2),
        StepEvent("one", StepState.FINISHED, 1, 2),
        StepEvent("two", StepState.STARTED, 2, 2),
        StepEvent("two", StepState.FINISHED, 2, 2),
    ]


def test_a_cached_step_is_told_as_such_and_stands_in_the_history(tmp_path: Path) -> None:
    root = RunRoot(tmp_path)
    run(root, one=1, two=2)
    events = run(root, one=1, two=3)
    assert [event.state for event in events if event.state != "started"] == [StepState.CACHED, StepState.FINISHED]
    assert [len(found.steps) for found in list_runs(root)] == [2, 2]
    second = show_run(root, 2)
    assert [(step.step, step.state) for step in second.steps] == [("one", "cached"), ("two", "complete")]
    assert second.steps[1].parameters == {"size": 3}
    assert Path(second.steps[0].outputs["student"], "size").read_text() == "1"
    assert second.state == "interrupted"  # it has no Pusher
    with pytest.raises(ConfigError, match="RUN_ID: found 3, accepted are 1, 2"):
        show_run(root, 3)


def test_the_content_of_the_data_decides_whether_they_are_read_again(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (80, 8, 8)).astype(np.uint8)
    data, root = tmp_path / "data.npz", RunRoot(tmp_path / "runs")
    np.savez(data, x=images, y=np.arange(80) % 2)
    (tmp_path / "teacher.keras").write_bytes(b"a teacher")
    config = CompressionConfig(
        name="little",
        teacher=TeacherConfig(str(tmp_path / "teacher.keras")),
        students=(StudentConfig("only", 1),),
        data=DataConfig(format=DataFormat.NPZ, uri=str(data)),
    )

    def ingested() -> StepState:
        events: list[StepEvent] = []
        with root.locked():
            provenance = collect_provenance(config, remembered=root.file_digests)
            ingest, *_ = create_components(config, provenance, str(root.checkpoints))
            store = metadata.sqlite_metadata_connection_config(str(root.metadata))
            run_pipeline(Pipeline("little", str(root.artifacts), store, [ingest], enable_cache=True), events.append)
        return events[-1].state

    assert ingested() is StepState.FINISHED
    data.touch()
    assert ingested() is StepState.CACHED
    status = data.stat()
    np.savez(data, x=255 - images, y=np.arange(80) % 2)
    os.utime(data, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert (data.stat().st_size, data.stat().st_mtime_ns) == (status.st_size, status.st_mtime_ns)
    assert ingested() is StepState.FINISHED


def test_a_failure_is_the_components_own_and_nothing_is_left_listening(tmp_path: Path) -> None:
    handlers, verbosity = list(logging.getLogger("absl").handlers), absl.logging.get_verbosity()
    with pytest.raises(RuntimeError, match="out of luck"):
        run(RunRoot(tmp_path), one=1, two=-1)
    assert list(logging.getLogger("absl").handlers) == handlers
    assert absl.logging.get_verbosity() == verbosity
    assert [step.state for step in show_run(RunRoot(tmp_path), 1).steps] == ["complete", "failed"]
    assert list_runs(RunRoot(tmp_path))[0].state == "failed"
