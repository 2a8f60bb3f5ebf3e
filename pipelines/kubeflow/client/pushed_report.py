"""Finds what a cluster run pushed, at the place to which it pushed.

A pushed version says in its report which configuration, data, teacher and
code it was made of. A run's package says the same, before it has run.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

import fsspec
from pydantic import TypeAdapter

from learn2compress.release.push_content import SUMS_FILE, VERSIONS_FOLDER, version_numbers
from learn2compress.results.reports import FAMILY_FILE, FamilyReport
from pipelines.run_history import Step

_PUSHER = "Pusher"
# Whoever looks so late finds the run's report in Kubeflow's UI.
_LATEST_VERSIONS = 50


def find_pushed_report(steps: Sequence[Step]) -> tuple[FamilyReport, str] | None:
    """Returns the report of what a run with these steps has pushed, and where it is.

    Args:
      steps: Of the run, with their parameters.

    Returns:
      `None` where there is nothing of it: no student was selected, or the place can't be read from here.
    """
    pusher = next((step.parameters for step in steps if step.step == _PUSHER), None)
    if pusher is None or "://" not in str(pusher.get("uri")):
        return None
    expected = json.loads(str(pusher["provenance"]))
    try:
        for family, uri in _families(str(pusher["uri"])):
            if expected.items() <= family.provenance.items():
                return family, uri
    except Exception:  # every store raises exceptions of its own
        return None
    return None


def _families(destination: str) -> Iterator[tuple[FamilyReport, str]]:
    filesystem, path = fsspec.core.url_to_fs(destination)
    versions = f"{path.rstrip('/')}/{VERSIONS_FOLDER}"
    names = [name.rstrip("/").rpartition("/")[2] for name in filesystem.ls(versions, detail=False)]
    for number in reversed(version_numbers(names)[-_LATEST_VERSIONS:]):
        version = f"{versions}/{number}"
        if filesystem.exists(f"{version}/{SUMS_FILE}"):
            content = filesystem.cat_file(f"{version}/{FAMILY_FILE}")
            yield TypeAdapter(FamilyReport).validate_json(content), filesystem.unstrip_protocol(version)
