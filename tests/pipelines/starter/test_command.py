"""`l2c init` for texts, as it is typed, and that `l2c validate` accepts what it wrote."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

from learn2compress.config.file import load_config

Command = Callable[..., subprocess.CompletedProcess[str]]


def test_texts_need_no_format_to_be_said(l2c: Command, tmp_path: Path) -> None:
    rows = "".join(f"{n},{name},words of {name} and {n}\n" for n in range(12) for name in ("rain", "sun"))
    (tmp_path / "texts.csv").write_text("id,what,said\n" + rows)
    columns = ("--label-column", "what", "--text-column", "3")
    written = l2c("init", "--data", "texts.csv", *columns, cwd=tmp_path)
    assert (written.returncode, written.stderr) == (0, "")
    assert "set its teacher, then: l2c validate l2c.yaml" in written.stdout
    config = load_config(tmp_path / "l2c.yaml")
    assert (config.data.label_column, config.data.text_column) == ("what", 3)
    assert l2c("validate", tmp_path / "l2c.yaml", "--file-only").returncode == 0


def test_a_size_has_a_unit_or_is_a_number_of_bytes(
    l2c: Command, refused: Callable[[subprocess.CompletedProcess[str]], str], tmp_path: Path
) -> None:
    written = l2c("init", "--input-shape", "32x32x3", "--max-model-bytes", "200kB", cwd=tmp_path)
    assert (written.returncode, written.stderr) == (0, "")
    assert load_config(tmp_path / "l2c.yaml").constraints.max_model_bytes == 200_000
    assert "--max-model-bytes: found '200kg'" in refused(l2c("init", "--max-model-bytes", "200kg", cwd=tmp_path))
