"""Checks a SavedModel folder.

A SavedModel is a program: loading it runs the initializers of its resources,
and TensorFlow documents that its graph may read and write files and call
Python. So every node of every graph and function is looked up in a list of
accepted operations, wherever it is nested and whether or not it is reached.
"""

from __future__ import annotations

import stat
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from learn2compress.config.parsing import ConfigError
from learn2compress.teachers.formats import MAX_FILES, MAX_TEACHER_BYTES, UnsafeTeacherError
from learn2compress.teachers.saved_model_ops import ACCEPTED_OPS, FILE_TABLE_OP, SAVER_OPS

# Protocol buffers can't be larger; a graph whose weights are constants inside it comes close.
_MAX_PROTO_BYTES = 2 * 1024**3 - 1
_TOP_LEVEL = {
    "saved_model.pb",
    "fingerprint.pb",
    "keras_metadata.pb",
    "variables",
    "assets",
    "assets.extra",
    "debug",
}
_SAVER_PREFIXES = ("__inference__traced_save", "__inference__traced_restore")


def check(folder: Path) -> None:
    """Checks the files of the folder, then every graph and function in `saved_model.pb`.

    Args:
      folder: Holds `saved_model.pb`.

    Raises:
      UnsafeTeacherError: naming the file, operation or function.
      ConfigError: it is damaged, or not of TensorFlow 2.
    """
    _check_files(folder)
    path = folder / "saved_model.pb"
    meta_graph = _read(path)
    functions = {function.signature.name: function for function in meta_graph.graph_def.library.function}
    if len(functions) != len(meta_graph.graph_def.library.function):
        raise UnsafeTeacherError(f"{path}: found a function name twice, accepted is each name once")
    _check_names(functions, path)
    _check_assets(meta_graph, folder)
    savers = _savers(meta_graph, functions, path)
    asset_tables = _functions_with_assets(meta_graph, functions)
    _check_nodes(meta_graph.graph_def.node, "the main graph", path, functions, set())
    for name, function in functions.items():
        extra = set(SAVER_OPS) if name in savers else set()
        if name in asset_tables:
            extra.add(FILE_TABLE_OP)
        _check_nodes(function.node_def, f"function {name!r}", path, functions, extra)


def _check_files(folder: Path) -> None:
    total_bytes = 0
    for count, item in enumerate(folder.rglob("*"), start=1):
        name = item.relative_to(folder).as_posix()
        if count > MAX_FILES:
            raise UnsafeTeacherError(f"{folder}: found more than {MAX_FILES} files, accepted is fewer")
        status = item.lstat()
        if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
            raise UnsafeTeacherError(f"{folder}: found {name!r} as a link or device, accepted are files and folders")
        # A saved_model.cpb or .pbtxt beside it would be read by other loaders, and never be checked.
        if name.partition("/")[0] not in _TOP_LEVEL:
            raise UnsafeTeacherError(f"{folder}: found {name!r}, accepted are {', '.join(sorted(_TOP_LEVEL))}")
        total_bytes += status.st_size
    if total_bytes > MAX_TEACHER_BYTES:
        raise UnsafeTeacherError(f"{folder}: found {total_bytes} bytes, accepted are {MAX_TEACHER_BYTES} at most")


def _read(path: Path) -> Any:
    from google.protobuf.message import DecodeError
    from tensorflow.core.protobuf import saved_model_pb2

    size_bytes = path.stat().st_size
    if size_bytes > _MAX_PROTO_BYTES:
        raise UnsafeTeacherError(f"{path}: found {size_bytes} bytes, accepted are {_MAX_PROTO_BYTES} at most")
    proto = saved_model_pb2.SavedModel()
    try:
        proto.ParseFromString(path.read_bytes())
    except DecodeError as error:
        raise ConfigError(f"{path}: the SavedModel is damaged or cut short; fetch or export it again") from error
    # Anything else is loaded the way of TensorFlow 1, which runs restore and init operations of the main graph.
    if len(proto.meta_graphs) != 1 or not proto.meta_graphs[0].HasField("object_graph_def"):
        raise ConfigError(
            f"{path}: found {len(proto.meta_graphs)} graphs in the way of TensorFlow 1, accepted is a SavedModel of "
            "TensorFlow 2 (tf.saved_model.save or keras export)"
        )
    return proto.meta_graphs[0]


def _check_names(functions: dict[str, Any], path: Path) -> None:
    """Refuses functions named like operations: what is checked as a call could run as the operation."""
    from tensorflow.python.framework import op_def_registry

    for name in functions:
        if op_def_registry.get(name) is not None:
            raise UnsafeTeacherError(
                f"{path}: found function {name!r} named like an operation, accepted are other names"
            )


