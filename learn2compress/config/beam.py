"""Who does the work of the steps that use Apache Beam. It decides where records are read, never what comes of them."""

from __future__ import annotations

import dataclasses
from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from learn2compress.config.beam_options import check_option
from learn2compress.config.fields import STRICT

Address = Annotated[str, Field(pattern=r"^[A-Za-z0-9.-]{1,253}:[0-9]{1,5}$")]
Option = Annotated[str, Field(pattern=r"^--[a-z][a-z0-9_]*(=[^\x00-\x1f]*)?$", max_length=1024)]

BEAM_STEPS = ("Ingest", "TeacherLoad", "Evaluate")


class BeamRunner(StrEnum):
    """What executes a Beam pipeline."""

    DIRECT = "direct"
    PORTABLE = "portable"
    FLINK = "flink"
    SPARK = "spark"
    DATAFLOW = "dataflow"


class WorkerKind(StrEnum):
    """What the workers of the direct runner are."""

    THREADS = "threads"
    PROCESSES = "processes"


_CLASSES = {
    BeamRunner.DIRECT: "DirectRunner",
    BeamRunner.PORTABLE: "PortableRunner",
    BeamRunner.FLINK: "FlinkRunner",
    BeamRunner.SPARK: "SparkRunner",
    BeamRunner.DATAFLOW: "DataflowRunner",
}
_JOB_SERVICE_RUNNERS = (BeamRunner.PORTABLE, BeamRunner.FLINK, BeamRunner.SPARK)
_MODES = {WorkerKind.THREADS: "multi_threading", WorkerKind.PROCESSES: "multi_processing"}


@dataclass(frozen=True, config=STRICT)
class BeamStepConfig:
    """How one step's Beam pipeline runs."""

    runner: BeamRunner = BeamRunner.DIRECT
    """`direct` (in the step itself), `portable` (a job service), `flink`, `spark` or `dataflow`."""
    workers: Annotated[int, Field(ge=1, le=256)] = 1
    """`direct`: workers."""
    worker_kind: WorkerKind = WorkerKind.THREADS
    """`direct`: `threads`, or `processes`, which do not wait for one another in Python code."""
    job_endpoint: Address | None = None
    """`portable`, `flink`, `spark`: HOST:PORT of the job service."""
    worker_pool: Address | None = None
    """`portable`, `flink`, `spark`: HOST:PORT of a pool of workers that have this package installed, and see the same
    files under the same paths."""
    options: tuple[Option, ...] = ()
    """Further pipeline options of Apache Beam, such as `--parallelism=8`: those that name no program, package or
    address. Others are for whoever runs the steps to say, in `L2C_BEAM_OPTIONS`."""

    @model_validator(mode="after")
    def _check(self) -> BeamStepConfig:
        if self.runner is not BeamRunner.DIRECT and (self.workers, self.worker_kind) != (1, WorkerKind.THREADS):
            raise ValueError(f"workers: found them with runner {self.runner.value!r}, accepted are they with 'direct'")
        for name in ("job_endpoint", "worker_pool"):
            if getattr(self, name) is not None and self.runner in (BeamRunner.DIRECT, BeamRunner.DATAFLOW):
                raise ValueError(
                    f"{name}: found one with runner {self.runner.value!r}, accepted is none: it is for portable, "
                    "flink and spark"
                )
            if getattr(self, name) is None and self.runner in _JOB_SERVICE_RUNNERS:
                # Without a job service Beam would fetch one and start it; without a pool, a container of its own.
                raise ValueError(f"{name}: found nothing with runner {self.runner.value!r}, accepted is HOST:PORT")
        for option in self.options:
            try:
                check_option(option)
            except ValueError as error:
                raise ValueError(f"options: {error}") from None
        return self

    @property
    def arguments(self) -> tuple[str, ...]:
        """Pipeline options as Apache Beam takes them."""
        found = [f"--runner={_CLASSES[self.runner]}"]
        if self.runner is BeamRunner.DIRECT:
            found.append(f"--direct_num_workers={self.workers}")
            if self.workers > 1:
                found.append(f"--direct_running_mode={_MODES[self.worker_kind]}")
        if self.job_endpoint is not None:
            found.append(f"--job_endpoint={self.job_endpoint}")
        if self.worker_pool is not None:
            found += ["--environment_type=EXTERNAL", f"--environment_config={self.worker_pool}"]
        return (*found, *self.options)


@dataclass(frozen=True, config=STRICT)
class BeamConfig:
    """How Beam pipelines run, in every step that has one."""

    all_steps: BeamStepConfig = dataclasses.field(default_factory=BeamStepConfig)
    """Settings of every step that uses Beam."""
    steps: dict[str, dict[str, Any]] = dataclasses.field(default_factory=dict)
    """Settings over those, of `Ingest`, `TeacherLoad` or `Evaluate`."""

    @model_validator(mode="after")
    def _check(self) -> BeamConfig:
        for step in self.steps:
            if step not in BEAM_STEPS:
                raise ValueError(f"steps: found {step!r}, accepted are {', '.join(BEAM_STEPS)}")
            self.arguments_of(step)
        return self

    def arguments_of(self, step: str) -> tuple[str, ...]:
        """Returns the pipeline options of one step.

        Args:
          step: Component class, such as "Ingest".
        """
        from learn2compress.config.parsing import parse, to_dict

        own = self.steps.get(step)
        if not own:
            return self.all_steps.arguments
        return parse(BeamStepConfig, to_dict(self.all_steps) | own, f"steps.{step}").arguments
