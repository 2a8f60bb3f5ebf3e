"""A file's lineage as a tree for a terminal: digests shortened, what was shown above named only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.text import Text
from rich.tree import Tree

from components.step_code.step import MADE_WITH
from pipelines.lineage.record import Lineage, LineageArtifact, holds_file, versions_text
from pipelines.lineage.words import short_digest

# Parameters that carry a whole section of the configuration, which the Pusher records once.
_HIDDEN = frozenset({"task", "students", "evaluate", "checkpoint_root", "student_name", "family_name"})
_LONG = 80


def lineage_tree(lineage: Lineage) -> Tree:
    """Draws a lineage as a tree."""
    # Texts, not markup: paths and names may have brackets in them.
    tree = Tree(Text(lineage.sha256, "bold"))
    for other in lineage.also_made:
        tree.add(Text(other.text))
    _add(tree, lineage.model, set())
    push = lineage.pushed_by
    if push is not None:
        path = lineage.path or "all of it"
        pushed = tree.add(Text(f"pushed by run {push.run} as {path} in version {push.version}: {push.destination}"))
        pushed.add(Text(f"from {_facts(lineage.provenance)}"))
    else:
        tree.add(Text("not pushed by any run that is recorded here"))
    if lineage.later:
        later = tree.add("later")
        for artifact in lineage.later:
            text = _artifact_text(artifact)
            later.add(text if holds_file(artifact, lineage.model) else text.append("; it does not hold this file"))
    return tree


def _add(tree: Tree, artifact: LineageArtifact, shown: set[int | str]) -> None:
    if artifact.artifact_id in shown:
        tree.add(Text(f"{artifact.key}: {artifact.kind} (above)"))
        return
    shown.add(artifact.artifact_id)
    branch = tree.add(_artifact_text(artifact))
    step = artifact.made_by
    if step is not None:
        # Sections that several steps share are long: once is enough.
        parameters = {k: v for k, v in step.parameters.items() if k not in _HIDDEN and str(v) not in shown}
        shown.update(value for value in parameters.values() if isinstance(value, str) and len(value) > _LONG)
        made_by = branch.add(Text.assemble("made by ", (step.step, "bold"), f" {_facts(parameters)}"))
        made_by.add(Text(f"ran with {versions_text(artifact.made_with)}"))
        for source in step.inputs:
            _add(made_by, source, shown)


def _artifact_text(artifact: LineageArtifact) -> Text:
    known = {name: value for name, value in artifact.properties.items() if name != MADE_WITH}
    return Text.assemble(f"{artifact.key}: ", (artifact.kind, "bold"), f" {_facts(known)}")


def _facts(values: Mapping[str, Any]) -> str:
    shown = {name: _short(value) for name, value in values.items() if value not in ("", "null")}
    return ", ".join(f"{name}={value}" for name, value in shown.items())


def _short(value: Any) -> Any:
    short = short_digest(value) if isinstance(value, str) else value
    return value if short == value else f"{short}…"
