"""What ships with a text student: a definition that runs alone, and vectors that it agrees with."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from learn2compress.config import TaskConfig, TaskKind, TextFeatures
from learn2compress.data.text_features import text_input
from learn2compress.data.text_files import DEFINITION_FILE, VECTORS_FILE, text_files


@pytest.mark.parametrize("kind", list(TextFeatures))
def test_vectors_are_the_bytes_that_the_student_was_trained_with(kind: TextFeatures) -> None:
    task = TaskConfig(TaskKind.TEXT, (24,), kind)
    vectors = json.loads(text_files(task)[VECTORS_FILE])
    assert (vectors["text_features"], vectors["length"]) == (kind.value, 24)
    texts = [example["text"] for example in vectors["examples"]]
    assert "" in texts
    assert len(set(texts)) == len(texts)
    for example in vectors["examples"]:
        assert bytes.fromhex(example["bytes_hex"]) == text_input(example["text"], task).tobytes()


def test_the_shipped_definition_runs_alone_and_agrees_with_its_vectors(tmp_path: Path) -> None:
    for kind in TextFeatures:
        task = TaskConfig(TaskKind.TEXT, (24,), kind)
        for name, content in text_files(task).items():
            (tmp_path / name).write_bytes(content)
        alone = [sys.executable, "-I", "-S", str(tmp_path / DEFINITION_FILE)]
        checked = subprocess.run(alone, capture_output=True, text=True, check=True)
        assert "the same bytes for all" in checked.stdout
        printed = subprocess.run([*alone, "play some", "jazz"], capture_output=True, text=True, check=True)
        assert printed.stdout.strip() == text_input("play some jazz", task).tobytes().hex()
        vectors = (tmp_path / VECTORS_FILE).read_text("utf-8")
        (tmp_path / VECTORS_FILE).write_text(vectors.replace('"play some jazz"', '"play other jazz"'), "utf-8")
        wrong = subprocess.run(alone, capture_output=True, text=True, check=False)
        assert wrong.returncode != 0
        assert "play other jazz" in wrong.stderr
