"""What one source file refers to, and the part of it that decides what it computes."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# Functions that read another object's source text, comments and all.
_SOURCE_READERS = frozenset({"getsource", "getsourcelines", "getsourcefile", "getcomments", "getdoc"})
# Functions that import by name.
_IMPORTERS = frozenset({"import_module", "__import__", "find_spec"})


@dataclass(frozen=True)
class References:
    """What a file refers to.

    Attributes:
      modules: Dotted names of modules that it imports as such.
      names: (module, name) of each `from module import name`; the name may be a module, too.
      texts: String constants: some name a module that a worker process starts.
      shown: Dotted names of the modules whose source text it reads as data.
      shows_itself: Whether its own docstring is data.
    """

    modules: frozenset[str]
    names: frozenset[tuple[str, str]]
    texts: frozenset[str]
    shown: frozenset[str]
    shows_itself: bool


@dataclass(frozen=True)
class Source:
    """One source file.

    Attributes:
      references: What it refers to.
      code_sha256: Of what it computes: its syntax tree without comments, layout, docstrings and `__version__`.
      text_sha256: Of its bytes.
      only_reexports: Whether it holds nothing but imports from other modules.
    """

    references: References
    code_sha256: str
    text_sha256: str
    only_reexports: bool

    @classmethod
    def read(cls, path: Path, module: str) -> Source:
        """Reads a file.

        Args:
          path: Of the file.
          module: Its dotted name; that of a package for an `__init__.py`.

        Returns:
          What it refers to and what it computes.

        Raises:
          SyntaxError: it is not Python of this version.
        """
        content = path.read_bytes()
        tree = ast.parse(content)
        only_reexports = all(_is_reexport(node) for node in tree.body)
        references = _references(tree, module if path.name == "__init__.py" else module.rpartition(".")[0])
        # Without what reading the references took out, and without lines and columns.
        code = hashlib.sha256(ast.dump(tree).encode("utf-8", errors="surrogatepass")).hexdigest()
        return cls(references, code, hashlib.sha256(content).hexdigest(), only_reexports)


def _references(tree: ast.Module, package: str) -> References:
    modules: set[str] = set()
    names: set[tuple[str, str]] = set()
    bound: dict[str, str] = {}
    texts: set[str] = set()
    calls: list[ast.Call] = []
    shows_itself = False
    for node in _executed(tree):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
            bound |= {alias.asname or alias.name: alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            origin = _absolute(node, package)
            names |= {(origin, alias.name) for alias in node.names}
            bound |= {alias.asname or alias.name: f"{origin}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            texts.add(node.value)
        elif isinstance(node, ast.Name) and node.id == "__doc__":
            shows_itself = True
        elif isinstance(node, ast.Call) and _last_name(node.func) in _SOURCE_READERS | _IMPORTERS:
            calls.append(node)
    shown: set[str] = set()
    for call in calls:
        if _last_name(call.func) in _SOURCE_READERS:
            shown |= _sources_read(call, bound)
        elif call.args and isinstance(call.args[0], ast.Constant):
            modules.add(str(call.args[0].value))
    return References(frozenset(modules), frozenset(names), frozenset(texts), frozenset(shown), shows_itself)


def _executed(tree: ast.Module) -> Iterator[ast.AST]:
    """Yields every node that can run, and takes docstrings and `__version__` out of the tree on the way."""
    tree.body = [statement for statement in tree.body if _assigned(statement) != "__version__"]
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        body = getattr(node, "body", None)
        if isinstance(body, list):
            body[:] = [statement for statement in body if not _is_text(statement)]
        if isinstance(node, ast.If) and _last_name(node.test) == "TYPE_CHECKING":
            waiting += node.orelse
        else:
            yield node
            waiting += ast.iter_child_nodes(node)


def _absolute(node: ast.ImportFrom, package: str) -> str:
    if not node.level:
        return node.module or ""
    parts = package.split(".")
    base = ".".join(parts[: len(parts) - node.level + 1])
    return f"{base}.{node.module}" if node.module else base


def _sources_read(call: ast.Call, bound: dict[str, str]) -> set[str]:
    """Finds the modules that a call may read: the named one, or whatever the file imports where it names none."""
    name = call.args[0].id if call.args and isinstance(call.args[0], ast.Name) else None
    return {bound[name]} if name in bound else set(bound.values())


def _last_name(node: ast.AST) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _is_reexport(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) or _is_text(node) or _assigned(node) in {"__all__", "__version__"}


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _assigned(node: ast.stmt) -> str:
    return _last_name(node.targets[0]) if isinstance(node, ast.Assign) and len(node.targets) == 1 else ""
