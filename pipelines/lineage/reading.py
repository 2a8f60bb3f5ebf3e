"""Reads a file's lineage from ML Metadata: from a pushed file back to everything that made it."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from ml_metadata import ListOptions, MetadataStore

from learn2compress.config.parsing import ConfigError, clipped
from learn2compress.release.push_content import SUMS_FILE
from pipelines.lineage.pushes import (
    PlacedFile,
    Push,
    all_pushes,
    find_pushed_digest,
    placed_file,
    push_of_place,
    pushes_of,
)
from pipelines.lineage.record import Lineage, LineageArtifact, LineageStep, PushRecord, SameBytes
from pipelines.metadata_store import (
    Artifact,
    Execution,
    consumers_of,
    inputs_of,
    outputs_of,
    producer_of,
    properties_of,
    run_name_of,
    step_of,
)

_SHA256 = re.compile(r"[0-9a-fA-F]{64}")
_MODEL_TYPE = "L2CLiteRtModel"
_EVALUATION_TYPE = "L2CEvaluation"


class NotRecordedError(ConfigError):
    """A store knows nothing of a file."""


def lineage_of(store: MetadataStore, file_or_sha256: str) -> Lineage:
    """Finds where a file comes from.

    The same bytes may have been made, and pushed, several times. Of a file in a pushed version, or in a copy of one, it
    is what this push took; of a digest or of any other file with the same bytes, what was pushed last, else made last.

    Args:
      store: Metadata of local runs, or of cluster runs that mirror theirs.
      file_or_sha256: A file, the folder of a pushed version or of a student in it, or 64 hexadecimal digits.

    Returns:
      The lineage of that artifact; the others are in `also_made`. A file beside a model has the model's.

    Raises:
      ConfigError: it is none of these, or was changed.
      NotRecordedError: no run recorded there made or pushed it.
    """
    path = Path(file_or_sha256)
    place = placed_file(path) if os.path.exists(path) else None
    sha256 = _sha256_of(file_or_sha256) if place is None else _sha256_in(place)
    made = _models_with(store, sha256) if place is None else []
    if place is None and not made:
        place = find_pushed_digest(store, sha256)
    if place is not None and place.student:
        return _lineage_in_version(store, place, sha256)
    if place is not None:
        return _lineage_of_version(store, place, sha256)
    if not made:
        raise _not_recorded(file_or_sha256, sha256)
    pushed = max((push for model in made for push in pushes_of(store, model)), key=_execution_id, default=None)
    model = pushed.model if pushed is not None and pushed.model is not None else made[0]
    return _lineage(store, sha256, model, made, pushed)


def check_named(file_or_sha256: str) -> None:
    """Checks that there is what a person named, which needs no store.

    Args:
      file_or_sha256: As `lineage_of`.

    Raises:
      ConfigError: it is neither there nor a digest.
    """
    if not os.path.exists(file_or_sha256):
        _sha256_of(file_or_sha256)


def first_lineage_of(stores: Iterable[MetadataStore], file_or_sha256: str) -> Lineage:
    """Finds where a file comes from in the first of several stores that knows it.

    Args:
      stores: At least one; only as many are opened as it takes.
      file_or_sha256: As `lineage_of`.

    Raises:
      ConfigError: as `lineage_of`, of the first store where none knows it.
    """
    not_recorded = []
    for store in stores:
        try:
            return lineage_of(store, file_or_sha256)
        except NotRecordedError as error:
            not_recorded.append(error)
    raise not_recorded[0]


def _sha256_of(file_or_sha256: str) -> str:
    path = Path(file_or_sha256)
    if os.path.isfile(path):  # `Path` raises for a name that is too long
        return hashlib.sha256(path.read_bytes()).hexdigest()
    if _SHA256.fullmatch(file_or_sha256):
        return file_or_sha256.lower()
    found = "a folder that is no pushed version" if os.path.isdir(path) else repr(clipped(file_or_sha256))
    raise ConfigError(
        f"FILE_OR_SHA256: found {found}, accepted is a file, the folder of a pushed version, or 64 hexadecimal digits"
    )


def _sha256_in(place: PlacedFile) -> str:
    """Returns the digest of a pushed file, of a student's folder that of its model, of the rest that of the sums."""
    if place.path in place.sums:
        return place.sums[place.path]
    if place.student:
        return place.sums[f"{place.student}/{place.student}.tflite"]
    return hashlib.sha256((place.folder / SUMS_FILE).read_bytes()).hexdigest()


