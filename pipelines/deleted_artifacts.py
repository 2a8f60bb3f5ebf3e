"""Notices what was deleted by hand, so that a cached step is never taken for one whose result is there."""

from __future__ import annotations

from pathlib import Path

from learn2compress.release.push import is_pushed
from pipelines.metadata_store import Artifact, live_artifacts, mark_deleted, open_store, properties_of
from pipelines.run_root import RunRoot
from pipelines.store_file import tables_in


def record_deleted_artifacts(root: RunRoot, push_uri: str) -> list[str]:
    """Records which artifacts are gone; TFX then runs the steps that made them again.

    Args:
      root: A folder of runs; one without metadata, or whose file is still empty, has nothing to notice.
      push_uri: The destination of the run that is about to start. Versions pushed
        elsewhere are not looked for: this run has no business with other stores.

    Returns:
      Where the deleted artifacts were.

    Raises:
      ConfigError: the push destination can't be asked, or the metadata are another program's file.
    """
    if not root.metadata.exists() or tables_in(root.metadata) == frozenset():
        return []
    store = open_store(root)
    deleted = [artifact for artifact in live_artifacts(store) if not _is_there(artifact, push_uri)]
    mark_deleted(store, deleted)
    return [properties_of(artifact).get("destination") or artifact.uri for artifact in deleted]


def _is_there(artifact: Artifact, push_uri: str) -> bool:
    destination = properties_of(artifact).get("destination") or ""
    is_ours = destination.startswith(f"{push_uri.rstrip('/')}/")
    return Path(artifact.uri).exists() and (not is_ours or is_pushed(destination))
