"""A distribution that adds verbs, and an environment where none does."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Command = Callable[..., subprocess.CompletedProcess[str]]

# Runs the command, with the entry points of the named distributions alone.
_RUN = """
import importlib.metadata, sys
named = set(sys.argv.pop(1).split(","))
every = importlib.metadata.entry_points
def chosen(**which):
    found = every(**which)
    ours = which.get("group") == "learn2compress.commands"
    return [one for one in found if one.dist.name in named] if ours else found
importlib.metadata.entry_points = chosen
from learn2compress.command_line.main import main
main()
"""


@pytest.fixture
def l2c_with(tmp_path: Path) -> Command:
    """Runs the command where the named distributions add verbs, and no other."""

    def run(distributions: str, *arguments: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", _RUN, distributions, *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd or tmp_path)

    return run


@pytest.fixture
def own_verbs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """Installs a distribution whose module has the given text, and returns its name."""

    def install(text: str) -> str:
        folder = tmp_path / "site"
        metadata = folder / "own_verbs-1.0.dist-info"
        metadata.mkdir(parents=True)
        (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: own-verbs\nVersion: 1.0\n")
        (metadata / "entry_points.txt").write_text("[learn2compress.commands]\nown = own_verbs:app\n")
        (folder / "own_verbs.py").write_text(text)
        monkeypatch.setenv("PYTHONPATH", str(folder))
        monkeypatch.syspath_prepend(folder)
        importlib.invalidate_caches()
        return "own-verbs"

    return install
