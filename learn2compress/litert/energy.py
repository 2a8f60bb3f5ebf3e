"""An estimate of an inference's energy from counts, where there is no meter.

Energies per operation are those of M. Horowitz, "Computing's energy problem (and
what we can do about it)", ISSCC 2014, for a 45 nm process at 0.9 V. A newer phone
needs less of each, so the figure is a proxy: it compares files, and says nothing
of a battery. Not counted: instructions, idle time, the screen.
"""

from __future__ import annotations

from collections.abc import Sequence

from learn2compress.litert.arithmetic import OperatorWork
from learn2compress.results.measurements import Arithmetic, EnergyEstimate

# Picojoules of a multiplication and an addition.
_INT8_MAC_PJ = 0.2 + 0.1  # sums have 32 bits
_INT32_MAC_PJ = 3.1 + 0.1
_FLOAT32_MAC_PJ = 3.7 + 0.9
_MAC_PJ = {
    Arithmetic.INT8: _INT8_MAC_PJ,
    Arithmetic.HYBRID: _INT8_MAC_PJ,
    Arithmetic.INT16: _INT32_MAC_PJ,  # the table has no 16-bit multiplication; this is the next above
    Arithmetic.FLOAT: _FLOAT32_MAC_PJ,  # kernels for half-precision files compute in single precision
    Arithmetic.OTHER: _INT32_MAC_PJ,
}
# Picojoules of a byte; the table gives 64 bits.
_DRAM_BYTE_PJ = 1300 / 8  # the lower end of 1.3 to 2.6 nJ
_CACHE_BYTE_PJ = 100 / 8  # of 1 MB


def estimate_energy(work: Sequence[OperatorWork], weight_bytes: int) -> EnergyEstimate:
    """Returns an estimate of the energy of one inference of one example.

    Args:
      work: Every operator of the file.
      weight_bytes: Bytes in which its weights are stored; each comes once from memory, while activations stay
        in a cache.

    Returns:
      Microjoules of computing and of moving bytes.
    """
    compute_pj = sum(one.macs * _MAC_PJ[one.arithmetic] for one in work)
    activation_bytes = sum(one.activation_bytes for one in work)
    memory_pj = weight_bytes * _DRAM_BYTE_PJ + activation_bytes * _CACHE_BYTE_PJ
    return EnergyEstimate(compute_pj / 1e6, memory_pj / 1e6)
