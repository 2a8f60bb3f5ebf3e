"""From a pushed file back to everything that made it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ml_metadata import ListOptions, MetadataStore
from rich.markup import escape
from rich.tree import Tree

from components.step_code.step import MADE_WITH
from learn2compress.config.parsing import ConfigError
from pipelines.metadata_store import (
    Artifact,
    Execution,
    consumers_of,
    inputs_of,
    outputs_of,
    producer_of,
    properties_of,
    step_of,
)

_SHA256 = re.compile(r"[0-9a-fA-F]{64}")
_MODEL_TYPE = "L2CLiteRtModel"
# Parameters that carry a whole section of the configuration, which the Pusher records once.
_HIDDEN = frozenset({"task", "students", "evaluate", "checkpoint_root", "student_name", "family_name"})
_SHORT_DIGEST = 12
_LONG = 80


@dataclasses.dataclass(frozen=True)
class LineageStep:
    """One execution and what it read.

    Attributes:
      step: Component id.
      execution_id: Its number in ML Metadata.
      parameters: What it was told.
      inputs: Artifacts it read.
      outputs: Artifacts it made, without their past.
    """

    step: str
    execution_id: int
    parameters: dict[str, Any]
    inputs: tuple[LineageArtifact, ...]
    outputs: tuple[LineageArtifact, ...]


@dataclasses.dataclass(frozen=True)
class LineageArtifact:
    """One artifact and how it was made.

    Attributes:
      key: Name by which its reader knows it.
      kind: Artifact type.
      artifact_id: Its number in ML Metadata.
      uri: Where it is.
      properties: What is known about it.
      made_by: The execution; `None` where it is not recorded.
    """

    key: str
    kind: str
    artifact_id: int
    uri: str
    properties: dict[str, Any]
    made_by: LineageStep | None

    @property
    def made_with(self) -> dict[str, str]:
        """Returns the versions that its step ran with, by package; empty where nobody recorded them."""
        found: dict[str, str] = json.loads(self.properties.get(MADE_WITH, "{}"))
        return found


@dataclasses.dataclass(frozen=True)
class Lineage:
    """A file's past, and what was later found and decided about it.

    Attributes:
      sha256: The file's digest.
      model: The file's artifact, with its past.
      later: Evaluations and pushes of exactly this file.
      config: The configuration of the last push of it; empty where it was not pushed.
      provenance: Digests recorded by that push.
    """

    sha256: str
    model: LineageArtifact
    later: tuple[LineageArtifact, ...]
    config: dict[str, Any]
    provenance: dict[str, str]

    def as_dict(self) -> dict[str, Any]:
        """Returns plain mappings, for JSON."""
        return dataclasses.asdict(self)


def lineage_of(store: MetadataStore, file_or_sha256: str) -> Lineage:
    """Finds where a file comes from.

    Args:
      store: Metadata of local runs, or of cluster runs that mirror theirs.
      file_or_sha256: A file, or 64 hexadecimal digits.

    Raises:
      ConfigError: it is neither, or no run recorded such a file.
    """
    sha256 = _sha256_of(file_or_sha256)
    query = f"type = '{_MODEL_TYPE}' AND properties.model_sha256.string_value = '{sha256}'"
    # The same bytes may have come of several runs: the first is where they come from.
    model = min(store.get_artifacts(ListOptions(filter_query=query)), key=lambda found: found.id, default=None)
    if model is None:
        raise ConfigError(
            f"{file_or_sha256}: found no record of {sha256}, accepted is a model that a run recorded there made"
        )
    later, pusher = [], {}
    for execution in consumers_of(store, model.id):
        later += [_artifact(store, key, found, with_past=False) for key, found in outputs_of(store, execution.id)]
        if step_of(store, execution) == "Pusher":
            pusher = properties_of(execution)
    return Lineage(
        sha256,
        _artifact(store, "model", model, with_past=True),
        tuple(later),
        config=json.loads(pusher.get("config", "{}")),
        provenance=json.loads(pusher.get("provenance", "{}")),
    )


def lineage_tree(lineage: Lineage) -> Tree:
    """Draws the lineage as a tree for a terminal: digests shortened, what was shown above named only."""
    tree = Tree(f"[bold]{lineage.sha256}[/bold]")
    _add(tree, lineage.model, set())
    if lineage.provenance:
        tree.add(f"pushed from {_facts(lineage.provenance)}")
    if lineage.later:
        later = tree.add("later")
        for artifact in lineage.later:
            later.add(_artifact_text(artifact))
    return tree


def versions_text(made_with: Mapping[str, str]) -> str:
    """Writes versions in one line."""
    return ", ".join(f"{name} {version}" for name, version in made_with.items()) or "versions that were not recorded"


def _sha256_of(file_or_sha256: str) -> str:
    path = Path(file_or_sha256)
    if path.is_file():
        return hashlib.sha256(path.read_bytes()).hexdigest()
    if _SHA256.fullmatch(file_or_sha256):
        return file_or_sha256.lower()
    raise ConfigError(f"FILE_OR_SHA256: found {file_or_sha256!r}, accepted is a file or 64 hexadecimal digits")


def _artifact(store: MetadataStore, key: str, artifact: Artifact, *, with_past: bool) -> LineageArtifact:
    execution = producer_of(store, artifact.id) if with_past else None
    made_by = _step(store, execution) if execution is not None else None
    return LineageArtifact(key, artifact.type, artifact.id, artifact.uri, properties_of(artifact), made_by)


def _step(store: MetadataStore, execution: Execution) -> LineageStep:
    inputs = tuple(_artifact(store, key, a, with_past=True) for key, a in inputs_of(store, execution.id))
    outputs = tuple(_artifact(store, key, a, with_past=False) for key, a in outputs_of(store, execution.id))
    return LineageStep(step_of(store, execution), execution.id, properties_of(execution), inputs, outputs)


def _add(tree: Tree, artifact: LineageArtifact, shown: set[int | str]) -> None:
    if artifact.artifact_id in shown:
        tree.add(f"{artifact.key}: {artifact.kind} (above)")
        return
    shown.add(artifact.artifact_id)
    branch = tree.add(_artifact_text(artifact))
    step = artifact.made_by
    if step is not None:
        # Sections that several steps share are long: once is enough.
        parameters = {k: v for k, v in step.parameters.items() if k not in _HIDDEN and str(v) not in shown}
        shown.update(value for value in parameters.values() if isinstance(value, str) and len(value) > _LONG)
        made_by = branch.add(f"made by [bold]{step.step}[/bold] {_facts(parameters)}")
        made_by.add(f"ran with {escape(versions_text(artifact.made_with))}")
        for source in step.inputs:
            _add(made_by, source, shown)


def _artifact_text(artifact: LineageArtifact) -> str:
    known = {name: value for name, value in artifact.properties.items() if name != MADE_WITH}
    return f"{artifact.key}: [bold]{artifact.kind}[/bold] {_facts(known)}"


def _facts(values: Mapping[str, Any]) -> str:
    shown = {name: _short(value) for name, value in values.items() if value not in ("", "null")}
    return escape(", ".join(f"{name}={value}" for name, value in shown.items()))


def _short(value: Any) -> Any:
    return f"{value[:_SHORT_DIGEST]}…" if isinstance(value, str) and _SHA256.fullmatch(value) else value
