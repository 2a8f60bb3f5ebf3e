"""Images are told from texts by the names of files and by what the teacher takes; what nothing tells is one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from learn2compress.config import DataFormat, TaskKind
from learn2compress.config.file import load_config, parse_config
from learn2compress.config.parsing import ConfigError
from pipelines.starter.making import make_starter
from pipelines.starter.request import StarterRequest
from pipelines.starter.writing import write_starter

ROWS = "label,text\n" + "".join(f"{name},word {name} number {n}\n" for n in range(12) for name in ("rain", "sun"))


def request_of(tmp_path: Path, **more: Any) -> StarterRequest:
    return StarterRequest(tmp_path / "l2c.yaml", **more)


def save_teacher(path: Path, shape: tuple[int, ...] = (64,), dtype: str = "float32") -> str:
    inputs = keras.Input(shape, dtype=dtype)
    hidden = keras.layers.Flatten()(inputs) if dtype == "float32" else keras.ops.cast(inputs, "float32")
    keras.Model(inputs, keras.layers.Dense(2)(hidden)).save(path)
    return str(path)


def test_other_formats_are_looked_at(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.zeros((5, 20, 24, 3), np.uint8), y=np.arange(5) % 2)
    path = tmp_path / "npz.yaml"
    write_starter(make_starter(StarterRequest(path, DataFormat.NPZ, str(tmp_path / "a.npz"))), path)
    assert load_config(path).task.input_shape == (20, 24, 3)
    path = tmp_path / "digits.yaml"
    write_starter(make_starter(StarterRequest(path, DataFormat.DIGITS)), path)
    config = load_config(path)
    assert (config.data.format, config.data.uri, config.task.input_shape) == (DataFormat.DIGITS, None, (8, 8, 1))


@pytest.mark.parametrize("names", [("a.csv",), ("a.tsv",), ("a.csv.gz",)])
@pytest.mark.parametrize("is_folder", [False, True])
def test_tables_are_texts(tmp_path: Path, names: tuple[str, ...], is_folder: bool) -> None:
    import gzip

    folder = tmp_path / "texts"
    folder.mkdir()
    for name in names:
        rows = ROWS.replace(",", "\t") if ".tsv" in name else ROWS
        (folder / name).write_bytes(gzip.compress(rows.encode()) if name.endswith(".gz") else rows.encode())
    starter = make_starter(request_of(tmp_path, data_uri=str(folder if is_folder else folder / names[0])))
    config = parse_config(starter.text)
    assert (config.task.kind, config.data.format.value) == (TaskKind.TEXT, names[0].split(".")[1])
    assert starter.to_set == ("teacher",)


def test_a_folder_of_tables_of_both_kinds_says_what_to_give(tmp_path: Path) -> None:
    for name in ("a.csv", "b.tsv"):
        (tmp_path / "texts" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "texts" / name).write_text(ROWS)
    with pytest.raises(ConfigError, match=r"--data: found files of several formats in .*: csv, tsv; say with --format"):
        make_starter(request_of(tmp_path, data_uri=str(tmp_path / "texts")))


def test_parts_of_a_folder_of_tables_are_named(tmp_path: Path) -> None:
    for name in ("train.csv", "test.csv", "dev.csv"):
        (tmp_path / "texts" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "texts" / name).write_text(ROWS)
    text = make_starter(request_of(tmp_path, data_uri=str(tmp_path / "texts"))).text
    data = parse_config(text).data
    assert [data.uri, data.validation_uri, data.held_out_uri] == [
        str(tmp_path / "texts" / f"{name}.csv") for name in ("train", "dev", "test")
    ]
    assert "\n  validation_ratio:" not in text
    (tmp_path / "texts" / "dev.csv").unlink()
    text = make_starter(request_of(tmp_path, data_uri=str(tmp_path / "texts"))).text
    assert parse_config(text).data.validation_uri is None
    assert "\n  validation_ratio: 0.05 #" in text


def test_a_teacher_of_numbers_alone_does_not_tell_what_it_is_about(tmp_path: Path) -> None:
    teacher = save_teacher(tmp_path / "teacher.keras")
    message = r"--teacher: .*found an input of shape \[64\].*if it takes the features of texts, give --data with a .csv"
    with pytest.raises(ConfigError, match=message):
        make_starter(request_of(tmp_path, teacher_uri=teacher))


def test_a_teacher_of_images_beside_a_table_is_refused(tmp_path: Path) -> None:
    teacher = save_teacher(tmp_path / "teacher.keras", (8, 8, 1))
    (tmp_path / "a.csv").write_text(ROWS)
    with pytest.raises(ConfigError, match="found a teacher of images beside a table of texts"):
        make_starter(request_of(tmp_path, teacher_uri=teacher, data_uri=str(tmp_path / "a.csv")))


def test_data_that_are_missing_are_told_before_a_teacher_is_opened(tmp_path: Path) -> None:
    request = request_of(tmp_path, data_uri=str(tmp_path / "photo"), teacher_uri=str(tmp_path / "no_teacher.keras"))
    with pytest.raises(ConfigError, match=r"^--data: found nothing at .*photo, accepted is a file, a folder"):
        make_starter(request)
