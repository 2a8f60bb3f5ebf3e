"""The Beam pipeline that the configuration asks for."""

from __future__ import annotations

import pytest
from apache_beam.options.pipeline_options import SetupOptions

from components.beam_runner import make_pipeline
from learn2compress.config.parsing import ConfigError


@pytest.mark.parametrize(
    "options",
    [
        ("--runner=NoSuchRunner",),
        ("--direct_num_workers=two",),
        ("--direct_num_wokers=2",),
        ("--runner=DataflowRunner",),
    ],
)
def test_options_that_beam_refuses(options: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError, match=r"^beam: found "):
        make_pipeline(options)


def test_direct_runner_never_becomes_prism() -> None:
    runner = make_pipeline(("--runner=DirectRunner",)).runner
    assert f"{type(runner).__module__}.{type(runner).__name__}".endswith("fn_runner.FnApiRunner")


def test_plugins_join_those_of_the_options() -> None:
    pipeline = make_pipeline(("--beam_plugins=one",), ["two"])
    assert pipeline.options.view_as(SetupOptions).beam_plugins == ["one", "two"]
