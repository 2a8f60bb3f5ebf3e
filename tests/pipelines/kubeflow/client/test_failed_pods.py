"""A step's failure has the reason that its pod has; over real HTTP, with Kubernetes' own client."""

from __future__ import annotations

from typing import Any

import pytest

from pipelines.kubeflow.client.failed_pods import failure_reasons, reason_of

RUN = "0e6c5f8a-4d7b-4a55-8a0e-9b7e9ad36f0a"
KILLED = {"exitCode": 137, "reason": "OOMKilled"}


def test_a_step_without_memory_says_what_to_raise(kubernetes: Any) -> None:
    kubernetes.add_pod(RUN, "ingest.executor(0)", **KILLED)
    expected = {"Ingest": "out of memory at 4 GiB: raise kubernetes.steps.Ingest.memory_gib"}
    assert failure_reasons(RUN, "", ["Ingest"]) == expected


def test_the_last_attempts_own_words_are_told(kubernetes: Any) -> None:
    for attempt, message in enumerate(["first", "data: found\n3 bad records"]):
        kubernetes.add_pod(RUN, f"quantize-small.executor({attempt})", exitCode=1, reason="Error", message=message)
    kubernetes.add_pod(RUN, "ingest.executor(0)", exitCode=0, reason="Completed")
    kubernetes.add_pod("another", "quantize-small.executor", exitCode=1, reason="Error", message="of another run")
    assert failure_reasons(RUN, "", ["Quantize.small", "Ingest"]) == {"Quantize.small": "data: found 3 bad records"}


def test_a_driver_that_failed_speaks_for_its_step(kubernetes: Any) -> None:
    kubernetes.add_pod(RUN, "joint-distill-trainer-driver(1)", exitCode=1, reason="Error", namespace="team")
    expected = {"JointDistillTrainer": "exit code 1; the end of its log says why"}
    assert failure_reasons(RUN, "team", ["JointDistillTrainer"]) == expected


def test_without_rights_or_cluster_there_is_no_reason_and_no_error(
    kubernetes: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    kubernetes.add_pod(RUN, "ingest.executor", **KILLED)
    kubernetes.may_list = False
    assert failure_reasons(RUN, "", ["Ingest"]) == {}
    monkeypatch.setenv("KUBECONFIG", "/nowhere")
    assert failure_reasons(RUN, "", ["Ingest"]) == {}


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (
            {"phase": "Failed", "reason": "DeadlineExceeded", "message": "Pod was active on the node"},
            "stopped after its longest time: raise kubernetes.steps.Prune.a.timeout_minutes",
        ),
        ({"phase": "Failed", "reason": "Evicted", "message": "The node was low on disk."}, "The node was low on disk."),
        (
            {
                "containerStatuses": [
                    {"name": "main", "state": {"waiting": {"reason": "ImagePullBackOff", "message": "no"}}}
                ]
            },
            "no",
        ),
        ({"phase": "Running", "containerStatuses": [{"name": "main", "state": {"running": {}}}]}, ""),
    ],
)
def test_what_kubernetes_says_of_the_pod_is_told(status: dict[str, Any], reason: str) -> None:
    assert reason_of({"metadata": {}, "spec": {"containers": []}, "status": status}, "Prune.a") == reason
