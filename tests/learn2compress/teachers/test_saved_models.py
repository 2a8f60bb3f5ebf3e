from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from learn2compress.config.parsing import ConfigError
from learn2compress.teachers.safety import TeacherFormat, UnsafeTeacherError, check_teacher

SPEC = tf.TensorSpec([None, 4, 4, 1], tf.float32)


def save(body: Callable[[Any], Any], folder: Path, spec: tf.TensorSpec = SPEC, **held: Any) -> Path:
    module = tf.Module()
    for name, value in held.items():
        setattr(module, name, value)
    function = tf.function(body, input_signature=[spec])
    module.serve = function
    tf.saved_model.save(module, str(folder), signatures=function)
    return folder


def scores(x: Any) -> Any:
    return tf.reshape(x, [-1, 16])[:, :3]


def refused(path: Path, what: str) -> None:
    with pytest.raises(UnsafeTeacherError, match=what) as caught:
        check_teacher(path)
    assert "\n" not in str(caught.value)


def edit(source: Path, target: Path, change: Callable[[Any], None]) -> Path:
    """Copies a SavedModel with its protocol buffer changed."""
    shutil.copytree(source, target)
    proto = saved_model_pb2.SavedModel()
    proto.ParseFromString((target / "saved_model.pb").read_bytes())
    change(proto)
    (target / "saved_model.pb").write_bytes(proto.SerializeToString())
    return target


def test_writing_a_file_is_refused_and_never_runs(tmp_path: Path) -> None:
    marker = str(tmp_path / "written")

    def body(x: Any) -> Any:
        with tf.control_dependencies([tf.io.write_file(marker, "x")]):
            return scores(tf.identity(x))

    folder = save(body, tmp_path / "teacher")
    refused(folder, "WriteFile")
    assert not Path(marker).exists()
    # The attack is real: loaded without the check, it runs.
    tf.saved_model.load(str(folder)).serve(tf.zeros([1, 4, 4, 1]))
    assert Path(marker).exists()


