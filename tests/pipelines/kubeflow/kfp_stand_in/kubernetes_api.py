"""Kubernetes' API, as far as somebody reads pods; and pods as the kubelet and Argo leave them."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import yaml

from .state import Json

TOKEN = "of somebody who may list pods"


class Kubernetes:
    """A running API server.

    Attributes:
      pods: All there are.
      may_list: Whether its caller may list them.
    """

    def __init__(self) -> None:
        self.pods: list[Json] = []
        self.may_list = True
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"kubernetes": self}))
        self._http.daemon_threads = True
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def add_pod(self, run_id: str, node: str, *, namespace: str = "kubeflow", **main: Any) -> None:
        """A pod that has ended.

        Args:
          run_id: Of the run.
          node: Of Argo's workflow, below the graph's own.
          namespace: Where it ran.
          **main: How its main container ended: exitCode, reason, message.
        """
        self.pods.append(
            {
                "metadata": {
                    "name": f"pod-{len(self.pods)}",
                    "namespace": namespace,
                    "creationTimestamp": f"2026-11-27T03:50:{len(self.pods):02d}Z",
                    "labels": {"pipeline/runid": run_id},
                    "annotations": {"workflows.argoproj.io/node-name": f"digits-x7k2p.root.{node}"},
                },
                "spec": {"containers": [{"name": "main", "resources": {"limits": {"cpu": "2", "memory": "4Gi"}}}]},
                "status": {
                    "phase": "Failed" if main["exitCode"] else "Succeeded",
                    "containerStatuses": [
                        {"name": "wait", "state": {"terminated": {"exitCode": 0, "reason": "Completed"}}},
                        {"name": "main", "state": {"terminated": main}},
                    ],
                },
            }
        )

    def write_kubeconfig(self, path: Path) -> Path:
        """The file by which kubectl would reach it."""
        server = f"http://127.0.0.1:{self._http.server_address[1]}"
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "a", "cluster": {"server": server}}],
            "users": [{"name": "a", "user": {"token": TOKEN}}],
            "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}],
            "current-context": "a",
        }
        path.write_text(yaml.safe_dump(content))
        return path

    def close(self) -> None:
        """Stops it."""
        self._http.shutdown()
        self._http.server_close()


class _Handler(BaseHTTPRequestHandler):
    kubernetes: Kubernetes

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if self.headers.get("authorization") != f"Bearer {TOKEN}" or not self.kubernetes.may_list:
            return self._send(403, {"kind": "Status", "status": "Failure", "reason": "Forbidden", "code": 403})
        namespace = parts.path.removeprefix("/api/v1/namespaces/").removesuffix("/pods")
        key, _, value = parse_qs(parts.query)["labelSelector"][0].partition("=")
        of_namespace = (pod for pod in self.kubernetes.pods if pod["metadata"]["namespace"] == namespace)
        items = [pod for pod in of_namespace if pod["metadata"]["labels"].get(key) == value]
        return self._send(200, {"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": items})

    def _send(self, status: int, answer: Json) -> None:
        content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """No lines on the terminal."""
