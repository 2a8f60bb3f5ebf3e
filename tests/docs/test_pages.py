"""What the README and every page say can be done, can be done: verbs, options, keys, paths and links are there."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import re
import shlex
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from learn2compress.command_line.main import full_app
from learn2compress.config.file import parse_config
from pipelines.git_trigger.policy import load_policy
from pipelines.git_trigger.settings import load_settings

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "docs" / "generators"))
from configuration_page import sections  # noqa: E402
from hooks import FROM_ROOT, PAGES  # noqa: E402

DOCS = ROOT / "docs"
# The changelog tells of what was, too.
TEXTS = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for path in [ROOT / "README.md", *(ROOT / name for name in FROM_ROOT), *sorted(DOCS.rglob("*.md"))]
}
LIVING = {name: text for name, text in TEXTS.items() if name != "CHANGELOG.md"}
GENERATED = {f"docs/{place}": make() for place, make in PAGES.items()}
BLOCK = re.compile(r"^( *)```(\w*)[^\n]*\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
COMMAND_LANGUAGES = ("", "bash", "sh", "text")
SCRIPTS = [path for folder in ("tests/benchmarks", "examples") for path in (ROOT / folder).rglob("*.py")]
OPTIONS_OF_OTHERS = {"--help", "--strict", "--parallelism"} | {
    option
    for path in SCRIPTS
    for option in re.findall(r"[\"'](--[a-z][a-z0-9-]*)[\"']", path.read_text(encoding="utf-8"))
}
WHOLE = {
    "image": {
        "name": "page",
        "data": {"format": "digits"},
        "teacher": {"uri": "t.keras"},
        "students": [{"name": "one"}],
    },
    "text": {
        "name": "page",
        "task": {"kind": "text", "input_shape": [1024]},
        "data": {"format": "tsv", "uri": "data"},
        "teacher": {"uri": "t.keras"},
        "students": [{"name": "one"}],
    },
}


def blocks(*languages: str) -> list[tuple[str, str]]:
    """Page and text of each block in one of some languages."""
    found = []
    for page, text in LIVING.items():
        for indent, language, block in BLOCK.findall(text):
            if language in languages:
                found.append((page, "".join(line.removeprefix(indent) for line in block.splitlines(keepends=True))))
    assert found, f"no page has a block of {languages}"
    return found


def without_blocks(text: str) -> str:
    return BLOCK.sub("", text)


def commands(program: str) -> list[tuple[str, list[str]]]:
    """Page and words of each command line of a program, variables before it left out."""
    found = []
    for page, block in blocks(*COMMAND_LANGUAGES):
        for line in block.replace("\\\n", " ").splitlines():
            command = re.sub(r"^([A-Z_0-9]+=\S* +)*", "", line.strip())
            if command.startswith(f"{program} "):
                words = shlex.split(command, comments=True)
                found.append((page, [word for word in words if word != "&"]))
    assert found, f"no page shows a {program} command"
    return found


def verbs() -> dict[str, Any]:
    program: Any = typer.main.get_command(full_app())
    return dict(program.commands)


def options_of(verb: Any) -> set[str]:
    return {"--help", *(name for one in verb.params for name in (*one.opts, *one.secondary_opts))}


def named(cases: list[tuple[str, Any]]) -> list[str]:
    return [f"{page}-{number}" for number, (page, _) in enumerate(cases)]


L2C = commands("l2c")


@pytest.mark.parametrize(("page", "command"), L2C, ids=[" ".join(command) for _, command in L2C])
def test_l2c_accepts_each_command(page: str, command: list[str]) -> None:
    verb = verbs()[command[1]]
    context = verb.make_context(command[1], command[2:])
    assert set(context.params) == {parameter.name for parameter in verb.params if parameter.expose_value}


def test_verbs_and_options_in_sentences_are_there() -> None:
    known, unknown = verbs(), []
    everything = {option for verb in known.values() for option in options_of(verb)}
    for page, text in LIVING.items():
        for words in re.findall(r"`l2c ([a-z][a-z-]*[^`]*)`", without_blocks(text)):
            verb, *rest = words.split()
            if verb not in known or {word for word in rest if word.startswith("--")} - options_of(known[verb]):
                unknown.append((page, f"l2c {words}"))
        for option in re.findall(r"`(--[a-z][a-z0-9-]*)[^`]*`", without_blocks(text)):
            if option not in everything and option not in OPTIONS_OF_OTHERS:
                unknown.append((page, option))
    assert unknown == []


def test_make_has_each_target() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    shown = {word for _, command in commands("make") for word in command[1:2]}
    said = {target for text in LIVING.values() for target in re.findall(r"`make ([a-z-]+)[^`]*`", text)}
    assert shown
    assert said
    assert shown | said <= targets


YAML_BLOCKS = blocks("yaml")


@pytest.mark.parametrize(("page", "block"), YAML_BLOCKS, ids=named(YAML_BLOCKS))
def test_yaml_is_accepted(page: str, block: str, tmp_path: Path) -> None:
    """A whole configuration, or a part of one; or what the receiver of Git pushes is told: settings, policy."""
    value = yaml.safe_load(block)
    if "repositories" in value:
        (tmp_path / "webhook.yaml").write_text(block)
        assert load_settings(tmp_path / "webhook.yaml").repositories
        return
    if "uris" in value:
        (tmp_path / "policy.yaml").write_text(block)
        assert load_policy(tmp_path / "policy.yaml").uris
        return
    if {"name", "data", "teacher", "students"} <= set(value):
        assert parse_config(block).students
        return
    base = WHOLE["text" if "text" in page else "image"]
    parts = {key: {**base[key], **part} if isinstance(base.get(key), dict) else part for key, part in value.items()}
    whole = yaml.safe_dump({**base, **parts}).replace("architecture: ours", "architecture: residual")
    assert parse_config(whole).students


def test_keys_in_sentences_are_there() -> None:
    keys = {key.path for section in sections() for key in section.keys}
    tops = {key for key in keys if "." not in key}
    unknown = []
    for page, text in LIVING.items():
        for path in re.findall(r"`([a-z_]+\.[a-z_.]+)(?:: [^`]*)?`", without_blocks(text)):
            top = path.partition(".")[0]
            is_file = path.endswith((".py", ".json", ".md", ".yaml", ".html", ".txt", ".keras", ".lock", ".sqlite"))
            if top in tops and not is_file and path not in keys:
                unknown.append((page, path))
    assert unknown == []


@pytest.mark.parametrize(("page", "block"), blocks("toml"), ids=named(blocks("toml")))
def test_toml_is_read(page: str, block: str) -> None:
    assert tomllib.loads(block)


PYTHON_BLOCKS = blocks("python")


@pytest.mark.parametrize(("page", "block"), PYTHON_BLOCKS, ids=named(PYTHON_BLOCKS))
def test_python_imports_what_is_there(page: str, block: str) -> None:
    """It compiles, and what it imports is there."""
    tree = ast.parse(block)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            module = importlib.import_module(node.module)
            missing = [alias.name for alias in node.names if not hasattr(module, alias.name)]
            assert all(importlib.util.find_spec(f"{node.module}.{name}") for name in missing), ast.unparse(node)
        elif isinstance(node, ast.Import):
            assert all(importlib.util.find_spec(alias.name) for alias in node.names), ast.unparse(node)


def library_calls() -> Iterator[tuple[str, ast.Call]]:
    """Calls such as `l2c.compress(...)` in Python blocks."""
    for page, block in PYTHON_BLOCKS:
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("l2c."):
                yield page, node


def test_calls_of_the_library_have_its_arguments() -> None:
    import inspect

    library: Any = importlib.import_module("learn2compress")
    calls = list(library_calls())
    assert calls
    for page, call in calls:
        assert isinstance(call.func, ast.Attribute)
        signature = inspect.signature(getattr(library, call.func.attr))
        arguments = {keyword.arg: None for keyword in call.keywords if keyword.arg}
        signature.bind(*call.args, **arguments), page


PATH = re.compile(r"(?<![\w/.-])((?:learn2compress|components|pipelines|examples|tests|k8s|docs)/[\w/.-]*[\w/])")


def test_each_path_is_there() -> None:
    missing = []
    for page, text in LIVING.items():
        code = [*re.findall(r"`([^`\n]+)`", without_blocks(text)), *(block for _, _, block in BLOCK.findall(text))]
        for path in {path for piece in code for path in PATH.findall(piece)}:
            place = path.rstrip(".")
            known = (ROOT / place).exists() or place in GENERATED or "NAME" in place
            if not known and not place.startswith(NOT_IN_THE_REPOSITORY):
                missing.append((page, place))
    assert missing == []


NOT_IN_THE_REPOSITORY = ("examples/students/cifar10", "learn2compress/metadata-store")  # collected; a label of pods


LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")


@pytest.mark.parametrize("page", TEXTS)
def test_each_link_leads_somewhere(page: str) -> None:
    for link in (first or second for first, second in LINK.findall(TEXTS[page])):
        if "://" in link or link.startswith("mailto:"):
            continue
        path, _, anchor = link.partition("#")
        target = (ROOT / page).parent / path if path else ROOT / page
        place = target.resolve().relative_to(ROOT).as_posix()
        assert target.exists() or place in GENERATED, f"{page}: {link}"
        if anchor:
            text = GENERATED.get(place) or target.read_text(encoding="utf-8")
            assert anchor in anchors(text), f"{page}: {link}"


def slug(heading: str) -> str:
    """What a heading's anchor is called on the site and on hosts of repositories."""
    return re.sub(r"[\s-]+", "-", re.sub(r"[^\w\s-]", "", heading).strip().lower())


