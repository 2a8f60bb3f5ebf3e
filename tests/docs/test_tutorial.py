"""The tutorial works as typed: its scripts and its commands, in its order, on fewer photos and in fewer epochs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "tutorial" / "photos.md").read_text(encoding="utf-8")
SCRIPTS = dict(re.findall(r'^```python title="([\w.]+)"\n(.*?)^```$', PAGE, re.MULTILINE | re.DOTALL))
COMMANDS = re.findall(r"^```bash\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
SMALLER = {"make_photos.py": ("range(300)", "range(130)"), "train_teacher.py": ("epochs = 12", "epochs = 6")}
# What so few photos and epochs give is no better than chance.
LENIENT = (
    "sed -i -e 's/epochs: 30/epochs: 2/' -e 's/max_accuracy_drop: 0.02/max_accuracy_drop: 0.5/'"
    " -e 's/^teacher:.*/&\\n  accept_poor: true/' -e 's/^constraints:.*/&\\n  accept_guessing: true/' my.yaml\n"
)


@pytest.mark.end_to_end
def test_the_tutorial_works_as_typed(tmp_path: Path) -> None:
    assert set(SCRIPTS) == set(SMALLER)
    assert len(COMMANDS) >= 8
    folder = tmp_path / "shapes"
    folder.mkdir()
    for name, (many, few) in SMALLER.items():
        assert many in SCRIPTS[name]
        (folder / name).write_text(SCRIPTS[name].replace(many, few))
    lines = ["set -e", *COMMANDS]
    (after_init,) = [number for number, block in enumerate(lines) if block.startswith("l2c init")]
    lines[after_init] = lines[after_init].replace("l2c validate", f"{LENIENT}l2c validate")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", "\n".join(lines)],
        cwd=folder,
        env={**os.environ, "PATH": path, "HOME": str(tmp_path), "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert (folder / "report.html").is_file()
    assert sorted(path.name for path in (folder / "pushed" / "versions").iterdir()) == ["1", "2"]
