"""Whoever listens hears how far the work is, and nobody else does."""

from __future__ import annotations

import threading

import pytest

from learn2compress.progress import Progress, listening, report


def test_a_report_goes_to_the_listener_of_its_block() -> None:
    outer: list[Progress] = []
    inner: list[Progress] = []
    with listening(outer.append):
        report("epoch 1/2", 3, 10, "loss 0.31")
        with listening(inner.append):
            report("epoch 2/2", 10, 10)
        report("epoch 2/2", 10, 10)
    assert outer == [Progress("epoch 1/2", 3, 10, "loss 0.31"), Progress("epoch 2/2", 10, 10)]
    assert inner == [Progress("epoch 2/2", 10, 10)]


def test_without_a_listener_nothing_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    heard: list[Progress] = []
    with listening(heard.append):
        pass
    report("epoch 1/2", 3, 10)
    assert not heard
    assert capsys.readouterr() == ("", "")


def test_a_block_that_fails_stops_listening() -> None:
    heard: list[Progress] = []
    with pytest.raises(RuntimeError), listening(heard.append):
        raise RuntimeError("in the middle of the work")
    report("epoch 1/2", 3, 10)
    assert not heard


def test_another_threads_work_is_not_heard() -> None:
    heard: list[Progress] = []
    with listening(heard.append):
        thread = threading.Thread(target=report, args=("epoch 1/2", 3, 10))
        thread.start()
        thread.join()
    assert not heard
