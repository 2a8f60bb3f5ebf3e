"""Makes the Beam pipeline that the configuration asks for, and reads what its workers found."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions, SetupOptions, StandardOptions
from apache_beam.portability.api import beam_provision_api_pb2
from apache_beam.runners.portability.fn_api_runner import fn_runner, worker_handlers
from apache_beam.runners.portability.portable_runner import JobServiceHandle

from learn2compress.config.beam_options import operator_options
from learn2compress.config.parsing import ConfigError
from learn2compress.data.completeness import RecordsLostError

_LOCAL_RUNNERS = ("DirectRunner", "SwitchingDirectRunner")
# Their job service may know options that Beam's Python package does not.
_JOB_SERVICE_RUNNERS = ("PortableRunner", "FlinkRunner", "SparkRunner")


def make_pipeline(beam_options: Sequence[str], plugins: Sequence[str] = ()) -> beam.Pipeline:
    """Returns a Beam pipeline with options such as `--runner=DirectRunner`.

    `DirectRunner` of Beam 2.77 first tries Prism, a Go program that it downloads
    when it is not there. A run must not need the network, so that choice is
    resolved here, to the same in-process runner that `DirectRunner` falls back to.

    The options of whoever runs the step, in `L2C_BEAM_OPTIONS`, stand over those given.

    Args:
      beam_options: `arguments` of the configuration's `BeamStepConfig`.
      plugins: Modules that workers import before anything else.

    Returns:
      An empty pipeline.

    Raises:
      ConfigError: Beam does not accept the options.
    """
    _stop_timed_flushes()
    own = operator_options(os.environ)
    beam_options = (*beam_options, *own)  # of one that is there twice, Beam takes the last
    try:
        options = PipelineOptions(list(beam_options))
        runner = options.view_as(StandardOptions).runner or "DirectRunner"
        if runner not in _JOB_SERVICE_RUNNERS:
            _check_known(options)
        setup = options.view_as(SetupOptions)
        setup.beam_plugins = [*(setup.beam_plugins or []), *plugins]
        if runner not in _LOCAL_RUNNERS:
            return beam.Pipeline(runner=runner, options=options)
        # Worker processes read their options from here.
        encoded = JobServiceHandle.encode_pipeline_options(options.get_all_options())
        info = fn_runner.ExtendedProvisionInfo(beam_provision_api_pb2.ProvisionInfo(pipeline_options=encoded))
        return beam.Pipeline(runner=fn_runner.FnApiRunner(provision_info=info), options=options)
    except (SystemExit, ValueError, ImportError, AttributeError) as error:
        # A wrong value makes argparse exit; its own message went to stderr.
        reason = "" if isinstance(error, SystemExit) else f": {str(error).splitlines()[0]}"
        names = [option.partition("=")[0] if option in own else option for option in beam_options]  # own: maybe secrets
        raise ConfigError(f"beam: found {names}, accepted are pipeline options of Apache Beam{reason}") from error


def read_findings(path: Path, what: str) -> Any:
    """Reads what the last step of a pipeline wrote as JSON, and removes the file.

    Args:
      path: The file.
      what: The pipeline's work, for the message.

    Returns:
      What the JSON holds.

    Raises:
      RecordsLostError: the file is not there: what the workers found did not arrive.
    """
    if not path.exists():
        raise RecordsLostError(f"{what}: what the workers found did not arrive; nothing was kept; run it again")
    found = json.loads(path.read_text(encoding="utf-8"))
    path.unlink()
    return found


def _stop_timed_flushes() -> None:
    """Makes the local runner and its thread workers send their output by size and at the end of a bundle alone.

    By default a timer flushes it every second, in a thread of its own that takes
    the buffer's content and then clears the buffer: an element that is written
    between the two is lost. The runner's own side does so with workers of every
    kind, and thread workers do it, too. No option reaches either; without a limit
    Beam picks the stream that only its writer flushes.

    Raises:
      ConfigError: the installed Beam has no such limit any more.
    """
    if not hasattr(worker_handlers, "DATA_BUFFER_TIME_LIMIT_MS"):
        raise ConfigError(
            "beam: the installed Apache Beam has no DATA_BUFFER_TIME_LIMIT_MS, and may lose records; install the "
            "version that requirements.lock names"
        )
    worker_handlers.DATA_BUFFER_TIME_LIMIT_MS = 0


def _check_known(options: PipelineOptions) -> None:
    """Refuses an option that Beam does not know, such as one that is misspelt: Beam itself passes over it.

    Raises:
      ValueError: there is one.
    """
    unknown = options.get_all_options(retain_unknown_options=True).keys() - options.get_all_options().keys()
    if unknown:
        raise ValueError(f"it knows no {', '.join(sorted(unknown))}")
