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
from learn2compress.results.reports import FAMILY_FILE
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
class SameBytes:
    """Another artifact with the same bytes.

    Attributes:
      artifact_id: Its number in ML Metadata.
      step: Component id of what made it; empty where it is not recorded.
      execution_id: Number of the execution; 0 where it is not recorded.
      made_with: Versions that differ from those of the file's own artifact, "not recorded" for one that is missing;
        `None` where nobody recorded them.
    """

    artifact_id: int
    step: str
    execution_id: int
    made_with: dict[str, str] | None

    @property
    def text(self) -> str:
        """Returns one line about it."""
        made_by = f"execution {self.execution_id} ({self.step})" if self.step else "an execution that was not recorded"
        versions = "the same versions" if self.made_with == {} else versions_text(self.made_with or {})
        return f"the same bytes were also made by {made_by} with {versions}"


@dataclasses.dataclass(frozen=True)
class Lineage:
    """A file's past, and what was later found and decided about it.

    Attributes:
      sha256: The file's digest.
      model: The file's artifact, with its past.
      later: Evaluations and pushes of exactly this artifact.
      config: The configuration of the last push of it; empty where it was not pushed.
      provenance: Digests recorded by that push.
      also_made: Other artifacts with the same bytes, in order.
    """

    sha256: str
    model: LineageArtifact
    later: tuple[LineageArtifact, ...]
    config: dict[str, Any]
    provenance: dict[str, str]
    also_made: tuple[SameBytes, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Returns plain mappings, for JSON."""
        return dataclasses.asdict(self)


def lineage_of(store: MetadataStore, file_or_sha256: str) -> Lineage:
    """Finds where a file comes from.

    The same bytes may have been made several times. Of a file inside a pushed version
    it is the artifact that this push took, else the newest.

    Args:
      store: Metadata of local runs, or of cluster runs that mirror theirs.
      file_or_sha256: A file, or 64 hexadecimal digits.

    Returns:
      The lineage of that artifact; the others are in `also_made`.

    Raises:
      ConfigError: it is neither, or no run recorded such a file.
    """
    sha256 = _sha256_of(file_or_sha256)
    query = f"type = '{_MODEL_TYPE}' AND properties.model_sha256.string_value = '{sha256}'"
    recorded = sorted(store.get_artifacts(ListOptions(filter_query=query)), key=lambda found: -found.id)
    made = [found for found in recorded if producer_of(store, found.id) is not None] or recorded
    model = _taken_by_push(store, made, Path(file_or_sha256)) or next(iter(made), None)
    if model is None:
        raise ConfigError(
            f"{file_or_sha256}: found no record of {sha256}, accepted is a model that a run recorded there made"
        )
    later, pusher = [], {}
    for execution in consumers_of(store, model.id):
        later += [_artifact(store, key, found, with_past=False) for key, found in outputs_of(store, execution.id)]
        if step_of(store, execution) == "Pusher":
            pusher = properties_of(execution)
    file = _artifact(store, "model", model, with_past=True)
    others = [found for found in reversed(made) if found.id != model.id]
    return Lineage(
        sha256,
        file,
        tuple(later),
        config=json.loads(pusher.get("config", "{}")),
        provenance=json.loads(pusher.get("provenance", "{}")),
        also_made=tuple(_same_bytes(store, found, file.made_with) for found in others),
    )


def lineage_tree(lineage: Lineage) -> Tree:
    """Draws the lineage as a tree for a terminal: digests shortened, what was shown above named only."""
    tree = Tree(f"[bold]{lineage.sha256}[/bold]")
    for other in lineage.also_made:
        tree.add(escape(other.text))
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


def _taken_by_push(store: MetadataStore, made: list[Artifact], file: Path) -> Artifact | None:
    """Finds what the push of a file took, by its folder or, in a copy of a pushed version, by the recorded versions.

    Args:
      store: The store.
      made: Artifacts with the bytes of the file, the newest first.
      file: The file, as `VERSION/STUDENT/STUDENT.tflite`; a digest is no file.
    """
    if not file.is_file():
        return None
    file = file.resolve()
    name, version = file.stem, file.parent.parent
    # Two students of one push may have the same bytes.
    made = sorted(made, key=lambda found: properties_of(found).get("student") != name)
    for found in made:
        for execution in consumers_of(store, found.id):
            outputs = [properties_of(output) for _, output in outputs_of(store, execution.id)]
            destinations = [output["destination"] for output in outputs if output.get("destination")]
            if any(Path(destination).resolve() == version for destination in destinations):
                return found
    try:
        made_with = json.loads((version / FAMILY_FILE).read_bytes())["made_with"][name]
    except (OSError, ValueError, KeyError, TypeError):  # no pushed version
        return None
    return next((a for a in made if json.loads(properties_of(a).get(MADE_WITH, "{}")) == made_with), None)


def _same_bytes(store: MetadataStore, artifact: Artifact, than: Mapping[str, str]) -> SameBytes:
    made = _artifact(store, "model", artifact, with_past=False)
    execution = producer_of(store, artifact.id)
    known = {name: made.made_with.get(name, "not recorded") for name in sorted({*made.made_with, *than})}
    different = {name: version for name, version in known.items() if than.get(name) != version}
    versions = different if made.made_with else None
    if execution is None:
        return SameBytes(artifact.id, "", 0, versions)
    return SameBytes(artifact.id, step_of(store, execution), execution.id, versions)


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
