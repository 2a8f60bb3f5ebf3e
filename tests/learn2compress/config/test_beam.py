"""Settings of Beam become its options, and what can't be meant is refused before a run."""

from __future__ import annotations

from typing import Any

import pytest

from learn2compress.config import BeamConfig
from learn2compress.config.parsing import ConfigError, parse

POOL = {"job_endpoint": "jobs:8099", "worker_pool": "workers:50000"}
EXTERNAL = ("--job_endpoint=jobs:8099", "--environment_type=EXTERNAL", "--environment_config=workers:50000")


def test_by_default_one_worker_in_the_step_does_it_all() -> None:
    assert BeamConfig().arguments_of("Ingest") == ("--runner=DirectRunner", "--direct_num_workers=1")


@pytest.mark.parametrize(
    ("settings", "arguments"),
    [
        (
            {"workers": 4, "worker_kind": "processes"},
            ("--runner=DirectRunner", "--direct_num_workers=4", "--direct_running_mode=multi_processing"),
        ),
        ({"runner": "portable", **POOL}, ("--runner=PortableRunner", *EXTERNAL)),
        (
            {"runner": "flink", **POOL, "options": ["--parallelism=8"]},
            ("--runner=FlinkRunner", *EXTERNAL, "--parallelism=8"),
        ),
        (
            {"runner": "spark", **POOL, "options": ["--job_name=flowers-1"]},
            ("--runner=SparkRunner", *EXTERNAL, "--job_name=flowers-1"),
        ),
        ({"runner": "dataflow", "options": ["--region=r"]}, ("--runner=DataflowRunner", "--region=r")),
    ],
)
def test_settings_become_options(settings: dict[str, Any], arguments: tuple[str, ...]) -> None:
    assert parse(BeamConfig, {"all_steps": settings}).arguments_of("Evaluate") == arguments


def test_a_step_has_its_own_settings_over_those_of_all() -> None:
    beam = parse(BeamConfig, {"all_steps": {"workers": 4}, "steps": {"Ingest": {"worker_kind": "processes"}}})
    modes = {step: beam.arguments_of(step)[-1] for step in ("Ingest", "TeacherLoad")}
    assert modes == {
        "Ingest": "--direct_running_mode=multi_processing",
        "TeacherLoad": "--direct_running_mode=multi_threading",
    }


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"all_steps": {"runner": "portable"}}, "job_endpoint: found nothing with runner 'portable'"),
        ({"all_steps": {"runner": "portable", "job_endpoint": "jobs:1"}}, "worker_pool: found nothing"),
        ({"all_steps": {"runner": "portable", "job_endpoint": "no port"}}, 'all_steps.job_endpoint: found "no port"'),
        ({"all_steps": {"runner": "dataflow", "worker_pool": "w:1"}}, "worker_pool: found one with runner 'dataflow'"),
        ({"all_steps": {"runner": "flink", "workers": 2}}, "workers: found them with runner 'flink'"),
        (
            {"all_steps": {"options": ["--runner=SparkRunner"]}},
            "accepted are options that no field sets: use the field runner",
        ),
        ({"all_steps": {"runner": "flink"}}, "job_endpoint: found nothing with runner 'flink'"),
        ({"all_steps": {"runner": "spark", "job_endpoint": "j:1"}}, "worker_pool: found nothing with runner 'spark'"),
        (
            {"all_steps": {"options": ["--s3_session_token=hunter2"]}},
            "all_steps: options: found --s3_session_token, accepted in a file are autoscaling_algorithm, ",
        ),
        (
            {"steps": {"Ingest": {"options": ["--parallelism=8;hunter2"]}}},
            "steps.Ingest: options: found another value of --parallelism, accepted is --parallelism= and a whole",
        ),
        ({"all_steps": {"options": ["two words"]}}, 'all_steps.options.0: found "two words"'),
        ({"steps": {"Pusher": {}}}, "steps: found 'Pusher', accepted are Ingest, TeacherLoad, Evaluate"),
        ({"steps": {"Ingest": {"wrkers": 2}}}, "steps.Ingest.wrkers: found an unknown key"),
    ],
)
def test_what_cannot_be_meant_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(BeamConfig, settings)
    assert message in str(caught.value)
    assert "hunter2" not in str(caught.value)
