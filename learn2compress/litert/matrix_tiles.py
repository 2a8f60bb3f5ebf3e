"""Keeps a process from computing with AMX, the matrix tiles of Intel's server processors.

A student is timed for phones, and no phone has them. The interpreter's int8
kernels for tiles first copy what is shorter than a tile, so that with them a
network of 2 million multiply-accumulates takes as long as one of 16 million.

Linux lends tiles to a process on request, and refuses while one of its threads
has a signal stack on which their registers would not fit (Linux, Documentation/
arch/x86/xstate.rst). So such a stack is all it takes.
"""

from __future__ import annotations

import ctypes
from pathlib import Path

# More than the registers of any processor without tiles take, and less than the tiles alone.
_STACK_BYTES = 8192
_stack = ctypes.create_string_buffer(_STACK_BYTES)


class _SignalStack(ctypes.Structure):
    """`stack_t` of signal.h."""

    _fields_ = (("ss_sp", ctypes.c_void_p), ("ss_flags", ctypes.c_int), ("ss_size", ctypes.c_size_t))


def has_matrix_tiles() -> bool:
    """Returns whether this machine's processor has AMX."""
    cpuinfo = Path("/proc/cpuinfo")
    return cpuinfo.exists() and "amx_tile" in cpuinfo.read_text(encoding="utf-8", errors="replace").split()


def forbid_matrix_tiles() -> None:
    """Sees to it that this process is refused AMX from now on, if it has not asked for it yet.

    Raises:
      OSError: the signal stack can't be set.
    """
    if not has_matrix_tiles():
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.sigaltstack(ctypes.byref(_SignalStack(ctypes.addressof(_stack), 0, _STACK_BYTES)), None):
        raise OSError(ctypes.get_errno(), "sigaltstack: refused a signal stack")
