"""SIGTERM ends a step by way of its own clean-up."""

from __future__ import annotations

import os
import signal
import time

import pytest

from pipelines.kubeflow.container.termination import Terminated, raising_terminated


def test_a_signal_raises_once_and_no_failure() -> None:
    before = signal.getsignal(signal.SIGTERM)
    cleaned = []

    def work() -> None:
        with raising_terminated():
            try:
                os.kill(os.getpid(), signal.SIGTERM)
                time.sleep(60)  # which the signal interrupts
            except Exception:  # nobody takes it for a failure
                pytest.fail("found an Exception")
            finally:
                os.kill(os.getpid(), signal.SIGTERM)  # a second one does not disturb the clean-up
                cleaned.append(True)

    with pytest.raises(Terminated):
        work()
    assert cleaned == [True]
    assert signal.getsignal(signal.SIGTERM) is before
