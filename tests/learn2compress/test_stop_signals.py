"""A signal that somebody's C++ lost ends the work all the same."""

from __future__ import annotations

import contextlib
import os
import signal
import time

import pytest

from learn2compress.progress import report
from learn2compress.stop_signals import raising


class Stopped(BaseException):
    """What the signal raises."""


def send() -> None:
    os.kill(os.getpid(), signal.SIGUSR1)
    time.sleep(60)  # which the signal interrupts


def test_a_signal_raises_and_the_handler_of_before_is_back() -> None:
    before = signal.getsignal(signal.SIGUSR1)
    with pytest.raises(Stopped), raising(Stopped, signal.SIGUSR1):
        send()
    assert signal.getsignal(signal.SIGUSR1) is before
    report("epoch 1/2", 1, 2)  # has nothing left to raise


def test_what_was_cleared_is_raised_by_the_next_report() -> None:
    done = []

    def work() -> None:
        with contextlib.suppress(Stopped):  # as C++ clears an error that it did not expect
            send()
        done.append("more work")
        report("epoch 1/2", 1, 2)
        done.append("work after the report")

    with pytest.raises(Stopped), raising(Stopped, signal.SIGUSR1):
        work()
    assert done == ["more work"]


@pytest.mark.parametrize(("is_once", "expected"), [(True, ["cleaned"]), (False, [])])
def test_a_second_signal_interrupts_the_clean_up_or_not(is_once: bool, expected: list[str]) -> None:
    done = []

    def work() -> None:
        try:
            send()
        finally:
            os.kill(os.getpid(), signal.SIGUSR1)
            done.append("cleaned")

    with pytest.raises(Stopped), raising(Stopped, signal.SIGUSR1, is_once=is_once):
        work()
    assert done == expected


def test_a_signal_that_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    try:
        with raising(Stopped, signal.SIGUSR1):
            os.kill(os.getpid(), signal.SIGUSR1)
            assert signal.getsignal(signal.SIGUSR1) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGUSR1, before)