def test_python_is_refused_and_never_runs(tmp_path: Path) -> None:
    marker = tmp_path / "ran"

    def touch(x: Any) -> Any:
        marker.touch()
        return x

    folder = save(lambda x: scores(tf.ensure_shape(tf.py_function(touch, [x], tf.float32), SPEC.shape)), tmp_path / "t")
    refused(folder, "EagerPyFunc")
    numpy_folder = save(
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
def test_files_and_side_effects_are_refused_wherever_they_are(tmp_path: Path, body: Any, what: str) -> None:
    refused(save(body, tmp_path / "teacher"), what)


def test_a_custom_operation_is_refused(logits_teachers: dict[str, Path], tmp_path: Path) -> None:
    def change(proto: Any) -> None:
        node = proto.meta_graphs[0].graph_def.library.function[0].node_def.add()
        node.name, node.op = "own", "ForeignCustomOp"

    refused(edit(logits_teachers["saved_model"], tmp_path / "t", change), "ForeignCustomOp")


def test_the_saver_may_not_be_called_by_the_model(logits_teachers: dict[str, Path], tmp_path: Path) -> None:
    def change(proto: Any) -> None:
        functions = proto.meta_graphs[0].graph_def.library.function
        saver = next(f.signature.name for f in functions if f.signature.name.startswith("__inference__traced_save"))
        other = next(f for f in functions if not f.signature.name.startswith("__inference__traced"))
        node = other.node_def.add()
        node.name, node.op = "call", "StatefulPartitionedCall"
        node.attr["f"].func.name = saver

    refused(edit(logits_teachers["saved_model"], tmp_path / "t", change), "saver function")


def test_saving_outside_the_saver_is_refused(tmp_path: Path) -> None:
    def body(x: Any) -> Any:
        written = tf.raw_ops.SaveV2(prefix="/tmp/stolen", tensor_names=["x"], shape_and_slices=[""], tensors=[x])
        with tf.control_dependencies([written]):
            return scores(tf.identity(x))

    refused(save(body, tmp_path / "t"), "SaveV2")


def test_calls_outside_the_library_are_refused(logits_teachers: dict[str, Path], tmp_path: Path) -> None:
    def call_unknown(proto: Any) -> None:
        node = proto.meta_graphs[0].graph_def.node.add()
        node.name, node.op = "call", "PartitionedCall"
        node.attr["f"].func.name = "SymbolicGradient"

    def named_like_an_op(proto: Any) -> None:
        proto.meta_graphs[0].graph_def.library.function.add().signature.name = "ReadFile"

    refused(edit(logits_teachers["saved_model"], tmp_path / "a", call_unknown), "SymbolicGradient")
    refused(edit(logits_teachers["saved_model"], tmp_path / "b", named_like_an_op), "named like an operation")


@pytest.fixture(scope="module")
def with_vocabulary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("vocabulary")
    (folder / "words.txt").write_text("yes\nno\n")
    whole_line, line_number = tf.lookup.TextFileIndex.WHOLE_LINE, tf.lookup.TextFileIndex.LINE_NUMBER
    initializer = tf.lookup.TextFileInitializer(str(folder / "words.txt"), tf.string, whole_line, tf.int64, line_number)
    table = tf.lookup.StaticVocabularyTable(initializer, 1)
    return save(
        lambda text: tf.one_hot(table.lookup(text), 3) * 4 - 1,
        folder / "teacher",
        tf.TensorSpec([None], tf.string),
        table=table,
    )


def test_a_table_from_an_asset_is_accepted(with_vocabulary: Path) -> None:
    assert check_teacher(with_vocabulary) is TeacherFormat.SAVED_MODEL


def test_a_table_from_any_other_file_is_refused(with_vocabulary: Path, tmp_path: Path) -> None:
    def bind_elsewhere(proto: Any) -> None:
        graph = proto.meta_graphs[0].object_graph_def
        asset = next(i for i, node in enumerate(graph.nodes) if node.WhichOneof("kind") == "asset")
        graph.nodes[asset].constant.operation = "Const"

    def constant_name(proto: Any) -> None:
        for function in proto.meta_graphs[0].graph_def.library.function:
            for node in function.node_def:
                if node.op == "InitializeTableFromTextFileV2":
                    node.input[1] = "elsewhere:output:0"

    def asset_outside(proto: Any) -> None:
        proto.meta_graphs[0].asset_file_def[0].filename = "../../../../etc/passwd"

    refused(edit(with_vocabulary, tmp_path / "a", bind_elsewhere), "no asset")
    refused(edit(with_vocabulary, tmp_path / "b", constant_name), "no asset")
    refused(edit(with_vocabulary, tmp_path / "c", asset_outside), "outside the folder")


def test_text_and_sequence_models_are_accepted(tmp_path: Path) -> None:
    words = keras.layers.TextVectorization(max_tokens=20, output_sequence_length=5, vocabulary=["yes", "no"])
    inputs = keras.Input((), dtype="string")
    x = keras.layers.LSTM(4)(keras.layers.Embedding(20, 4)(words(inputs)))
    keras.Model(inputs, keras.layers.Dense(3)(x)).export(tmp_path / "text", verbose=False)
    assert check_teacher(tmp_path / "text") is TeacherFormat.SAVED_MODEL


def test_links_and_strangers_in_the_folder_are_refused(logits_teachers: dict[str, Path], tmp_path: Path) -> None:
    linked = tmp_path / "linked"
    shutil.copytree(logits_teachers["saved_model"], linked)
    (linked / "assets" / "words.txt").symlink_to("/etc/passwd")
    refused(linked, "link")
    strange = tmp_path / "strange"
    shutil.copytree(logits_teachers["saved_model"], strange)
    (strange / "saved_model.cpb").write_bytes(b"x")
    refused(strange, "saved_model.cpb")


def test_damaged_and_tensorflow_1_models_are_refused(logits_teachers: dict[str, Path], tmp_path: Path) -> None:
    damaged = tmp_path / "damaged"
    shutil.copytree(logits_teachers["saved_model"], damaged)
    content = (damaged / "saved_model.pb").read_bytes()
    (damaged / "saved_model.pb").write_bytes(content[: len(content) // 2])
    with pytest.raises(ConfigError, match="damaged"):
        check_teacher(damaged)
    old = edit(
        logits_teachers["saved_model"],
        tmp_path / "old",
        lambda proto: proto.meta_graphs[0].ClearField("object_graph_def"),
    )
    with pytest.raises(ConfigError, match="TensorFlow 1"):
        check_teacher(old)
