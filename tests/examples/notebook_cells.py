"""Runs the code cells of a notebook in order, in this process, and shows what each ends with as a notebook would.

`python notebook_cells.py NOTEBOOK`. A kernel of Jupyter would bring twenty packages into the lock for this.
"""

from __future__ import annotations

import ast
import json
import sys
from pathlib import Path
from typing import Any


def run(notebook: Path) -> None:
    names: dict[str, Any] = {"__name__": "__main__"}
    cells = [cell for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]
    for number, cell in enumerate(cells, start=1):
        place = f"{notebook.name}, code cell {number}"
        tree = ast.parse("".join(cell["source"]), place)
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, place, "exec"), names)
        if isinstance(last, ast.Expr):
            shown = eval(compile(ast.Expression(last.value), place, "eval"), names)
            if shown is not None:
                print(shown._repr_html_() if hasattr(shown, "_repr_html_") else repr(shown))


if __name__ == "__main__":
    run(Path(sys.argv[1]))
