"""The teachers of a configuration are fetched apart, and one hash stands for all."""

from __future__ import annotations

from pathlib import Path

import fsspec
import pytest

from learn2compress.config import InputScaling, TeacherConfig, TeacherMemberConfig
from learn2compress.config.parsing import ConfigError
from learn2compress.teachers.members import fetch_members, joint_sha256, member_field, members_of


def test_members_of_the_same_name_are_fetched_apart(tmp_path: Path) -> None:
    remote = fsspec.filesystem("memory")
    for folder in ("one", "two"):
        remote.pipe(f"/{folder}/teacher.keras", folder.encode())
    other = TeacherMemberConfig("memory://two/teacher.keras", InputScaling(1.0))
    config = TeacherConfig("memory://one/teacher.keras", ensemble=(other,))
    assert [path.read_text() for path in fetch_members(config, tmp_path)] == ["one", "two"]
    assert members_of(config)["teacher.ensemble.0"] == other


def test_each_member_has_the_order_of_its_own_outputs() -> None:
    other = TeacherMemberConfig("b.keras", classes=("lime", "plum"))
    config = TeacherConfig("a.keras", classes=("plum", "lime"), ensemble=(other,))
    orders = {field: member.classes for field, member in members_of(config).items()}
    assert orders == {"teacher": ("plum", "lime"), "teacher.ensemble.0": ("lime", "plum")}
    assert list(orders) == [member_field(0), member_field(1)]


def test_a_member_that_is_not_there_is_named(logits_teachers: dict[str, Path], tmp_path: Path) -> None:
    good = TeacherMemberConfig(str(logits_teachers["keras"]))
    config = TeacherConfig(good.uri, ensemble=(good, TeacherMemberConfig("memory://nothing/here.keras")))
    with pytest.raises(ConfigError, match=r"^teacher.ensemble.1.uri: memory://nothing/here.keras: "):
        fetch_members(config, tmp_path)


def test_one_hash_covers_all_members_and_their_order() -> None:
    assert joint_sha256(["a"]) == "a"
    assert len({joint_sha256(members) for members in (["a", "b"], ["b", "a"], ["a", "b", "b"], ["a"])}) == 4
    assert len(joint_sha256(["a", "b"])) == 64
