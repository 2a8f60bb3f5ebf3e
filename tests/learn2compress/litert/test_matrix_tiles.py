"""What no phone computes with."""

from __future__ import annotations

import subprocess
import sys

import pytest

from learn2compress.litert.matrix_tiles import has_matrix_tiles

# arch_prctl(ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) gives 0 where a process gets tiles.
ASK = "import ctypes; print(ctypes.CDLL(None).syscall(158, 0x1023, 18))"
FORBID = "from learn2compress.litert.matrix_tiles import forbid_matrix_tiles; forbid_matrix_tiles(); "


def answer(program: str) -> str:
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.skipif(not has_matrix_tiles(), reason="needs a processor with AMX (Intel, since 2023)")
def test_a_process_is_refused_tiles() -> None:
    assert answer(ASK) == "0"
    assert answer(FORBID + ASK) == "-1"


def test_it_changes_nothing_else() -> None:
    assert answer(FORBID + "print('runs')") == "runs"
