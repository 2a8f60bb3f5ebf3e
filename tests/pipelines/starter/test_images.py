"""What `l2c init` writes is accepted, suits the images and the budgets, and says truly what its students cost."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from learn2compress.config import CompressionConfig, ResizeConfig
from learn2compress.config.file import load_config, parse_config
from learn2compress.students.cost import count_macs
from learn2compress.students.joint import build_joint_network, standalone_student
from pipelines.starter.making import make_starter
from pipelines.starter.request import StarterRequest

WriteImages = Callable[..., Path]
Command = Callable[..., subprocess.CompletedProcess[str]]
Refused = Callable[[subprocess.CompletedProcess[str]], str]

STUDENT_LINE = re.compile(r"(\w+): ([\d,]+) parameters, ([\d.]+) million multiply-accumulate .* about (\d+) kB")


def costs_in(text: str) -> dict[str, tuple[str, str]]:
    """Parameters and millions of operations of each student, as a text says them."""
    return {name: (parameters, macs) for name, parameters, macs, _ in STUDENT_LINE.findall(text)}


def costs_of(config: CompressionConfig, num_classes: int) -> dict[str, tuple[str, str]]:
    joint = build_joint_network(config.task, num_classes, config.training, config.students)
    students = {name: standalone_student(joint, name) for name in joint.output}
    return {
        name: (f"{student.count_params():,}", f"{count_macs(student) / 1e6:.1f}") for name, student in students.items()
    }


@pytest.mark.parametrize("size", [(8, 8), (28, 28), (32, 32, 3), (64, 64, 3), (96, 96, 3), (224, 224, 3)], ids=str)
def test_a_folder_of_images_gets_students_that_suit_its_size(
    l2c: Command, tmp_path: Path, size: tuple[int, ...], write_images: WriteImages
) -> None:
    write_images(tmp_path / "images", size)
    written = l2c("init", "my/l2c.yaml", "--data", "images", cwd=made(tmp_path, "my"))
    assert (written.returncode, written.stderr) == (0, "")
    validated = l2c("validate", tmp_path / "my" / "l2c.yaml", "--file-only")
    assert (validated.returncode, validated.stderr) == (0, "")
    assert validated.stdout.endswith("accepted; 3 students: large, medium, small\n")
    config = load_config(tmp_path / "my" / "l2c.yaml")
    assert config.task.input_shape == (*size[:2], 3 if size[2:] else 1)
    assert config.data.uri == str(tmp_path / "images")
    assert config.data.resize is None
    assert config.training.architecture == "resnet"
    text = (tmp_path / "my" / "l2c.yaml").read_text()
    assert costs_in(text) == costs_in(written.stdout) == costs_of(config, 3)
    assert "and 3 classes:" in text


def test_photos_that_lie_on_their_side_are_told(tmp_path: Path, write_images: WriteImages) -> None:
    write_images(tmp_path / "images", (8, 12))
    exif = Image.Exif()
    exif[0x0112] = 6
    first = next(iter(sorted((tmp_path / "images").rglob("*.png"))))
    Image.fromarray(np.zeros((12, 8), np.uint8)).save(first, exif=exif.tobytes())
    num_images = len(list((tmp_path / "images").rglob("*.png")))
    starter = make_starter(StarterRequest(tmp_path / "l2c.yaml", data_uri=str(tmp_path / "images")))
    assert f"exif: apply # turns photos upright (1 of {num_images} looked at lie otherwise); ignore" in starter.text
    # Upright, it has the size of the others.
    assert parse_config(starter.text).data.resize is None


def made(folder: Path, name: str) -> Path:
    (folder / name).mkdir()
    return folder


def test_budgets_bound_the_largest_student_and_become_constraints(l2c: Command, tmp_path: Path) -> None:
    path = tmp_path / "l2c.yaml"
    budgets = ("--max-model-bytes", "98000", "--max-macs", "12500000")
    assert l2c("init", path, "--input-shape", "32x32x3", "--num-classes", "10", *budgets).returncode == 0
    assert l2c("validate", path, "--file-only").returncode == 0
    config = load_config(path)
    assert [(stage.channels, stage.blocks) for stage in config.training.stages] == [(16, 1), (32, 1), (64, 1)]
    assert (config.constraints.max_model_bytes, config.constraints.max_macs) == (98_000, 12_500_000)


def test_images_of_different_sizes_need_one_to_be_resized_to(
    l2c: Command, refused: Refused, tmp_path: Path, write_images: WriteImages
) -> None:
    write_images(tmp_path / "images", (40, 30), (24, 36, 3))
    path = tmp_path / "l2c.yaml"
    line = refused(l2c("init", path, "--data", tmp_path / "images"))
    assert "--data: found images of different sizes, 24x36 and 40x30 pixels among them" in line
    assert not path.exists()
    assert l2c("init", path, "--data", tmp_path / "images", "--input-shape", "32x32").returncode == 0
    config = load_config(path)
    assert config.task.input_shape == (32, 32, 3)
    assert config.data.resize == ResizeConfig()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--input-shape", "32"), "--input-shape: found '32', accepted is HEIGHTxWIDTHxCHANNELS, such as 32x32x3"),
        (("--input-shape", "32x32x4"), "--input-shape: an image task accepts an input_shape of"),
        (("--max-macs", "1000"), "max_macs: found 1000, accepted is at least 7"),
        (("--data", "nowhere"), "--data: found nothing at nowhere"),
    ],
)
def test_what_can_not_be_met_is_refused(
    l2c: Command, refused: Refused, tmp_path: Path, options: tuple[str, ...], message: str
) -> None:
    assert message in refused(l2c("init", *options, cwd=tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_classes_that_the_data_do_not_have_are_refused(
    l2c: Command, refused: Refused, tmp_path: Path, write_images: WriteImages
) -> None:
    write_images(tmp_path / "images", (8, 8))
    write_images(tmp_path / "one", (8, 8), num_classes=1)
    line = refused(l2c("init", "--data", "images", "--num-classes", "4", cwd=tmp_path))
    assert "--num-classes: found 4, accepted is 3: what the data have" in line
    assert "--data: found 1 class, accepted are at least 2" in refused(l2c("init", "--data", "one", cwd=tmp_path))


def test_without_data_the_number_of_classes_is_named_as_a_guess(tmp_path: Path) -> None:
    starter = make_starter(StarterRequest(tmp_path / "l2c.yaml"))
    assert "and 10 classes (say --num-classes for another number):" in starter.text
    assert starter.to_set == ("teacher", "data")
    known = make_starter(StarterRequest(tmp_path / "l2c.yaml", num_classes=10))
    assert "and 10 classes:" in known.text


def test_a_configuration_for_text_needs_no_more_than_the_file_says(
    l2c: Command, refused: Refused, tmp_path: Path
) -> None:
    path = tmp_path / "l2c.yaml"
    assert l2c("init", path).returncode == 0
    text = path.read_text().replace("kind: image", "kind: text").replace("[32, 32, 3]", "[512]")
    path.write_text(text)
    assert "training.architecture: found 'resnet', which is for image tasks" in refused(l2c("validate", path))
    path.write_text(re.sub(r"(?m)^  architecture: .*\n", "", text))
    assert l2c("validate", path, "--file-only").returncode == 0
