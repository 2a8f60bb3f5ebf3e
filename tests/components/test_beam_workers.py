"""Each worker of the pool is a process of the module, which loads the plugins of all pipelines."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from apache_beam.portability.api import beam_fn_api_pb2, endpoints_pb2

from components import beam_workers

REQUEST = beam_fn_api_pb2.StartWorkerRequest(
    worker_id="worker-1", control_endpoint=endpoints_pb2.ApiServiceDescriptor(url="localhost:1234")
)


def test_a_worker_is_started_with_the_address_to_serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program, arguments = tmp_path / "python", tmp_path / "arguments"
    program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {arguments}\n')
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    pool = beam_workers._Pool(use_process=True)
    assert not pool.StartWorker(REQUEST, None).error
    assert pool._worker_processes["worker-1"].wait() == 0
    module, options = ["-m", "components.beam_workers"], ["--serve", "localhost:1234", "--worker-id", "worker-1"]
    assert arguments.read_text().splitlines() == [*module, *options]


def test_a_worker_that_does_not_start_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    assert "No such file" in beam_workers._Pool(use_process=True).StartWorker(REQUEST, None).error
