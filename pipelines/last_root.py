"""Finds the folder of runs that a verb tells about where nobody names one: that of the last run below this folder."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from learn2compress.config.parsing import ConfigError
from pipelines.run_root import RunRoot
from pipelines.store_file import why_no_store

# This folder itself, `runs` and whatever else lies here, and `build/runs`, which `make demo` writes.
PATTERNS = (".", "*", "build/*")
_MOST_NAMED = 3


def find_roots(given: Path | None, say: Callable[[str], None], folder: Path | None = None) -> list[RunRoot]:
    """Returns the folders of runs to look into, the one written last first.

    Args:
      given: The folder that a person named, which then is the only one, whatever it holds; `None` to look for some.
      say: Told of each file that has a store's name and is none; it is left as it is, and passed over.
      folder: Where to look; `None` for the working folder.

    Returns:
      At least one.

    Raises:
      ConfigError: there is none, with where it was looked for.
    """
    if given is not None:
        return [RunRoot(Path(os.path.realpath(given)))]
    here = Path(os.path.realpath(Path.cwd() if folder is None else folder))
    name = RunRoot(here).metadata.name
    found: dict[Path, float] = {}
    for path in sorted({path for pattern in PATTERNS for path in here.glob(f"{pattern}/{name}")}):
        if reason := "it is a link" if path.is_symlink() else why_no_store(path):
            say(f"{path} is passed over: {reason}")
        else:
            found[Path(os.path.realpath(path.parent))] = path.stat().st_mtime
    if not found:
        places = ", ".join(str(here / pattern) for pattern in PATTERNS)
        raise ConfigError(
            f"no runs here yet (looked in {places}): start one by `l2c run my.yaml`, or name a folder of runs by "
            "--root or in the variable L2C_ROOT"
        )
    return [RunRoot(path) for path in sorted(found, key=lambda path: (-found[path], path))]


def choice_sentence(roots: list[RunRoot]) -> str:
    """Returns which of several folders of runs is told about; empty where there is no choice.

    Args:
      roots: From `find_roots`.
    """
    if len(roots) < 2:
        return ""
    others = [str(root.folder) for root in roots[1:]]
    more = f" and {len(others) - _MOST_NAMED} more" if len(others) > _MOST_NAMED else ""
    return (
        f"runs of {roots[0].folder}, which was written last; --root names another: "
        f"{', '.join(others[:_MOST_NAMED])}{more}"
    )
