"""Digests of a run's inputs: a change of data, teacher or configuration changes its own digest, and no other."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import numpy as np
import pytest

from learn2compress.config import (
    CompressionConfig,
    DataConfig,
    DataFormat,
    FamilyConfig,
    PretrainedConfig,
    SearchConfig,
    StudentConfig,
    StudentNetwork,
    TeacherConfig,
    TeacherMemberConfig,
)
from learn2compress.config.parsing import ConfigError
from pipelines.provenance import Provenance, SourceRevision, code_digests, collect_provenance


def config_of(folder: Path) -> CompressionConfig:
    return CompressionConfig(
        name="family",
        teacher=TeacherConfig(str(folder / "teacher.keras")),
        students=(StudentConfig("only", 1),),
        data=DataConfig(format=DataFormat.NPZ, uri=str(folder / "data.npz")),
    )


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    (tmp_path / "teacher.keras").write_bytes(b"a teacher")
    np.savez(tmp_path / "data.npz", x=np.zeros((4, 8, 8, 1), np.uint8), y=np.arange(4))
    return tmp_path


def differing(one: Provenance, two: Provenance) -> set[str]:
    fields = (field.name for field in dataclasses.fields(Provenance))
    return {name for name in fields if getattr(one, name) != getattr(two, name)}


def test_the_same_inputs_give_the_same_provenance(inputs: Path) -> None:
    assert collect_provenance(config_of(inputs)) == collect_provenance(config_of(inputs))


def test_each_input_changes_its_own_digest(inputs: Path) -> None:
    before = collect_provenance(config_of(inputs))
    np.savez(inputs / "data.npz", x=np.zeros((5, 8, 8, 1), np.uint8), y=np.arange(5))
    assert differing(before, collect_provenance(config_of(inputs))) == {"data_fingerprint"}
    before = collect_provenance(config_of(inputs))
    for name in ("data.npz", "teacher.keras"):
        os.utime(inputs / name, (1, 1))  # what was touched is the same
    assert collect_provenance(config_of(inputs)) == before
    for name, field in (("data.npz", "data_fingerprint"), ("teacher.keras", "teacher_sha256")):
        content, status = (inputs / name).read_bytes(), (inputs / name).stat()
        (inputs / name).write_bytes(content[::-1])  # what has the name, size and time that it had may be other bytes
        os.utime(inputs / name, ns=(status.st_atime_ns, status.st_mtime_ns))
        assert differing(before, collect_provenance(config_of(inputs))) == {field}
        (inputs / name).write_bytes(content)
    changed = dataclasses.replace(config_of(inputs), seed=9)
    assert differing(collect_provenance(config_of(inputs)), collect_provenance(changed)) == {"config_sha256"}


def test_every_teacher_of_an_ensemble_counts(inputs: Path) -> None:
    second = inputs / "second.keras"
    second.write_bytes(b"a second teacher")
    alone = config_of(inputs)
    together = dataclasses.replace(alone.teacher, ensemble=(TeacherMemberConfig(str(second)),))
    config = dataclasses.replace(alone, teacher=together)
    before = collect_provenance(config)
    assert before.teacher_sha256 != collect_provenance(alone).teacher_sha256
    second.write_bytes(b"b second teacher")
    assert differing(before, collect_provenance(config)) == {"teacher_sha256"}
    second.unlink()
    with pytest.raises(ConfigError, match=f"^teacher.ensemble.0.uri: {second} can't be read: No such file"):
        collect_provenance(config)


def with_pretrained(config: CompressionConfig, path: Path) -> CompressionConfig:
    training = dataclasses.replace(config.training, pretrained=PretrainedConfig(str(path), ("exit",)))
    return dataclasses.replace(config, training=training)


def test_a_change_of_the_pretrained_model_is_seen(inputs: Path) -> None:
    model = inputs / "pretrained.keras"
    model.write_bytes(b"a model")
    config = with_pretrained(config_of(inputs), model)
    before = collect_provenance(config)
    model.touch()
    assert collect_provenance(config) == before
    status = model.stat()
    model.write_bytes(b"b model")
    os.utime(model, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert differing(before, collect_provenance(config)) == {"pretrained_sha256"}
    assert before.as_dict()["pretrained_sha256"] == before.pretrained_sha256
    assert "pretrained_sha256" not in collect_provenance(config_of(inputs)).as_dict()


def test_a_missing_pretrained_model_is_named(inputs: Path) -> None:
    with pytest.raises(ConfigError, match=f"{inputs / 'none.keras'} can't be read: No such file"):
        collect_provenance(with_pretrained(config_of(inputs), inputs / "none.keras"))


def test_every_step_has_a_digest_of_the_runs_own_architecture(inputs: Path) -> None:
    config = config_of(inputs)
    digests = collect_provenance(config).code_digests
    everything = {
        "ingest",
        "teacher_load",
        "teacher_as_student",
        "joint_distill_trainer",
        "family_trainer",
        "pick",
        "prune",
        "quantize",
        "search",
        "evaluate",
        "pusher",
    }
    assert set(code_digests("residual")) == everything
    family = {"family_trainer", "pick"}
    absent = {"search", "teacher_as_student", *family}
    assert digests == {name: digest for name, digest in code_digests("residual").items() if name not in absent}
    searching = collect_provenance(dataclasses.replace(config, search=SearchConfig())).code_digests
    assert set(searching) == everything - {"prune", "quantize", "teacher_as_student", *family}
    picking = dataclasses.replace(
        config, search=SearchConfig(family=FamilyConfig()), students=(StudentConfig("small"),)
    )
    absent_when_picking = {"search", "teacher_as_student", "joint_distill_trainer"}
    assert set(collect_provenance(picking).code_digests) == everything - absent_when_picking
    alone = dataclasses.replace(config, students=(StudentConfig("own", network=StudentNetwork.TEACHER),))
    assert set(collect_provenance(alone).code_digests) == everything - {"search", "joint_distill_trainer", *family}
    other = dataclasses.replace(config, training=dataclasses.replace(config.training, architecture="mobilenet"))
    changed = collect_provenance(other).code_digests
    builders = {"joint_distill_trainer", "prune", "quantize", "evaluate"}
    assert {name for name in digests if digests[name] != changed[name]} == builders


def test_reports_get_flat_text(inputs: Path) -> None:
    told = collect_provenance(config_of(inputs)).as_dict()
    assert set(told) == {"config_sha256", "teacher_sha256", "code_sha256"}
    assert all(isinstance(value, str) and value for value in told.values())


def test_where_in_git_a_configuration_is_from_is_told_and_changes_no_digest(inputs: Path) -> None:
    source = SourceRevision(
        "https://git.example.com/a/b", "refs/heads/main", "f" * 40, "2026-01-02T03:04:05Z", "a.yaml", "0"
    )
    before, after = collect_provenance(config_of(inputs)), collect_provenance(config_of(inputs), source)
    assert differing(before, after) == {"source"}
    told = after.as_dict()
    assert told["source_commit"] == "f" * 40
    assert {name for name in told if name not in before.as_dict()} == set(source.as_dict())


@pytest.mark.parametrize("missing", ["teacher.keras", "data.npz"])
def test_a_missing_input_is_named(inputs: Path, missing: str) -> None:
    (inputs / missing).unlink()
    with pytest.raises(ConfigError, match=str(inputs / missing)):
        collect_provenance(config_of(inputs))
