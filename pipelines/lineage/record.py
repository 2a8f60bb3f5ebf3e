"""A file's past as a value: the artifacts and steps that lead to it, the push that took it, what was decided later."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from components.step_code.step import MADE_WITH
from pipelines.lineage.pushes import has_pushed


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
class PushRecord:
    """The run that pushed a file.

    Attributes:
      run: As `l2c runs` lists it: its number on a machine, the id of one on a cluster.
      execution_id: Number of the Pusher's execution in ML Metadata.
      version: Number of the version.
      destination: Where the version was pushed to.
    """

    run: str
    execution_id: int
    version: int
    destination: str


@dataclasses.dataclass(frozen=True)
class Lineage:
    """A file's past, and what was later found and decided about it.

    Attributes:
      sha256: The file's digest; of a whole version that of its `SHA256SUMS`.
      model: The artifact of the model, with its past; of what is about a whole family, that of the version.
      later: Evaluations of exactly this artifact, and the versions that were decided on with it, whether they hold it
        or not.
      config: The configuration of the run that pushed it; empty where it was not pushed.
      provenance: Digests recorded by that push.
      also_made: Other artifacts with the same bytes, in order.
      path: Of the file in its version; empty for a model that was not pushed, and for a version as a whole.
      pushed_by: The run that pushed it; `None` where none did.
      measured: Evaluations that the push decided by: of each student, and of the teacher, which is "teacher".
    """

    sha256: str
    model: LineageArtifact
    later: tuple[LineageArtifact, ...]
    config: dict[str, Any]
    provenance: dict[str, str]
    also_made: tuple[SameBytes, ...] = ()
    path: str = ""
    pushed_by: PushRecord | None = None
    measured: tuple[LineageArtifact, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Returns plain mappings, for JSON."""
        return dataclasses.asdict(self)

    def steps(self) -> tuple[tuple[LineageStep, tuple[LineageArtifact, ...]], ...]:
        """Returns the executions that led to the file, each after those that it read from, with what was read of it."""
        found: dict[int, tuple[LineageStep, dict[int, LineageArtifact]]] = {}

        def visit(artifact: LineageArtifact) -> None:
            step = artifact.made_by
            if step is None:
                return
            if step.execution_id not in found:
                for source in step.inputs:
                    visit(source)
                found[step.execution_id] = step, {}
            found[step.execution_id][1].setdefault(artifact.artifact_id, artifact)

        visit(self.model)
        return tuple((step, tuple(artifacts.values())) for step, artifacts in found.values())


def holds_file(version: LineageArtifact, model: LineageArtifact) -> bool:
    """Returns whether what was made later holds a model's file, if it is a version; evaluations are about it anyway.

    Args:
      version: A later artifact.
      model: The model's.
    """
    return version.kind != "L2CPushedVersion" or has_pushed(version.properties, model.properties)


def versions_text(made_with: Mapping[str, str]) -> str:
    """Writes versions in one line."""
    return ", ".join(f"{name} {version}" for name, version in made_with.items()) or "versions that were not recorded"
