"""Names of branches, commits, paths and repositories that come from outside."""

from __future__ import annotations

import pytest

from learn2compress.config.parsing import ConfigError
from pipelines.git_trigger.push import Push, check_path, check_ref, check_remote

COMMIT = "0123456789abcdef0123456789abcdef01234567"

METACHARACTERS = [
    "; reboot", "$(id)", "`id`", "a|b", "a&b", "a>b", "a\nb", "a\0b", "a*", "a?b", "a[b", "a\\b", "~a", "a:b",
    "a'b", 'a"b', "a{b}", "a#b", "a%2e%2e", "ä", "a\u202eb", " a", "a ",
]  # fmt: skip


@pytest.mark.parametrize("branch", ["main", "release/1.2", "feature/a_b-c", "user@host", "c++", "1"])
def test_ordinary_branches_are_accepted(branch: str) -> None:
    check_ref(f"refs/heads/{branch}")


@pytest.mark.parametrize(
    "branch",
    [
        *METACHARACTERS, "", "-x", "--upload-pack=id", "..", "a/../b", "a..b", "/a", "a/", "a//b", ".a", "a/.b", "a.",
        "a.lock", "a.lock/b", "a@{1}", "x" * 201,
    ],
)  # fmt: skip
def test_other_branches_are_refused(branch: str) -> None:
    with pytest.raises(ConfigError, match=r"^ref: found .* accepted is refs/heads/"):
        check_ref(f"refs/heads/{branch}")


@pytest.mark.parametrize("ref", ["main", "refs/tags/v1", "refs/pull/1/head", "HEAD", "", "+refs/heads/main"])
def test_refs_that_are_no_branches_are_refused(ref: str) -> None:
    with pytest.raises(ConfigError, match=r"^ref: "):
        check_ref(ref)


@pytest.mark.parametrize("path", ["l2c.yaml", "a/b/c.l2c.yaml", ".hidden/l2c.yaml", "a@1/b+c.yaml"])
def test_ordinary_paths_are_accepted(path: str) -> None:
    check_path(path)


@pytest.mark.parametrize(
    "path",
    [
        *METACHARACTERS,
        "",
        "/etc/passwd",
        "../a",
        "a/../b",
        "a/..",
        "./a",
        "a//b",
        "a/",
        "-a",
        ".git/config",
        "a/.GIT/b",
    ],
)
def test_other_paths_are_refused(path: str) -> None:
    with pytest.raises(ConfigError, match=r"^found path "):
        check_path(path)


@pytest.mark.parametrize("commit", ["main", "abc", COMMIT[:-1], COMMIT.upper(), f"{COMMIT}\n", "-" + COMMIT[1:], ""])
def test_a_commit_is_named_in_full(commit: str) -> None:
    with pytest.raises(ConfigError, match=r"^sha: found"):
        Push("https://git.example.com/a/b", "refs/heads/main", commit, None)
    with pytest.raises(ConfigError, match=r"^changed-since: found"):
        Push("https://git.example.com/a/b", "refs/heads/main", COMMIT, commit)


@pytest.mark.parametrize("url", ["https://git.example.com/team/models.git", "http://gitea.svc:3000/a/b"])
def test_repositories_are_on_web_servers(url: str) -> None:
    check_remote(url, "url")


@pytest.mark.parametrize(
    "url",
    ["git@example.com:a/b", "ssh://example.com/a", "file:///etc", "/etc", "ext::sh -c id", "https://u:secret@example.com/a",
     "https://example.com", "https://example.com/a?b", "https://example.com/a/../b", "https://example.com/a b", "-https://a/b"],
)  # fmt: skip
def test_other_repositories_are_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(ConfigError, match=r"^url: found something else, ") as raised:
        check_remote(url, "url")
    assert "secret" not in str(raised.value)


def test_a_run_is_named_by_repository_branch_commit_and_path_alone() -> None:
    push = Push("https://git.example.com/a/b.git", "refs/heads/main", COMMIT, None)
    same = Push("https://git.example.com/a/b/", "refs/heads/main", COMMIT, "f" * 40)
    assert push.run_key("l2c.yaml") == same.run_key("l2c.yaml")
    others = [
        Push("https://git.example.com/a/c", "refs/heads/main", COMMIT, None).run_key("l2c.yaml"),
        Push("https://git.example.com/a/b", "refs/heads/next", COMMIT, None).run_key("l2c.yaml"),
        Push("https://git.example.com/a/b", "refs/heads/main", "f" * 40, None).run_key("l2c.yaml"),
        push.run_key("other/l2c.yaml"),
    ]
    assert len({push.run_key("l2c.yaml"), *others}) == 5
