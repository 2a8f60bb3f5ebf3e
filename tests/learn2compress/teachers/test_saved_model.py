"""A SavedModel calls its own functions, reads its own assets, and is all in its folder."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf

from learn2compress.config.parsing import ConfigError
from learn2compress.teachers.safety import TeacherFormat, check_teacher


def scores(x: Any) -> Any:
    return tf.reshape(x, [-1, 16])[:, :3]


def test_the_saver_may_not_be_called_by_the_model(
    edit_saved_model: Callable[..., Path],
    refused: Callable[[Path, str], None],
    logits_teachers: dict[str, Path],
    tmp_path: Path,
) -> None:
    def change(proto: Any) -> None:
        functions = proto.meta_graphs[0].graph_def.library.function
        saver = next(f.signature.name for f in functions if f.signature.name.startswith("__inference__traced_save"))
        other = next(f for f in functions if not f.signature.name.startswith("__inference__traced"))
        node = other.node_def.add()
        node.name, node.op = "call", "StatefulPartitionedCall"
        node.attr["f"].func.name = saver

    refused(edit_saved_model(logits_teachers["saved_model"], tmp_path / "t", change), "saver function")


def test_saving_outside_the_saver_is_refused(
    save_function: Callable[..., Path], refused: Callable[[Path, str], None], tmp_path: Path
) -> None:
    def body(x: Any) -> Any:
        written = tf.raw_ops.SaveV2(prefix="/tmp/stolen", tensor_names=["x"], shape_and_slices=[""], tensors=[x])
        with tf.control_dependencies([written]):
            return scores(tf.identity(x))

    refused(save_function(body, tmp_path / "t"), "SaveV2")


def test_calls_outside_the_library_are_refused(
    edit_saved_model: Callable[..., Path],
    refused: Callable[[Path, str], None],
    logits_teachers: dict[str, Path],
    tmp_path: Path,
) -> None:
    def call_unknown(proto: Any) -> None:
        node = proto.meta_graphs[0].graph_def.node.add()
        node.name, node.op = "call", "PartitionedCall"
        node.attr["f"].func.name = "SymbolicGradient"

    def named_like_an_op(proto: Any) -> None:
        proto.meta_graphs[0].graph_def.library.function.add().signature.name = "ReadFile"

    refused(edit_saved_model(logits_teachers["saved_model"], tmp_path / "a", call_unknown), "SymbolicGradient")
    refused(
        edit_saved_model(logits_teachers["saved_model"], tmp_path / "b", named_like_an_op), "named like an operation"
    )


@pytest.fixture(scope="module")
def with_vocabulary(save_function: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("vocabulary")
    (folder / "words.txt").write_text("yes\nno\n")
    whole_line, line_number = tf.lookup.TextFileIndex.WHOLE_LINE, tf.lookup.TextFileIndex.LINE_NUMBER
    initializer = tf.lookup.TextFileInitializer(str(folder / "words.txt"), tf.string, whole_line, tf.int64, line_number)
    table = tf.lookup.StaticVocabularyTable(initializer, 1)
    return save_function(
        lambda text: tf.one_hot(table.lookup(text), 3) * 4 - 1,
        folder / "teacher",
        tf.TensorSpec([None], tf.string),
        table=table,
    )


def test_a_table_from_an_asset_is_accepted(with_vocabulary: Path) -> None:
    assert check_teacher(with_vocabulary) is TeacherFormat.SAVED_MODEL


def test_a_table_from_any_other_file_is_refused(
    edit_saved_model: Callable[..., Path], refused: Callable[[Path, str], None], with_vocabulary: Path, tmp_path: Path
) -> None:
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

    refused(edit_saved_model(with_vocabulary, tmp_path / "a", bind_elsewhere), "no asset")
    refused(edit_saved_model(with_vocabulary, tmp_path / "b", constant_name), "no asset")
    refused(edit_saved_model(with_vocabulary, tmp_path / "c", asset_outside), "outside the folder")


def test_links_and_strangers_in_the_folder_are_refused(
    refused: Callable[[Path, str], None], logits_teachers: dict[str, Path], tmp_path: Path
) -> None:
    linked = tmp_path / "linked"
    shutil.copytree(logits_teachers["saved_model"], linked)
    (linked / "assets" / "words.txt").symlink_to("/etc/passwd")
    refused(linked, "link")
    strange = tmp_path / "strange"
    shutil.copytree(logits_teachers["saved_model"], strange)
    (strange / "saved_model.cpb").write_bytes(b"x")
    refused(strange, "saved_model.cpb")


def test_damaged_and_tensorflow_1_models_are_refused(
    edit_saved_model: Callable[..., Path],
    refused: Callable[[Path, str], None],
    logits_teachers: dict[str, Path],
    tmp_path: Path,
) -> None:
    damaged = tmp_path / "damaged"
    shutil.copytree(logits_teachers["saved_model"], damaged)
    content = (damaged / "saved_model.pb").read_bytes()
    (damaged / "saved_model.pb").write_bytes(content[: len(content) // 2])
    with pytest.raises(ConfigError, match="damaged"):
        check_teacher(damaged)
    old = edit_saved_model(
        logits_teachers["saved_model"],
        tmp_path / "old",
        lambda proto: proto.meta_graphs[0].ClearField("object_graph_def"),
    )
    with pytest.raises(ConfigError, match="TensorFlow 1"):
        check_teacher(old)
