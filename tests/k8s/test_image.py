"""What the image is made of: the same versions as everywhere, nothing for development, and a pinned base."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
PROJECTS = ROOT / "pyproject.toml", ROOT / "distributions" / "learn2compress-pipelines" / "pyproject.toml"
DOCKERFILE = (ROOT / "k8s" / "Dockerfile").read_text(encoding="utf-8")


def locked(path: Path) -> dict[str, str]:
    """Version and hashes by package."""
    entries = re.split(r"\n(?=\S)", path.read_text(encoding="utf-8"))
    return {entry.partition("==")[0]: entry.partition("==")[2].strip() for entry in entries if "==" in entry}


def test_its_packages_are_those_of_the_lock_less_what_is_for_development() -> None:
    image, everything = locked(ROOT / "k8s" / "requirements.lock"), locked(ROOT / "requirements.lock")
    assert len(image) > 100
    assert image.items() <= everything.items(), "make lock"
    library, pipelines = (tomllib.loads(path.read_text(encoding="utf-8"))["project"] for path in PROJECTS)
    declared = {Requirement(one).name.lower() for one in (*library["dependencies"], *pipelines["dependencies"])}
    assert declared - {"learn2compress"} <= set(image), "make lock"
    for_development = {Requirement(one).name.lower() for one in library["optional-dependencies"]["dev"]}
    # Tests import these, and so do packages that the product needs.
    assert for_development & set(image) == {"botocore", "grpcio", "packaging", "pandas"}
    assert for_development <= set(everything), "make lock"


def test_its_packages_for_a_gpu_are_the_same_and_nvidias_libraries() -> None:
    image, with_gpu = (locked(ROOT / "k8s" / f"requirements{which}.lock") for which in ("", "-gpu"))
    assert image.items() <= with_gpu.items(), "make lock"
    added = with_gpu.keys() - image.keys()
    assert {"nvidia-cudnn-cu12", "nvidia-cublas-cu12"} <= added
    assert all(name.startswith("nvidia-") for name in added), added
    # The argument is empty or `yes`, and so chooses the one or the other.
    assert re.search(r"^ARG GPU=$", DOCKERFILE, re.MULTILINE)
    assert "k8s/requirements${GPU:+-gpu}.lock" in DOCKERFILE


def test_its_base_is_pinned_and_every_stage_is_made_of_it() -> None:
    assert re.search(r"^ARG BASE=python:3\.11-slim-bookworm@sha256:[0-9a-f]{64}$", DOCKERFILE, re.MULTILINE)
    assert set(re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)) == {"${BASE}", "dependencies"}


def test_its_user_is_a_number_that_is_not_root() -> None:
    assert re.findall(r"^USER (.+)$", DOCKERFILE, re.MULTILINE) == ["65532:65532"]


def test_nothing_but_what_it_is_made_of_is_sent_to_the_builder() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if not line.startswith("#")]
    assert rules[0] == "*"
    sent = {rule[1:] for rule in rules if rule.startswith("!")}
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
    assert sent == {name for names in copied for name in names.split()}
