"""Both wheels have what they should and no more, and the library's alone is enough to compress a teacher."""

from __future__ import annotations

import email
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
UV = Path(sys.executable).with_name("uv")
SOURCES = ("learn2compress", "components", "pipelines", "distributions", "pyproject.toml", "README.md", "LICENSE")
FRAMEWORKS = {"tfx", "kfp", "apache-beam", "tensorflow-data-validation", "ml-metadata"}
VERSION = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)[1]  # type: ignore[index]

# What a new user types first, on discs of three colours; short trainings, which decide nothing here.
FIVE_LINES = """
import keras
import numpy as np

random = np.random.default_rng(0)
rows, columns = np.mgrid[:16, :16]

def discs(count):
    x = random.integers(0, 60, (count, 16, 16, 3), dtype=np.uint8)
    y = np.arange(count) % 3
    for image, channel, (row, column) in zip(x, y, random.integers(5, 11, (count, 2))):
        image[(rows - row) ** 2 + (columns - column) ** 2 < 16, channel] = 220
    return x, y

train, held_out = discs(180), discs(90)
inputs = keras.Input((16, 16, 3))
pooled = keras.layers.GlobalAveragePooling2D()(keras.layers.Rescaling(1 / 255)(inputs))
teacher = keras.Model(inputs, keras.layers.Dense(3, name="classes")(pooled))
teacher.get_layer("classes").set_weights([40 * np.eye(3), np.zeros(3)])
quickly = {"training": {"epochs": 2}, "prune": {"epochs": 1}, "quantize": {"epochs": 1}}

import learn2compress as l2c
family = l2c.compress(teacher, train, held_out, students={"large": "60 kB", "small": "20 kB"}, **quickly)
family.report()            # a table in a terminal, rich HTML in a notebook
family["small"].save("small.tflite", accept_refused=True)
"""


def run(*command: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, cwd=cwd)


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Both wheels by distribution, built from a copy: what an earlier build left in a checkout gets into a wheel."""
    folder = tmp_path_factory.mktemp("source")
    for name in SOURCES:
        if (ROOT / name).is_dir():
            ignored = shutil.ignore_patterns("__pycache__", "build", "*.egg-info")
            shutil.copytree(ROOT / name, folder / name, ignore=ignored, symlinks=True)
        else:
            shutil.copyfile(ROOT / name, folder / name)
    for source in (folder, folder / "distributions" / "learn2compress-pipelines"):
        options = ("--wheel", "--no-build-isolation", "--offline", "--python", sys.executable)
        done = run(UV, "build", *options, "--out-dir", folder / "dist", source)
        assert done.returncode == 0, done.stderr
    return {path.name.partition("-")[0].replace("_", "-"): path for path in (folder / "dist").glob("*.whl")}


def metadata_of(wheel: Path) -> email.message.Message:
    with zipfile.ZipFile(wheel) as opened:
        (name,) = [name for name in opened.namelist() if name.endswith(".dist-info/METADATA")]
        return email.message_from_bytes(opened.read(name))


def files_of(*packages: str) -> Iterator[str]:
    for package in packages:
        for path in (ROOT / package).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                yield path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize(
    ("name", "packages"),
    [("learn2compress", ("learn2compress",)), ("learn2compress-pipelines", ("components", "pipelines"))],
)
def test_a_wheel_has_every_file_of_its_packages_and_no_other(
    wheels: dict[str, Path], name: str, packages: tuple[str, ...]
) -> None:
    with zipfile.ZipFile(wheels[name]) as opened:
        inside = set(opened.namelist())
    of_metadata = {path for path in inside if path.split("/")[0] == f"{name.replace('-', '_')}-{VERSION}.dist-info"}
    assert inside - of_metadata == set(files_of(*packages))
    assert any(path.endswith("licenses/LICENSE") for path in of_metadata)


def test_the_librarys_metadata_ask_for_no_pipeline_framework(wheels: dict[str, Path]) -> None:
    asked = {
        name: {
            re.split(r"[^\w.-]", one)[0] for one in metadata_of(path).get_all("Requires-Dist", []) if "extra" not in one
        }
        for name, path in wheels.items()
    }
    assert not asked["learn2compress"] & FRAMEWORKS
    assert asked["learn2compress"] >= {"tensorflow", "keras", "ai-edge-litert"}
    assert asked["learn2compress-pipelines"] >= FRAMEWORKS | {"learn2compress"}


def test_both_run_on_three_releases_of_python(wheels: dict[str, Path]) -> None:
    assert {metadata_of(path)["Requires-Python"] for path in wheels.values()} == {"<3.14,>=3.11"}


@pytest.mark.end_to_end
def test_the_librarys_wheel_alone_compresses_a_teacher(wheels: dict[str, Path], tmp_path: Path) -> None:
    environment = tmp_path / "environment"
    assert run(UV, "venv", "--quiet", "--python", sys.executable, environment).returncode == 0
    python, l2c = environment / "bin" / "python", environment / "bin" / "l2c"
    locked = ("--constraint", ROOT / "requirements.lock")
    done = run(UV, "pip", "install", "--offline", "--python", python, *locked, wheels["learn2compress"])
    if done.returncode and "network was disabled" in " ".join(done.stderr.split()):
        pytest.skip(f"uv's cache has not all packages of the lock: {' '.join(done.stderr.split())[:300]}")
    assert done.returncode == 0, done.stderr

    installed = {line.partition("==")[0] for line in run(UV, "pip", "freeze", "--python", python).stdout.splitlines()}
    assert not installed & FRAMEWORKS
    assert run(l2c, "--version").stdout == f"l2c {VERSION}\n"
    refused = run(l2c, "run", "my.yaml")
    assert refused.returncode == 2
    assert "pip install learn2compress-pipelines" in refused.stderr
    assert "compress" in run(l2c, "--help").stdout
    imported = run(python, "-c", "import learn2compress; print(hasattr(learn2compress, 'compress'))", cwd=tmp_path)
    assert imported.returncode == 0, imported.stderr
    assert imported.stdout.strip() == "True"
    done = run(python, "-c", FIVE_LINES, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "small" in done.stdout
    content = (tmp_path / "small.tflite").read_bytes()
    assert content[4:8] == b"TFL3"
    assert len(content) <= 20_000