def anchors(text: str) -> set[str]:
    """Parts of a page that a link may lead to."""
    named_parts = set(re.findall(r"\{ ?#([\w.-]+) ?\}", text)) | set(re.findall(r"^::: ([\w.]+)$", text, re.MULTILINE))
    headings = re.findall(r"^#+ (.*?)(?: \{ #.*)?$", BLOCK.sub("", text), re.MULTILINE)
    return named_parts | {slug(re.sub(r"[`*]|\]\([^)]*\)|\[", "", heading)) for heading in headings}


def test_the_environment_page_has_each_variable_of_ours() -> None:
    sources = [path.read_text(encoding="utf-8") for name in ("learn2compress", "components", "pipelines")
               for path in (ROOT / name).rglob("*.py")]  # fmt: skip
    used = {name for text in sources for name in re.findall(r"[\"']((?:L2C|KF_PIPELINES)_[A-Z_]+)[\"']", text)}
    page = LIVING["docs/reference/environment.md"]
    listed = set(re.findall(r"^\| `((?:L2C|KF_PIPELINES)_[A-Z_]+)`", page, re.MULTILINE))
    assert used
    assert listed - {"KF_PIPELINES_SA_TOKEN_PATH"} == used - {"KF_PIPELINES_SA_TOKEN_PATH"}


def test_the_architecture_of_the_page_builds_students() -> None:
    import keras

    from learn2compress.config import StageConfig
    from learn2compress.students.layers import Layers

    (block,) = [block for page, block in PYTHON_BLOCKS if page == "docs/how-to/architecture.md"]
    names: dict[str, Any] = {}
    exec(block, names)
    architecture, layers = names["Ours"](), Layers()
    image = features = keras.Input((16, 16, 3))
    for number in (1, 2):
        features = architecture.stage(features, StageConfig(8), number, layers)
    student = keras.Model(image, architecture.head(features, 3, Layers(prefix="small_")))
    assert student.output_shape == (None, 3)
    assert features.shape[1:3] == (8, 8)


@pytest.mark.parametrize(
    "form", sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yaml")), ids=lambda form: form.stem
)
def test_issue_forms_ask_what_they_name(form: Path) -> None:
    value = yaml.safe_load(form.read_text(encoding="utf-8"))
    questions = [part for part in value["body"] if part["type"] != "markdown"]
    assert value["name"]
    assert value["description"]
    assert len({question["id"] for question in questions}) == len(questions) >= 3
    assert any(question.get("validations", {}).get("required") for question in questions)
    assert all(question["attributes"]["label"] for question in questions)
