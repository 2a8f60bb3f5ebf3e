from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest

from learn2compress.config.parsing import ConfigError
from learn2compress.teachers.safety import TeacherFormat, UnsafeTeacherError, check_teacher, content_sha256

NUM_CLASSES = 3


def refused(path: Path, what: str) -> None:
    with pytest.raises(UnsafeTeacherError, match=what) as caught:
        check_teacher(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


def repack(source: Path, target: Path, **members: bytes | None) -> Path:
    """Copies a .keras file, with members replaced, added or (None) left out."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            if name not in members:
                new.writestr(name, old.read(name))
        for name, content in members.items():
            if content is not None:
                new.writestr(name, content)
    return target


def with_config(source: Path, target: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    """Copies a .keras or .h5 file with its configuration changed."""
    if source.suffix == ".keras":
        with zipfile.ZipFile(source) as archive:
            config = json.loads(archive.read("config.json"))
        change(config)
        return repack(source, target, **{"config.json": json.dumps(config).encode()})
    shutil.copy(source, target)
    with h5py.File(target, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        change(config)
        file.attrs["model_config"] = json.dumps(config)
    return target


@pytest.mark.parametrize("kind", ["keras", "h5", "saved_model"])
def test_content_decides_the_format(logits_teachers: dict[str, Path], kind: str, tmp_path: Path) -> None:
    assert check_teacher(logits_teachers[kind]) is TeacherFormat(kind)
    renamed = tmp_path / "model.bin"
    if kind != "saved_model":
        shutil.copy(logits_teachers[kind], renamed)
        assert check_teacher(renamed) is TeacherFormat(kind)


def test_a_wide_range_of_keras_models_is_accepted(tmp_path: Path) -> None:
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.Rescaling(2.0)(inputs)
    x = keras.layers.RandomFlip()(x)
    x = keras.layers.SeparableConv2D(4, 3, activation="swish", pointwise_regularizer="l2")(x)
    x = keras.ops.sigmoid(x) * x + 1.0
    x = keras.layers.Activation(keras.activations.gelu)(keras.ops.reshape(x, (-1, 36, 4)))
    x = keras.layers.MultiHeadAttention(2, 4)(x, x)
    x = keras.layers.Bidirectional(keras.layers.GRU(4, kernel_constraint="max_norm"))(x)
    inner = keras.Model(inputs, keras.layers.Dense(3)(x))
    inner.compile(keras.optimizers.AdamW(keras.optimizers.schedules.CosineDecay(0.1, 10)), "mse", metrics=["accuracy"])
    outer = keras.Sequential([keras.Input((8, 8, 3)), inner, keras.layers.Softmax()])
    outer.save(tmp_path / "a.keras")
    assert check_teacher(tmp_path / "a.keras") is TeacherFormat.KERAS
    mobile = keras.applications.MobileNetV3Small(weights=None, input_shape=(32, 32, 3), alpha=0.5)
    mobile.save(tmp_path / "b.h5")
    assert check_teacher(tmp_path / "b.h5") is TeacherFormat.H5


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_lambda_is_refused_and_never_runs(tmp_path: Path, suffix: str) -> None:
    marker = str(tmp_path / "ran")
    layer = keras.layers.Lambda(lambda x: (open(marker, "w").close(), x)[1], output_shape=(3,))
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(3), layer])
    path = tmp_path / f"teacher{suffix}"
    model.save(path)
    refused(path, "Lambda")
    assert not Path(marker).exists()
    # The attack is real: loaded without the check, it runs.
    keras.saving.load_model(path, safe_mode=False, compile=False)(np.zeros((1, 3)))
    assert Path(marker).exists()


def test_a_lambda_deep_inside_is_refused(tmp_path: Path) -> None:
    inner = keras.Sequential([keras.Input((3,)), keras.layers.Lambda(lambda x: x + 1, output_shape=(3,))])
    model = keras.Sequential([keras.Input((2, 3)), keras.layers.TimeDistributed(inner), keras.layers.Flatten()])
    model.save(tmp_path / "teacher.keras")
    refused(tmp_path / "teacher.keras", "Lambda")


@keras.saving.register_keras_serializable(package="foreign")
class OwnDense(keras.layers.Dense):
    """Registered in this process, as a plugin would be."""


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_registered_custom_class_is_refused(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"teacher{suffix}"
    keras.Sequential([keras.Input((3,)), OwnDense(3)]).save(path)
    refused(path, "foreign>OwnDense")


def test_a_custom_activation_is_refused(tmp_path: Path) -> None:
    @keras.saving.register_keras_serializable(package="foreign")
    def own_activation(x: Any) -> Any:
        return x

    keras.Sequential([keras.Input((3,)), keras.layers.Dense(3, activation=own_activation)]).save(tmp_path / "t.keras")
    refused(tmp_path / "t.keras", "own_activation")


def layers_of(config: dict[str, Any]) -> list[dict[str, Any]]:
    layers: list[dict[str, Any]] = config["config"]["layers"]
    return layers


def as_function(module: str, name: str, registered: str = "function") -> dict[str, Any]:
    return {"class_name": "function", "config": name, "module": module, "registered_name": registered}


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda d: d.update(activation=as_function("keras.utils", "get_file")), "get_file"),
        (lambda d: d.update(activation=as_function("builtins", "get_file")), "get_file"),
        (lambda d: d.update(activation=as_function("os", "system")), "system"),
        (lambda d: d.update(activation=as_function("keras.activations", "relu", "own>relu")), "own>relu"),
        (lambda d: d.update(extra=[{"class_name": "__lambda__", "config": {"value": "eA=="}}]), "__lambda__"),
        (lambda d: d.update(extra={"class_name": "TypeSpec", "type_spec": "x", "serialized": []}), "TypeSpec"),
        (lambda d: d.update(extra={"class_name": "Popen", "module": "subprocess", "config": {}}), "subprocess.Popen"),
        (
            lambda d: d.update(extra={"class_name": "load_model", "module": "keras.saving", "config": {}}),
            "keras.saving.load_model",
        ),
        (
            lambda d: d.update(extra={"class_name": "TFSMLayer", "module": "keras.layers", "config": {}}),
            "TFSMLayer",
        ),
        (
            lambda d: d.update(extra={"class_name": "Map", "module": "keras.src.ops.core", "config": {}}),
            "Map",
        ),
        (lambda d: d.update(extra={"module": "os", "registered_name": "x"}), "without class_name"),
        (lambda d: d.update(vocabulary="/etc/passwd"), "vocabulary"),
    ],
)
def test_a_config_that_names_anything_else_is_refused(
    logits_teachers: dict[str, Path], tmp_path: Path, suffix: str, change: Callable[[dict[str, Any]], None], what: str
) -> None:
    path = with_config(
        logits_teachers[suffix[1:]],
        tmp_path / f"teacher{suffix}",
        lambda config: change(layers_of(config)[-1]["config"]),
    )
    refused(path, what)


def test_a_tfsm_layer_is_refused(logits_teachers: dict[str, Path], tmp_path: Path) -> None:
    layer = keras.layers.TFSMLayer(str(logits_teachers["saved_model"]), call_endpoint="serving_default")
    inputs = keras.Input((4, 4, 1))
    keras.Model(inputs, layer(inputs)).save(tmp_path / "teacher.keras")
    refused(tmp_path / "teacher.keras", "TFSMLayer")


def test_a_custom_loss_does_no_harm(logits_teachers: dict[str, Path], tmp_path: Path) -> None:
    def change(config: dict[str, Any]) -> None:
        config["compile_config"] = {"loss": as_function("foreign", "own_loss")}

    assert check_teacher(with_config(logits_teachers["keras"], tmp_path / "t.keras", change)) is TeacherFormat.KERAS


@pytest.mark.parametrize("name", ["../outside.txt", "/etc/outside", "assets/../../outside", "assets\\..\\outside"])
def test_a_member_outside_the_archive_is_refused(logits_teachers: dict[str, Path], tmp_path: Path, name: str) -> None:
    refused(repack(logits_teachers["keras"], tmp_path / "t.keras", **{name: b"x"}), "outside the archive")


def test_other_members_are_refused(logits_teachers: dict[str, Path], tmp_path: Path) -> None:
    # NumPy archives can hold pickles.
    refused(repack(logits_teachers["keras"], tmp_path / "t.keras", **{"model.weights.npz": b"x"}), "npz")


def test_a_link_in_the_archive_is_refused(logits_teachers: dict[str, Path], tmp_path: Path) -> None:
    path = repack(logits_teachers["keras"], tmp_path / "t.keras")
    with zipfile.ZipFile(path, "a") as archive:
        link = zipfile.ZipInfo("assets/vocabulary.txt")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    refused(path, "link")


def test_a_zip_bomb_is_refused_unpacked(logits_teachers: dict[str, Path], tmp_path: Path) -> None:
    path = repack(logits_teachers["keras"], tmp_path / "t.keras")
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive, archive.open("assets/zeros", "w") as member:
        for _ in range(40):
            member.write(bytes(1024 * 1024))
    refused(path, "unpacks to")


def hdf5_with(path: Path, add: Callable[[h5py.File], None]) -> Path:
    with h5py.File(path, "r+") as file:
        add(file)
    return path


def add_external_link(file: h5py.File) -> None:
    file["linked"] = h5py.ExternalLink("/etc/passwd", "/x")


def add_soft_link(file: h5py.File) -> None:
    file["linked"] = h5py.SoftLink("/elsewhere")


def add_external_storage(file: h5py.File) -> None:
    file.create_dataset("stolen", (16,), "u1", external=[("/etc/passwd", 0, 16)])


def add_virtual_dataset(file: h5py.File) -> None:
    layout = h5py.VirtualLayout((16,), "u1")
    layout[:] = h5py.VirtualSource("/tmp/other.h5", "x", (16,))
    file.create_virtual_dataset("stolen", layout)


def add_shape_bomb(file: h5py.File) -> None:
    file.create_dataset("huge", (2**40,), "f4", chunks=(1024,), compression="gzip")


def add_references(file: h5py.File) -> None:
    file.create_dataset("references", (1,), h5py.ref_dtype)


HOSTILE_HDF5 = [
    (add_external_link, "ExternalLink"),
    (add_soft_link, "SoftLink"),
    (add_external_storage, "another file"),
    (add_virtual_dataset, "virtual dataset"),
    (add_shape_bomb, "found datasets of"),
    (add_references, "numbers"),
]


@pytest.mark.parametrize(("add", "what"), HOSTILE_HDF5)
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_hdf5_that_reaches_outside_is_refused(
    logits_teachers: dict[str, Path], tmp_path: Path, add: Callable[[h5py.File], None], what: str, suffix: str
) -> None:
    path = tmp_path / f"teacher{suffix}"
    if suffix == ".h5":
        shutil.copy(logits_teachers["h5"], path)
        hdf5_with(path, add)
    else:
        weights = tmp_path / "weights.h5"
        with zipfile.ZipFile(logits_teachers["keras"]) as archive:
            weights.write_bytes(archive.read("model.weights.h5"))
        hdf5_with(weights, add)
        repack(logits_teachers["keras"], path, **{"model.weights.h5": weights.read_bytes()})
    refused(path, what)


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.95])
def test_a_truncated_file_is_refused(
    logits_teachers: dict[str, Path], tmp_path: Path, suffix: str, share: float
) -> None:
    content = logits_teachers[suffix[1:]].read_bytes()
    path = tmp_path / f"teacher{suffix}"
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(ConfigError) as caught:
        check_teacher(path)
    assert "\n" not in str(caught.value)


def test_what_is_no_teacher_is_refused(logits_teachers: dict[str, Path], tmp_path: Path) -> None:
    text = tmp_path / "text.keras"
    text.write_text("not a model")
    weights_only = tmp_path / "weights.h5"
    with h5py.File(weights_only, "w") as file:
        file["kernel"] = np.zeros(3)
    (tmp_path / "empty").mkdir()
    no_weights = repack(logits_teachers["keras"], tmp_path / "none.keras", **{"model.weights.h5": None})
    for path in (text, weights_only, tmp_path / "empty", tmp_path / "missing.keras", no_weights):
        with pytest.raises(ConfigError, match="accepted is"):
            check_teacher(path)


def test_the_hash_follows_content_and_names(logits_teachers: dict[str, Path], tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(logits_teachers["saved_model"], copy)
    original = content_sha256(logits_teachers["saved_model"])
    assert content_sha256(copy) == original
    (copy / "assets" / "a").write_bytes(b"xy")
    first = content_sha256(copy)
    (copy / "assets" / "a").rename(copy / "assets" / "b")
    assert len({original, first, content_sha256(copy)}) == 3
    assert len(content_sha256(logits_teachers["keras"])) == 64
