"""Students leave a pushed version for a small folder, and are measured there as anyone would."""

from __future__ import annotations

import importlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from learn2compress.config.parsing import ConfigError
from learn2compress.results.reports import FamilyReport, ModelReport, read_json

README = Path(__file__).parents[2] / "examples" / "students" / "README.md"

pytestmark = pytest.mark.end_to_end


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(Path(__file__).parent)
    return importlib.import_module("collect_students")


@pytest.fixture
def collected(script: Any, finished_run: Any, tmp_path: Path) -> Path:
    """Both students of the run, one under another name."""
    version = finished_run.version
    done = script("collect_students", tmp_path / "students", version / "small", f"big={version / 'large'}")
    assert done.returncode == 0, done.stderr
    return tmp_path / "students"


def test_a_student_is_collected_as_it_was_pushed(collected: Path, finished_run: Any) -> None:
    assert {path.name for path in collected.iterdir()} == {"big", "small"}
    for name, pushed in (("big", "large"), ("small", "small")):
        folder, source = collected / name, finished_run.version / pushed
        subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=folder, check=True, capture_output=True)
        own = {path.name for path in source.iterdir()}
        assert {path.name for path in folder.iterdir()} == own | {"config.yaml", "teacher.json", "SHA256SUMS"}
        assert all((folder / file).read_bytes() == (source / file).read_bytes() for file in own)
        teacher = read_json(ModelReport, folder / "teacher.json")
        assert teacher == read_json(FamilyReport, finished_run.version / "family.json").teacher
    config = yaml.safe_load((collected / "small" / "config.yaml").read_text())
    pushed_config = yaml.safe_load((finished_run.version / "config.yaml").read_text())
    # This run is outside of the checkout.
    assert (config["teacher"].pop("uri"), config["push"].pop("uri")) == ("teacher.keras", "pushed")
    assert pushed_config["teacher"].pop("uri").startswith("/")
    assert pushed_config["push"].pop("uri").startswith("/")
    assert config == pushed_config


def test_paths_in_the_checkout_become_relative(collector: ModuleType, tmp_path: Path) -> None:
    config = {"data": {"uri": f"{tmp_path}/build/train", "held_out_uri": None}, "push": {"uri": "s3://models/a"}}
    folder = tmp_path / "examples" / "students" / "small"
    found = collector.without_machine_paths(config, folder, tmp_path)
    assert found == {"data": {"uri": "../../../build/train", "held_out_uri": None}, "push": {"uri": "s3://models/a"}}
    assert (folder / found["data"]["uri"]).resolve() == tmp_path / "build" / "train"


def test_nothing_is_collected_that_is_too_large_or_not_what_was_pushed(
    collector: ModuleType, finished_run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, student = tmp_path / "students", finished_run.version / "small"
    with monkeypatch.context() as limits:
        limits.setattr(collector, "MAX_MODEL_BYTES", 100)
        with pytest.raises(ConfigError, match="accepted are 100; collect a smaller one"):
            collector.collect(target, {"small": student})
    with monkeypatch.context() as limits:
        limits.setattr(collector, "MAX_FOLDER_BYTES", 10_000)
        with pytest.raises(ConfigError, match="bytes in all, accepted are 10,000"):
            collector.collect(target, {"small": student})
    with pytest.raises(ConfigError, match="accepted is the folder of a student in a pushed version"):
        collector.collect(target, {"small": finished_run.version})
    version = shutil.copytree(finished_run.version, tmp_path / "1")
    (version / "small" / "report.json").write_text("{}")
    with pytest.raises(ConfigError, match=r"report\.json: found SHA-256"):
        collector.collect(target, {"small": version / "small"})
    assert not target.exists()
    collector.collect(target, {"small": student})
    with pytest.raises(ConfigError, match="is there already"):
        collector.collect(target, {"small": student})


@pytest.mark.parametrize("of_version", [True, False])
def test_students_are_measured_as_their_run_measured_them(
    of_version: bool, collected: Path, finished_run: Any, script: Any
) -> None:
    names = {"large": "large", "small": "small"} if of_version else {"big": "large", "small": "small"}
    family = read_json(FamilyReport, finished_run.version / "family.json")
    reports = {student.name: student for student in family.students}

    done = script("measure_students", finished_run.version if of_version else collected, finished_run.images)

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["students"] == {
        name: {
            "top_1": reports[own].accuracy.top_1,
            "num_examples": reports[own].accuracy.num_examples,
            "model_bytes": reports[own].model_bytes,
            "macs": reports[own].macs,
        }
        for name, own in names.items()
    }


def test_another_file_is_not_measured(
    collected: Path, finished_run: Any, script: Any, refused: Any, tmp_path: Path
) -> None:
    def error(folder: Path = collected, images: Path = finished_run.images) -> str:
        return str(refused(script("measure_students", folder, images)))

    model = collected / "small" / "small.tflite"
    content = model.read_bytes()
    model.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert "small.tflite: found SHA-256" in error()
    model.unlink()
    assert "small.tflite is missing" in error()
    model.write_bytes(content)
    (collected / "small" / "more.txt").write_text("")
    assert "more.txt is not named there" in error()
    (collected / "small" / "more.txt").unlink()
    (collected / "another.tflite").write_bytes(content)
    assert "found no SHA256SUMS that names it" in error()
    (collected / "another.tflite").unlink()
    (tmp_path / "none").mkdir()
    assert "found no .tflite file" in error(tmp_path / "none")
    images = shutil.copytree(finished_run.images, tmp_path / "images")
    (images / "1" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    assert "1/broken.png: found a truncated or damaged PNG" in error(images=images)
    (images / "1").rename(images / "one")
    assert "found the class folder 'one'" in error(images=images)


def test_the_readmes_command_gives_the_accuracy_of_the_report(collected: Path, finished_run: Any) -> None:
    (commands,) = re.findall(r"^```bash\n(.*?)^```$", README.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands],
        cwd=collected / "small",
        env=os.environ | {"IMAGES": str(finished_run.images), "PATH": path},
        check=True,
        capture_output=True,
        text=True,
    )
    accuracy = read_json(ModelReport, collected / "small" / "report.json").accuracy
    assert done.stdout.splitlines()[-1] == f"top-1 {accuracy.top_1:.4f} of {accuracy.num_examples} images"
