"""The page of the Python API: what the library offers at its top, and the functions below it, from their docstrings.

Names at the top are read from the stub that type checkers read, `learn2compress/__init__.pyi`: nothing is imported.
"""

from __future__ import annotations

import ast
from pathlib import Path

_STUB = Path(__file__).parents[2] / "learn2compress" / "__init__.pyi"
BELOW: dict[str, tuple[str, ...]] = {
    "The configuration": (
        "learn2compress.config.file.load_config",
        "learn2compress.config.file.parse_config",
        "learn2compress.config.file.json_schema",
        "learn2compress.config.parsing.parse",
        "learn2compress.config.parsing.to_dict",
    ),
    "Data and teachers": (
        "learn2compress.data.reading.read_records",
        "learn2compress.data.examples.read_examples",
        "learn2compress.data.examples.read_batches",
        "learn2compress.teachers.loading.load_teacher",
    ),
    "Networks and training": (
        "learn2compress.students.architecture.Architecture",
        "learn2compress.students.joint.build_joint_network",
        "learn2compress.students.joint.standalone_student",
        "learn2compress.search.stages_for_budget.resnet_family",
        "learn2compress.training.loop.fit",
    ),
    "Compression": (
        "learn2compress.pruning.prune.prune_student",
        "learn2compress.quantization.quantize.quantize_student",
    ),
    "Files: run, measure, select, push": (
        "learn2compress.litert.interpreter.Scorer",
        "learn2compress.litert.interpreter.predict",
        "learn2compress.litert.metadata.with_metadata",
        "learn2compress.litert.metadata.read_metadata",
        "learn2compress.litert.measure.measure_file",
        "learn2compress.selection.select.select",
        "learn2compress.report.page.render_page",
        "learn2compress.release.push.push_version",
    ),
}
"""Functions and classes below the top that people call, by heading."""


def python_page() -> str:
    """Returns the page as Markdown, with a directive of mkdocstrings for each object."""
    parts = ["# Python"]
    public = public_objects()
    if public:
        parts += [
            "```python\nimport learn2compress as l2c\n```",
            "imports nothing heavy: each name below is imported when it is first used.",
            "## At the top { #top }",
            *(f"::: {path}\n    options: {{show_root_full_path: false}}" for path in public.values()),
        ]
    parts += [
        "## Below it { #below }",
        "The library is plain functions over NumPy, Keras and LiteRT; it knows no pipeline. These are the ones that a"
        " notebook calls for a single step.",
    ]
    for heading, paths in BELOW.items():
        parts += [f"## {heading}", *(f"::: {path}" for path in paths)]
    return "\n\n".join(parts) + "\n"


def public_objects() -> dict[str, str]:
    """Returns what the library offers at its top: by name, where it is defined. Empty where there is no stub."""
    if not _STUB.is_file():
        return {}
    imports = (node for node in ast.parse(_STUB.read_text(encoding="utf-8")).body if isinstance(node, ast.ImportFrom))
    return {alias.name: f"{node.module}.{alias.name}" for node in imports for alias in node.names}
