"""A folder serves one process at a time, and keeps nothing of the lock."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from learn2compress.compression.folder_lock import locked
from learn2compress.config.parsing import ConfigError

HOLD = """
import sys
from pathlib import Path
from learn2compress.compression.folder_lock import locked
with locked(Path(sys.argv[1]), "checkpoint"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_another_process_is_kept_out_until_the_first_has_ended(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with (
        pytest.raises(ConfigError, match=r"^checkpoint: .* is in use by another process"),
        locked(tmp_path, "checkpoint"),
    ):
        pass
    holder.kill()
    holder.communicate()
    with locked(tmp_path, "checkpoint"), locked(tmp_path, "checkpoint"):
        pass
    assert not list(tmp_path.iterdir())
