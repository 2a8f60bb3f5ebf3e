"""What a push changed, from real repositories; hostile ones have no effect."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import pytest

from learn2compress.config.parsing import ConfigError
from pipelines.git_trigger.changed_files import DEFAULT_FILES, FetchedPush, fetch_push, list_branches
from pipelines.git_trigger.git_program import GitLimits, TryAgainError
from pipelines.git_trigger.push import Push


@pytest.fixture(autouse=True)
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary folders are made; nothing may be left there."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def push_of(repository: Any, commit: str, since: str | None = None) -> Push:
    return Push(str(repository.folder), "refs/heads/main", commit, since)


def changed(
    repository: Any, commit: str, since: str | None = None, patterns: tuple[str, ...] = DEFAULT_FILES
) -> list[str]:
    with fetch_push(push_of(repository, commit, since), patterns) as found:
        return [file.path for file in found.changed]


def refusal(found: FetchedPush, path: str) -> str:
    (file,) = [file for file in found.changed if file.path == path]
    with pytest.raises(ConfigError) as raised:
        found.read(file)
    return str(raised.value)


def test_new_and_changed_compression_files_are_found(repository: Any, scratch: Path) -> None:
    first = repository.commit({"l2c.yaml": "1", "a/b/two.l2c.yaml": "1", "other.yaml": "1", "gone.l2c.yaml": "1"})
    second = repository.commit({"a/b/two.l2c.yaml": "2", "new/l2c.yaml": "1", "other.yaml": "2", "gone.l2c.yaml": None})
    assert changed(repository, second, first) == ["a/b/two.l2c.yaml", "new/l2c.yaml"]
    assert changed(repository, second) == ["a/b/two.l2c.yaml", "l2c.yaml", "new/l2c.yaml"]
    assert changed(repository, second, first, ("*.yaml",)) == ["other.yaml"]
    assert changed(repository, second, second) == []
    assert list(scratch.iterdir()) == []


def test_a_file_is_read_as_it_was_at_the_commit(repository: Any) -> None:
    first = repository.commit({"l2c.yaml": "name: first"})
    repository.commit({"l2c.yaml": "name: second"})
    with fetch_push(push_of(repository, first), DEFAULT_FILES) as found:
        (file,) = found.changed
        assert found.read(file) == b"name: first"
        assert found.author_time == "2026-03-04T03:06:07Z"


def test_where_the_commit_before_is_gone_every_file_counts(repository: Any) -> None:
    commit = repository.commit({"l2c.yaml": "1", "a/l2c.yaml": "1"})
    assert changed(repository, commit, "f" * 40) == ["a/l2c.yaml", "l2c.yaml"]


def test_a_commit_that_is_not_there_may_come_later(repository: Any, scratch: Path) -> None:
    repository.commit({"l2c.yaml": "1"})
    with pytest.raises(TryAgainError, match="not our ref"):
        changed(repository, "f" * 40)
    with (
        pytest.raises(TryAgainError, match="git: "),
        fetch_push(Push("/nowhere", "refs/heads/main", "f" * 40, None), ("a",)),
    ):
        pass
    assert list(scratch.iterdir()) == []


def test_links_submodules_and_large_files_are_refused(repository: Any) -> None:
    repository.commit({"real.l2c.yaml": "1", "large.l2c.yaml": "a: " + "x" * 10_000_000})
    (repository.folder / "link.l2c.yaml").symlink_to("/etc/passwd")
    (repository.folder / "up.l2c.yaml").symlink_to("../../outside.yaml")
    repository.git("add", "--all")
    repository.git("update-index", "--add", "--cacheinfo", f"160000,{'a' * 40},sub.l2c.yaml")
    repository.git("commit", "--quiet", "--message", "hostile")
    with fetch_push(push_of(repository, repository.git("rev-parse", "HEAD")), DEFAULT_FILES) as found:
        assert refusal(found, "link.l2c.yaml") == "found a symbolic link, accepted is a regular file"
        assert refusal(found, "up.l2c.yaml") == "found a symbolic link, accepted is a regular file"
        assert refusal(found, "sub.l2c.yaml") == "found a submodule, accepted is a regular file"
        assert refusal(found, "large.l2c.yaml") == "found 10000003 bytes, accepted are 262144 at most"
        assert found.read(next(file for file in found.changed if file.path == "real.l2c.yaml")) == b"1"


@pytest.mark.parametrize(
    "name", ["$(touch x).l2c.yaml", "a;b.l2c.yaml", "-a.l2c.yaml", "a\nb.l2c.yaml", "ä.l2c.yaml", "a b.l2c.yaml"]
)
def test_paths_with_other_characters_are_refused(repository: Any, name: str) -> None:
    commit = repository.commit({f"{name}.l2c.yaml": "1"})
    with fetch_push(push_of(repository, commit), DEFAULT_FILES) as found:
        assert refusal(found, f"{name}.l2c.yaml").startswith("found path ")


@pytest.mark.parametrize("entry", ["..", ".git", "."])
def test_a_tree_that_climbs_out_is_refused_as_it_arrives(repository: Any, entry: str) -> None:
    blob = repository.git("hash-object", "-w", "--stdin", text="1")
    tree = repository.git("mktree", text=f"100644 blob {blob}\tl2c.yaml\n")
    raw = f"40000 {entry}\0".encode() + bytes.fromhex(tree)
    (repository.folder / "raw").write_bytes(raw)
    outer = repository.git("hash-object", "-t", "tree", "-w", "--literally", "raw")
    commit = repository.git("commit-tree", outer, "-m", "hostile")
    with pytest.raises(ConfigError, match="git refused what it was sent"):
        changed(repository, commit)


def test_what_is_not_a_commit_is_refused(repository: Any) -> None:
    repository.commit({"l2c.yaml": "1"})
    tree = repository.git("rev-parse", "HEAD^{tree}")
    with pytest.raises(ConfigError, match="repository: git cat-file"):
        changed(repository, tree)


def test_more_than_a_pack_may_have_is_refused(repository: Any) -> None:
    commit = repository.commit({"l2c.yaml": "1", "noise": os.urandom(2_000_000)})
    push = push_of(repository, commit)
    with (
        pytest.raises((ConfigError, TryAgainError)),
        fetch_push(push, DEFAULT_FILES, limits=GitLimits(file_bytes=500_000)),
    ):
        pass
    with fetch_push(push, DEFAULT_FILES, limits=GitLimits(file_bytes=4_000_000)) as found:
        assert len(found.changed) == 1


def test_too_many_changed_files_are_refused(repository: Any) -> None:
    commit = repository.commit({f"{number}.l2c.yaml": "1" for number in range(51)})
    with pytest.raises(ConfigError, match="found 51 changed compression files"):
        changed(repository, commit)


def test_nothing_of_the_repository_and_nothing_of_our_own_configuration_is_executed(
    repository: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trap = tmp_path / "trap"
    script = tmp_path / "trap.sh"
    script.write_text(f"#!/bin/sh\necho caught >> {trap}\ncat\n")
    script.chmod(0o755)
    attributes = "* filter=trap diff=trap\n"
    modules = f'[submodule "x"]\n path = x\n url = ext::{script}\n'
    first = repository.commit({".gitattributes": attributes, ".gitmodules": modules, "l2c.yaml": "1"})
    commit = repository.commit({"l2c.yaml": "2", "x.bin": b"\0"})
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text(
        f'[filter "trap"]\n smudge = {script}\n[diff "trap"]\n textconv = {script}\n external = {script}\n'
        f"[core]\n fsmonitor = {script}\n hooksPath = {tmp_path}\n pager = {script}\n"
    )
    for hook in ("post-checkout", "reference-transaction", "post-index-change"):
        (tmp_path / hook).symlink_to(script)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", str(script))
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    assert changed(repository, commit, first) == ["l2c.yaml"]
    assert not trap.exists()


@pytest.mark.parametrize("pattern", ["", "/etc/*", "-x", ":(exclude)a", "a\nb", "x" * 300, "!a"])
def test_patterns_of_another_meaning_are_refused(repository: Any, pattern: str) -> None:
    with pytest.raises(ConfigError, match=r"^files: found"):
        changed(repository, "f" * 40, None, (pattern,))


def test_the_heads_of_a_repository_are_its_branches(repository: Any) -> None:
    commit = repository.commit({"l2c.yaml": "1"})
    repository.git("branch", "release/1")
    repository.git("tag", "v1")
    assert list_branches(str(repository.folder)) == {"refs/heads/main": commit, "refs/heads/release/1": commit}
    with pytest.raises(TryAgainError, match="git: "):
        list_branches("/nowhere")
