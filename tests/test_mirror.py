"""Each module has a test of its name, at the same place below `tests/`: `a/b/c.py` in `tests/a/b/test_c.py`.

Of a component, `component.py` and `executor.py` are tested together, as a pipeline runs them: those of
`components/prune` in `tests/components/test_prune.py`, or each in a file of its own in `tests/components/prune/`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("learn2compress", "components", "pipelines")

# Modules that need no test of their own, and why.
EXCEPTIONS = {
    "learn2compress/file_names.py": "names alone: whoever reads and writes the files holds them",
    "learn2compress/teachers/formats.py": "an enumeration, limits and an error: the tests of each format hold them",
}
# Modules that still wait for one. Take out what has got its test, and raise the share.
WAITING = (
    "components/ingest/statistics.py",
    "components/ingest/steps.py",
    "components/ingest/tfdv.py",
    "components/search/outputs.py",
    "components/search/trial_files.py",
    "components/step_code/architecture.py",
    "components/step_code/references.py",
    "components/teacher_load/logits.py",
)
MIN_TESTED_SHARE = 0.85


def modules() -> list[str]:
    """Paths of all modules; a package's `__init__` gathers what others define."""
    found = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py") if path.name != "__init__.py"]
    return sorted(path.relative_to(ROOT).as_posix() for path in found)


def accepted_tests(module: str) -> list[Path]:
    """Where the test of a module may stand."""
    path = Path(module)
    places = [ROOT / "tests" / path.parent / f"test_{path.name}"]
    if path.parts[0] == "components" and path.stem in ("component", "executor") and len(path.parts) == 3:
        places.append(ROOT / "tests" / "components" / f"test_{path.parts[1]}.py")
    return places


def is_tested(module: str) -> bool:
    return any(place.is_file() for place in accepted_tests(module))


def test_each_module_has_a_test_of_its_name() -> None:
    untested = [module for module in modules() if not is_tested(module)]
    unknown = [module for module in untested if module not in EXCEPTIONS and module not in WAITING]
    wanted = [accepted_tests(module)[0].relative_to(ROOT).as_posix() for module in unknown]
    assert not unknown, f"write {', '.join(wanted)}"


def test_most_modules_have_one() -> None:
    found = modules()
    assert sum(map(is_tested, found)) / len(found) >= MIN_TESTED_SHARE


@pytest.mark.parametrize("module", [*EXCEPTIONS, *WAITING])
def test_an_exception_is_one_still(module: str) -> None:
    assert (ROOT / module).is_file(), "there is no such module: take it off the list"
    assert not is_tested(module), "it has a test by now: take it off the list"


def test_the_files_that_begin_first_are_there(request: pytest.FixtureRequest) -> None:
    order = request.config.pluginmanager.get_plugin(str(ROOT / "tests" / "conftest.py"))
    assert order is not None
    assert [file for file in order.LONG_FILES if not (ROOT / "tests" / file).is_file()] == []
