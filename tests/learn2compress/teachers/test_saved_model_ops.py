"""Operations that compute are accepted in a SavedModel; those that touch files, run Python or print are not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import pytest
import tensorflow as tf
from tensorflow.python.framework import op_def_registry

from learn2compress.teachers.safety import TeacherFormat, check_teacher
from learn2compress.teachers.saved_model_ops import ACCEPTED_OPS, FILE_TABLE_OP, SAVER_OPS

SPEC = tf.TensorSpec([None, 4, 4, 1], tf.float32)


def scores(x: Any) -> Any:
    return tf.reshape(x, [-1, 16])[:, :3]


def test_every_accepted_operation_is_one_of_tensorflow() -> None:
    # A name that TensorFlow does not know could be registered by anybody.
    unknown = {name for name in ACCEPTED_OPS | SAVER_OPS if op_def_registry.get(name) is None}
    assert not unknown


def test_no_accepted_operation_touches_files_or_runs_code() -> None:
    words = ("File", "PyFunc", "Print", "Dataset", "Iterator", "Summary", "Debug", "Save", "Restore", "Xla", "Queue")
    assert {name for name in ACCEPTED_OPS if any(word in name for word in words)} == {FILE_TABLE_OP}


def test_writing_a_file_is_refused_and_never_runs(
    save_function: Callable[..., Path], refused: Callable[[Path, str], None], tmp_path: Path
) -> None:
    marker = str(tmp_path / "written")

    def body(x: Any) -> Any:
        with tf.control_dependencies([tf.io.write_file(marker, "x")]):
            return scores(tf.identity(x))

    folder = save_function(body, tmp_path / "teacher")
    refused(folder, "WriteFile")
    assert not Path(marker).exists()
    # The attack is real: loaded without the check, it runs.
    tf.saved_model.load(str(folder)).serve(tf.zeros([1, 4, 4, 1]))
    assert Path(marker).exists()


def test_python_is_refused_and_never_runs(
    save_function: Callable[..., Path], refused: Callable[[Path, str], None], tmp_path: Path
) -> None:
    marker = tmp_path / "ran"

    def touch(x: Any) -> Any:
        marker.touch()
        return x

    folder = save_function(
        lambda x: scores(tf.ensure_shape(tf.py_function(touch, [x], tf.float32), SPEC.shape)), tmp_path / "t"
    )
    refused(folder, "EagerPyFunc")
    numpy_folder = save_function(
        lambda x: scores(tf.reshape(tf.numpy_function(touch, [x], tf.float32), [1, 16])), tmp_path / "n"
    )
    refused(numpy_folder, "PyFunc")
    assert not marker.exists()


def nested_read(x: Any) -> Any:
    @tf.function
    def inner(y: Any) -> Any:
        def loop(step: Any, total: Any) -> Any:
            return step + 1, total + tf.cast(tf.strings.length(tf.io.read_file("/etc/passwd")), tf.float32)

        return y + tf.while_loop(lambda step, _: step < 2, loop, [0, 0.0])[1]

    return tf.cond(tf.reduce_sum(x) > 1e9, lambda: inner(scores(x)), lambda: scores(x))


def printing(x: Any) -> Any:
    tf.print("leak", output_stream="file:///tmp/leak")
    return scores(x)


def dataset(x: Any) -> Any:
    lines = tf.data.TextLineDataset("/etc/passwd")
    return scores(x) + tf.cast(lines.reduce(tf.constant(0), lambda count, _: count + 1), tf.float32)


def matching(x: Any) -> Any:
    return scores(x) + tf.cast(tf.size(tf.io.matching_files("/*")), tf.float32)


def debugging(x: Any) -> Any:
    return scores(tf.raw_ops.DebugIdentity(input=x, debug_urls=["file:///tmp/leak"]))


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (nested_read, "ReadFile"),
        (printing, "PrintV2"),
        (dataset, "Dataset"),
        (matching, "MatchingFiles"),
        (debugging, "DebugIdentity"),
    ],
)
def test_files_and_side_effects_are_refused_wherever_they_are(
    save_function: Callable[..., Path], refused: Callable[[Path, str], None], tmp_path: Path, body: Any, what: str
) -> None:
    refused(save_function(body, tmp_path / "teacher"), what)


def test_a_custom_operation_is_refused(
    edit_saved_model: Callable[..., Path],
    refused: Callable[[Path, str], None],
    logits_teachers: dict[str, Path],
    tmp_path: Path,
) -> None:
    def change(proto: Any) -> None:
        node = proto.meta_graphs[0].graph_def.library.function[0].node_def.add()
        node.name, node.op = "own", "ForeignCustomOp"

    refused(edit_saved_model(logits_teachers["saved_model"], tmp_path / "t", change), "ForeignCustomOp")


def test_text_and_sequence_models_are_accepted(tmp_path: Path) -> None:
    words = keras.layers.TextVectorization(max_tokens=20, output_sequence_length=5, vocabulary=["yes", "no"])
    inputs = keras.Input((), dtype="string")
    x = keras.layers.LSTM(4)(keras.layers.Embedding(20, 4)(words(inputs)))
    keras.Model(inputs, keras.layers.Dense(3)(x)).export(tmp_path / "text", verbose=False)
    assert check_teacher(tmp_path / "text") is TeacherFormat.SAVED_MODEL
