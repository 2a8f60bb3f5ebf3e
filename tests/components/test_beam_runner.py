"""The Beam pipeline that the configuration asks for."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import apache_beam as beam
import pytest
from apache_beam.options import pipeline_options
from apache_beam.options.pipeline_options import PipelineOptions, SetupOptions

from components.beam_runner import make_pipeline, read_findings
from learn2compress.config.beam_options import OPTIONS_VARIABLE, check_option
from learn2compress.config.parsing import ConfigError
from learn2compress.data.completeness import RecordsLostError


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


def test_findings_are_read_once_and_missed_aloud(tmp_path: Path) -> None:
    (tmp_path / "found.json").write_text('["one"]')
    assert read_findings(tmp_path / "found.json", "work") == ["one"]
    with pytest.raises(RecordsLostError, match=r"^work: what the workers found did not arrive"):
        read_findings(tmp_path / "found.json", "work")


class ReadSlowly(beam.DoFn):
    """Yields records for a few seconds, so that a timer of one second fires while it does; writes down how many."""

    def __init__(self, folder: Path):
        self._folder = folder

    def process(self, unit: int) -> Iterator[tuple[int, bytes]]:
        num_records, end = 0, time.monotonic() + 2.5
        while time.monotonic() < end:
            for _ in range(100):
                yield unit, bytes(20)
            num_records += 100
            time.sleep(0.001)
        (self._folder / f"read-{unit}.json").write_text(json.dumps(num_records))


def write_count(group: tuple[int, Iterable[bytes]], folder: Path) -> None:
    unit, records = group
    (folder / f"arrived-{unit}.json").write_text(json.dumps(sum(1 for _ in records)))


@pytest.fixture
def eager_threads() -> Iterator[None]:
    """Lets threads take turns much more often than is usual: what can go wrong between two of them does."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(interval)


def test_threads_lose_no_record_of_a_slow_reader(eager_threads: None, tmp_path: Path) -> None:
    options = ("--runner=DirectRunner", "--direct_num_workers=2", "--direct_running_mode=multi_threading")
    pipeline = make_pipeline(options)
    records = pipeline | beam.Create([0, 1]) | beam.ParDo(ReadSlowly(tmp_path))
    _ = records | beam.GroupByKey() | beam.Map(write_count, tmp_path)
    pipeline.run().wait_until_finish()

    counts = {path.stem: json.loads(path.read_text()) for path in tmp_path.iterdir()}
    assert counts["arrived-0"] == counts["read-0"] > 0
    assert counts["arrived-1"] == counts["read-1"] > 0


def names_of_beams_options() -> set[str]:
    """The names of all options of Beam's own, by every spelling."""
    parser = pipeline_options._BeamArgumentParser()
    for kind in vars(pipeline_options).values():
        if isinstance(kind, type) and issubclass(kind, PipelineOptions) and "_add_argparse_args" in vars(kind):
            kind._add_argparse_args(parser)
    return {text for action in parser._actions for text in action.option_strings if text.startswith("--")}


def test_no_option_of_beam_takes_a_path_an_address_or_code_from_a_file() -> None:
    names = names_of_beams_options()
    assert {"--flink_job_server_jar", "--setup_file", "--extra_package", "--prism_location"} <= names
    for name in names:
        for value in ("/tmp/x", "http://host/x", "host:80", "module.name", '{"a": 1}', "a b", "x@y", "host.name", ""):
            with pytest.raises(ValueError, match=name):
                check_option(f"{name}={value}")


def test_the_options_of_whoever_runs_the_step_stand_over_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(OPTIONS_VARIABLE, "--beam_plugins=one --direct_num_workers=3")
    options = make_pipeline(("--runner=DirectRunner", "--direct_num_workers=1"), ["two"]).options.get_all_options()
    assert (options["direct_num_workers"], options["beam_plugins"]) == (3, ["one", "two"])
    monkeypatch.setenv(OPTIONS_VARIABLE, "--direct_num_workers=hunter2")
    with pytest.raises(
        ConfigError, match=r"^beam: found \['--runner=DirectRunner', '--direct_num_workers'\]"
    ) as caught:
        make_pipeline(("--runner=DirectRunner",))
    assert "hunter2" not in str(caught.value)
