"""A pool of Beam workers for the portable runner: `python -m components.beam_workers --port 50000`.

Beam's own pool (apache_beam.runners.worker.worker_pool_main) starts workers
that load none of a pipeline's plugins, which Ingest's statistics need. Whoever
reaches the port can have code run: it belongs into a network of its own.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from apache_beam.portability.api import beam_fn_api_pb2
from apache_beam.runners.worker.sdk_worker import SdkHarness
from apache_beam.runners.worker.worker_pool_main import BeamFnExternalWorkerPoolServicer

# Plugins of all pipelines of the project, before anything is unpickled.
from components.ingest import tfdv  # noqa: F401


class _Pool(BeamFnExternalWorkerPoolServicer):
    """Starts each worker as a process of this module."""

    def StartWorker(self, start_worker_request: Any, unused_context: Any) -> Any:
        worker_id = start_worker_request.worker_id
        endpoint = start_worker_request.control_endpoint.url
        command = [sys.executable, "-m", "components.beam_workers", "--serve", endpoint, "--worker-id", worker_id]
        try:
            self._worker_processes[worker_id] = subprocess.Popen(command)
        except OSError as error:
            return beam_fn_api_pb2.StartWorkerResponse(error=str(error))
        return beam_fn_api_pb2.StartWorkerResponse()


def main(arguments: Sequence[str] | None = None) -> None:
    """Serves as pool, or as one of its workers, until it is told to stop.

    Args:
      arguments: Of the command line; by default this process's.
    """
    parser = argparse.ArgumentParser(prog="python -m components.beam_workers", description=__doc__)
    parser.add_argument("--port", type=int, default=50000, help="Port of the pool.")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    parser.add_argument("--worker-id", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.serve is not None:
        SdkHarness(options.serve, worker_id=options.worker_id, data_buffer_time_limit_ms=0).run()
        return
    address, server = _Pool.start(use_process=True, port=options.port)
    print(f"workers are to be had at {address}", flush=True)
    server.wait_for_termination()


if __name__ == "__main__":
    main()
