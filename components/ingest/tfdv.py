"""Imports TensorFlow Data Validation where tfx-bsl has no SQL engine.

The newest TFDV that installs on glibc 2.36 (see pyproject.toml) imports
`tfx_bsl.arrow.sql_util`, which tfx-bsl 1.21 no longer ships. TFDV needs it
only to compute statistics of slices written in SQL, which nothing here asks
for: a module that refuses those stands in. Beam workers import this module
first, as a Beam plugin (see `runner.py`).
"""

from __future__ import annotations

import importlib.util
import sys
import types

import tfx_bsl.arrow  # type: ignore[import-untyped]

_SQL_MODULE = "tfx_bsl.arrow.sql_util"


class RecordBatchSQLSliceQuery:
    """Stands where tfx-bsl's query was; can't be built."""

    def __init__(self, *_: object):
        raise RuntimeError("slices by SQL need a tfx-bsl with its SQL engine; there is none in this version")


if _SQL_MODULE not in sys.modules and importlib.util.find_spec(_SQL_MODULE) is None:
    _stand_in = types.ModuleType(_SQL_MODULE)
    _stand_in.__dict__["RecordBatchSQLSliceQuery"] = RecordBatchSQLSliceQuery
    sys.modules[_SQL_MODULE] = _stand_in
    tfx_bsl.arrow.sql_util = _stand_in

import tensorflow_data_validation as tfdv  # noqa: E402 - needs the module above

__all__ = ["tfdv"]