def _models_with(store: MetadataStore, sha256: str) -> list[Artifact]:
    """Returns the models with these bytes, the newest first; only those with a maker where there are some."""
    query = f"type = '{_MODEL_TYPE}' AND properties.model_sha256.string_value = '{sha256}'"
    recorded = sorted(store.get_artifacts(ListOptions(filter_query=query)), key=lambda found: -found.id)
    return [found for found in recorded if producer_of(store, found.id) is not None] or recorded


def _lineage_in_version(store: MetadataStore, place: PlacedFile, sha256: str) -> Lineage:
    """Returns the lineage of the model that a file in a student's folder is, or is beside."""
    made = _models_with(store, place.sums[f"{place.student}/{place.student}.tflite"])
    # Two students of one push may have the same bytes.
    own = [found for found in made if properties_of(found).get("student") == place.student]
    pushed = push_of_place([push for model in own for push in pushes_of(store, model)], place)
    if pushed is None or pushed.model is None:
        raise _not_recorded(str(place.folder / place.path), sha256, is_pushed=True)
    return _lineage(store, sha256, pushed.model, made, pushed, place)


def _lineage_of_version(store: MetadataStore, place: PlacedFile, sha256: str) -> Lineage:
    pushed = push_of_place(all_pushes(store), place)
    if pushed is None:
        raise _not_recorded(str(place.folder / place.path), sha256, is_pushed=True)
    return _lineage(store, sha256, pushed.version, [pushed.version], pushed, place)


def _lineage(
    store: MetadataStore,
    sha256: str,
    artifact: Artifact,
    made: list[Artifact],
    pushed: Push | None,
    place: PlacedFile | None = None,
) -> Lineage:
    """Returns the lineage of an artifact.

    Args:
      store: The store.
      sha256: Of the file that was asked for.
      artifact: The model or the version.
      made: Artifacts with the same bytes, this one among them, the newest first.
      pushed: The push of it.
      place: The file that was asked for; `None` for the model itself.
    """
    later = [
        _artifact(store, key, found, with_past=False)
        for execution in consumers_of(store, artifact.id)
        for key, found in outputs_of(store, execution.id)
    ]
    told = properties_of(pushed.execution) if pushed is not None else {}
    student = properties_of(artifact).get("student")
    path = place.path if place is not None else f"{student}/{student}.tflite" if pushed is not None else ""
    key = "version" if pushed is not None and artifact is pushed.version else "model"
    file = _artifact(store, key, artifact, with_past=True)
    others = [found for found in reversed(made) if found.id != artifact.id]
    return Lineage(
        sha256,
        file,
        tuple(later),
        config=json.loads(told.get("config", "{}")),
        provenance=json.loads(told.get("provenance", "{}")),
        also_made=tuple(_same_bytes(store, found, file.made_with) for found in others),
        path=path,
        pushed_by=None if pushed is None else _push_record(store, pushed),
        measured=() if pushed is None else _measured(store, pushed),
    )


def _measured(store: MetadataStore, push: Push) -> tuple[LineageArtifact, ...]:
    """Returns the evaluations that a push decided by.

    Args:
      store: The store.
      push: The push.
    """
    return tuple(
        _artifact(store, key, artifact, with_past=False)
        for key, artifact in inputs_of(store, push.execution.id)
        if artifact.type == _EVALUATION_TYPE
    )


def _push_record(store: MetadataStore, push: Push) -> PushRecord:
    version = properties_of(push.version)
    run = run_name_of(store, push.execution)
    return PushRecord(run, push.execution.id, int(version.get("version") or 0), str(version["destination"]))


def _execution_id(push: Push) -> int:
    return int(push.execution.id)


def _not_recorded(file_or_sha256: str, sha256: str, *, is_pushed: bool = False) -> NotRecordedError:
    accepted = "the metadata of the run that pushed it" if is_pushed else "a file that a run recorded there made"
    return NotRecordedError(f"{file_or_sha256}: found no record of {sha256}, accepted is {accepted}")


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