def _check_assets(meta_graph: Any, folder: Path) -> None:
    for asset in meta_graph.asset_file_def:
        name = PurePosixPath(asset.filename)
        if name.is_absolute() or ".." in name.parts or "\\" in asset.filename or "://" in asset.filename:
            raise UnsafeTeacherError(
                f"{folder}: found asset {asset.filename!r} outside the folder, accepted are names inside assets/"
            )
        if not (folder / "assets" / name).is_file():
            raise ConfigError(
                f"{folder}: found no file for asset {asset.filename!r}, accepted is a complete SavedModel"
            )


def _savers(meta_graph: Any, functions: dict[str, Any], path: Path) -> set[str]:
    """Returns the names of the functions that write and read checkpoints for the main graph.

    TensorFlow 2 loads variables by itself and never runs the main graph, so these
    are dead for us as long as nothing else calls them.
    """
    savers = {name for name in functions if name.startswith(_SAVER_PREFIXES)}
    saver = meta_graph.saver_def
    entries = {_node_name(name) for name in (saver.save_tensor_name, saver.restore_op_name)}
    reachable = list(meta_graph.object_graph_def.concrete_functions)
    for node in meta_graph.object_graph_def.nodes:
        reachable += [node.bare_concrete_function.concrete_function_name, *node.function.concrete_functions]
    for node in meta_graph.graph_def.node:
        if node.name not in entries:
            reachable += _called(node)
    for function in functions.values():
        for node in function.node_def:
            reachable += _called(node)
    for gradient in meta_graph.graph_def.library.gradient:
        reachable += [gradient.function_name, gradient.gradient_func]
    called = sorted(savers.intersection(reachable))
    if called:
        raise UnsafeTeacherError(
            f"{path}: found saver function {called[0]!r} called by the model, accepted is a call by the saver alone"
        )
    return savers


def _functions_with_assets(meta_graph: Any, functions: dict[str, Any]) -> set[str]:
    """Returns the names of the functions whose file tables read assets of this SavedModel and nothing else.

    The file name has to be an argument that the object graph binds to an asset;
    a constant or a computed name could be any file of the machine.
    """
    accepted = set()
    nodes = meta_graph.object_graph_def.nodes
    called = {name for function in functions.values() for node in function.node_def for name in _called(node)}
    for name, concrete in meta_graph.object_graph_def.concrete_functions.items():
        function = functions.get(name)
        # Captures are the last arguments; a function that others call gets its arguments from them instead.
        if function is None or name in called:
            continue
        arguments = [argument.name for argument in function.signature.input_arg]
        captured = arguments[len(arguments) - len(concrete.bound_inputs) :]
        assets = {
            argument
            for argument, node_id in zip(captured, concrete.bound_inputs, strict=False)
            if 0 <= node_id < len(nodes) and nodes[node_id].WhichOneof("kind") == "asset"
        }
        tables = [node for node in function.node_def if node.op == FILE_TABLE_OP]
        if tables and all(len(node.input) > 1 and node.input[1] in assets for node in tables):
            accepted.add(name)
    return accepted


def _check_nodes(nodes: Iterable[Any], place: str, path: Path, functions: dict[str, Any], extra: set[str]) -> None:
    for node in nodes:
        # A reference outside the library reaches TensorFlow's own, such as SymbolicGradient.
        unknown = {name for value in node.attr.values() for name in _references(value)} - functions.keys() - {""}
        if unknown:
            raise UnsafeTeacherError(
                f"{path}: found a call of {min(unknown)!r} (node {node.name!r} of {place}), "
                "accepted are functions of the SavedModel itself"
            )
        if node.op in extra or node.op in functions:
            continue
        if node.op == FILE_TABLE_OP:
            raise UnsafeTeacherError(
                f"{path}: found a table read from a file that is no asset (node {node.name!r} of {place}), "
                "accepted are tables from assets/ and from constants"
            )
        if node.op not in ACCEPTED_OPS:
            raise UnsafeTeacherError(
                f"{path}: found operation {node.op} (node {node.name!r} of {place}), accepted are operations that "
                "compute: no files, Python, printing, datasets or custom operations"
            )


def _called(node: Any) -> Iterator[str]:
    """Yields the names of the functions that a node can call: its op, and every function among its attributes."""
    yield node.op
    for value in node.attr.values():
        yield from _references(value)
        # Some attributes name functions as plain strings, such as those of gradients.
        yield from (text.decode("utf-8", "replace") for text in (value.s, *value.list.s) if len(text) < 1024)


def _references(value: Any) -> Iterator[str]:
    for reference in [value.func] if value.HasField("func") else value.list.func:
        yield reference.name
        for inner in reference.attr.values():
            yield from _references(inner)


def _node_name(tensor_name: str) -> str:
    return tensor_name.removeprefix("^").partition(":")[0]
