"""The examples of CI and of the cluster say what the commands understand."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml

from pipelines.cli import app
from pipelines.git_trigger.settings import load_settings

ROOT = Path(__file__).parents[3]
GITHUB = ROOT / "examples" / "ci" / "github" / "compression.yaml"
GITLAB = ROOT / "examples" / "ci" / "gitlab" / "compression.yml"


def options_of(verb: str) -> set[str]:
    group: Any = typer.main.get_command(app)
    return {option for parameter in group.commands[verb].params for option in parameter.opts}


@pytest.mark.parametrize("path", [GITHUB, GITLAB], ids=["github", "gitlab"])
def test_every_option_in_an_example_is_one_of_the_command(path: Path) -> None:
    calls = re.findall(r"(?<=\btrigger )(?:[^\n]*\\\n|[^\n]*\n(?=\s+--))+[^\n]*", path.read_text())
    assert len(calls) == 2
    for call in calls:
        used = set(re.findall(r"(?<=\s)--[a-z-]+", f" {call}"))
        assert {"--repo", "--ref", "--sha", "--changed-since"} <= used <= options_of("trigger")


def test_the_gitlab_example_is_well_formed() -> None:
    content = yaml.safe_load(GITLAB.read_text())
    assert content["compression-start"]["rules"][0]["if"].startswith('$CI_PIPELINE_SOURCE == "push"')
    for name in ("compression-check", "compression-start"):
        assert content[name]["extends"] == ".compression"
        assert "--check" in str(content[name]["script"]) or name == "compression-start"


def test_the_workflow_has_no_findings_of_zizmor() -> None:
    zizmor = Path(sys.executable).with_name("zizmor")
    command = [str(zizmor), "--offline", "--no-progress", "--persona", "auditor", str(GITHUB)]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stdout + process.stderr


@pytest.mark.skipif(
    shutil.which("actionlint") is None,
    reason="found no actionlint; go install github.com/rhysd/actionlint/cmd/actionlint@v1.7.12 gives it",
)
def test_the_workflow_has_no_findings_of_actionlint() -> None:
    process = subprocess.run(["actionlint", str(GITHUB)], capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stdout


@pytest.mark.parametrize("path", sorted(ROOT.glob("k8s/overlays/*/webhook.yaml")), ids=lambda path: path.parent.name)
def test_the_settings_in_the_manifests_are_accepted(path: Path) -> None:
    assert load_settings(path).repositories


def test_the_settings_in_the_documentation_are_accepted(tmp_path: Path) -> None:
    (block,) = re.findall(
        r"```yaml\n(endpoint.*?)```", (ROOT / "docs" / "how-to" / "git-push.md").read_text(), re.DOTALL
    )
    (tmp_path / "webhook.yaml").write_text(block)
    settings = load_settings(tmp_path / "webhook.yaml")
    assert settings.repositories[0].has_ref("refs/heads/release/1")
    assert not settings.repositories[0].has_ref("refs/heads/next")
