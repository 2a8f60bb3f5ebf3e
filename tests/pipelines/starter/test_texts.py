"""Texts: classes of all labels, features and scaling that the teacher takes, students within budgets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from learn2compress.config import DataFormat, InputScaling, TaskConfig, TaskKind, TextFeatures
from learn2compress.config.file import load_config, parse_config
from learn2compress.config.parsing import ConfigError
from learn2compress.data.text_features import text_input
from pipelines.preflight import check_compiled
from pipelines.starter.making import make_starter
from pipelines.starter.request import StarterRequest
from pipelines.starter.writing import write_starter

WORDS = {"music": "play the song loud", "rain": "umbrella wet cloud storm", "sun": "bright warm beach light"}
FEATURES = 64


def texts() -> list[tuple[str, str]]:
    random = np.random.default_rng(0)
    rows = []
    for number in range(60):
        label = sorted(WORDS)[number % 3]
        rows.append((label, " ".join([*random.permutation(WORDS[label].split())[:3], f"nr{number}"])))
    return rows


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "train.csv"
    path.write_text("label,text\n" + "".join(f"{label},{text}\n" for label, text in texts()))
    return path


def save_teacher(path: Path, features: TextFeatures, multiply: float, num_outputs: int = 3) -> str:
    """Solves the texts by least squares, over features times a number."""
    task = TaskConfig(kind=TaskKind.TEXT, input_shape=(FEATURES,), text_features=features)
    x = np.stack([text_input(text, task) for _, text in texts()]).astype(np.float64) * multiply
    y = np.array([sorted(WORDS).index(label) for label, _ in texts()])
    # About the mean, so that the bias decides where the features come in another scale.
    kernel = np.linalg.lstsq(x - x.mean(axis=0), np.eye(num_outputs)[y] - 1 / 3, rcond=None)[0]
    inputs = keras.Input((FEATURES,))
    dense = keras.layers.Dense(num_outputs)
    model = keras.Model(inputs, dense(inputs))
    dense.set_weights([kernel.astype(np.float32), (-x.mean(axis=0) @ kernel).astype(np.float32)])
    model.save(path)
    return str(path)


def request_of(tmp_path: Path, **more: Any) -> StarterRequest:
    return StarterRequest(tmp_path / "l2c.yaml", **more)


@pytest.mark.parametrize(
    ("features", "multiply"), [(TextFeatures.PROJECTION, 1.0), (TextFeatures.HASHED_NGRAMS, 1 / 255)]
)
def test_features_and_scaling_come_from_teacher_and_texts(
    table: Path, tmp_path: Path, features: TextFeatures, multiply: float
) -> None:
    teacher = save_teacher(tmp_path / "teacher.keras", features, multiply)
    starter = make_starter(request_of(tmp_path, data_uri=str(table), teacher_uri=teacher))
    write_starter(starter, tmp_path / "l2c.yaml")
    config = load_config(tmp_path / "l2c.yaml")
    assert (config.task.kind, config.task.input_shape) == (TaskKind.TEXT, (FEATURES,))
    assert config.task.text_features is features
    assert config.data.format is DataFormat.CSV
    assert config.teacher.input_scaling == InputScaling(multiply=multiply, add=0.0)
    assert starter.to_set == ()
    assert f"text_features {features.value}, input_scaling tried out: right on 100" in starter.notes[0]
    assert not [sentence for sentence in check_compiled(config) if "teacher" in sentence]


def test_a_table_alone_leaves_the_teacher_to_be_set(table: Path, tmp_path: Path) -> None:
    starter = make_starter(request_of(tmp_path, data_uri=str(table), input_shape="128"))
    config = parse_config(starter.text)
    assert (config.task.input_shape, starter.to_set) == ((128,), ("teacher",))
    assert "and 3 classes:" in starter.text
    assert [(student.name, student.width) for student in config.students] == [
        ("large", 1.0),
        ("medium", 0.5),
        ("small", 0.25),
    ]
    assert config.constraints.max_model_bytes is not None


def test_budgets_bound_the_largest_student(table: Path, tmp_path: Path) -> None:
    wide = parse_config(make_starter(request_of(tmp_path, data_uri=str(table))).text)
    starter = make_starter(request_of(tmp_path, data_uri=str(table), max_model_bytes=20_000))
    config = parse_config(starter.text)
    assert config.constraints.max_model_bytes == 20_000
    assert config.students[0].width < wide.students[0].width
    widths = [student.width for student in config.students]
    assert widths == sorted(set(widths), reverse=True)
    least = parse_config(make_starter(request_of(tmp_path, data_uri=str(table), max_model_bytes=8_000)).text)
    assert [student.name for student in least.students] == ["large", "medium"]  # a small one would be the same network
    with pytest.raises(ConfigError, match=r"--max-model-bytes, --max-macs: .*budget"):
        make_starter(request_of(tmp_path, data_uri=str(table), max_model_bytes=500))


def test_columns_by_name_are_written_down(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,said,what\n" + "".join(f"{n},{text},{label}\n" for n, (label, text) in enumerate(texts())))
    with pytest.raises(ConfigError, match=r"--data: .*set --text-column and --label-column"):
        make_starter(request_of(tmp_path, data_uri=str(path)))
    starter = make_starter(request_of(tmp_path, data_uri=str(path), label_column="what", text_column=2))
    config = parse_config(starter.text)
    assert (config.data.label_column, config.data.text_column) == ("what", 2)
    assert "and 3 classes:" in starter.text


def test_outputs_of_more_classes_are_to_be_filled_in(table: Path, tmp_path: Path) -> None:
    teacher = save_teacher(tmp_path / "teacher.keras", TextFeatures.HASHED_NGRAMS, 1 / 255, num_outputs=7)
    starter = make_starter(request_of(tmp_path, data_uri=str(table), teacher_uri=teacher))
    assert starter.to_set == ("teacher.outputs",)
    assert '"music": null' in starter.text


@pytest.mark.parametrize(
    ("said", "message"),
    [("8x8", "accepted for texts is their number of features"), ("32", "found 32, accepted is 64: what the teacher")],
)
def test_a_shape_that_is_none_is_refused(table: Path, tmp_path: Path, said: str, message: str) -> None:
    teacher = save_teacher(tmp_path / "teacher.keras", TextFeatures.HASHED_NGRAMS, 1 / 255)
    with pytest.raises(ConfigError, match=f"--input-shape: .*{message}"):
        make_starter(request_of(tmp_path, data_uri=str(table), teacher_uri=teacher, input_shape=said))


def test_a_teacher_of_strings_is_one_line(table: Path, tmp_path: Path) -> None:
    import tensorflow as tf

    class Lengths(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
        def serve(self, text: Any) -> Any:
            length = tf.cast(tf.strings.length(text), tf.float32)
            return tf.stack([length, -length, length], axis=1)

    module = Lengths()
    tf.saved_model.save(module, str(tmp_path / "teacher"), signatures=module.serve)
    with pytest.raises(ConfigError, match=r"--teacher: .*takes strings, accepted is one that takes hashed features"):
        make_starter(request_of(tmp_path, data_uri=str(table), teacher_uri=str(tmp_path / "teacher")))
