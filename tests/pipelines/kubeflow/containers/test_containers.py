"""The compiled package's steps in real containers: the image of k8s/Dockerfile, confined as a restricted pod is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

pytestmark = pytest.mark.end_to_end

NAMES = ("large", "small")
# Of the digits, and little of it: what is shown here is not how well they learn.
SETTINGS: dict[str, Any] = {
    "training": {"stages": [{"channels": 8}, {"channels": 12}], "epochs": 2},
    "students": [{"name": "large", "stage": 2}, {"name": "small", "stage": 1}],
    "prune": {"sparsity_ratio": 0.5, "epochs": 1},
    "quantize": {"epochs": 1},
    "constraints": {},
}
# Sources without byte code of their own size and time (the header of PEP 552).
STALE = """
import importlib.util, os, struct
stale = []
for package in ("components", "keras", "learn2compress", "pipelines", "tfx"):
    for folder, _, names in os.walk(importlib.util.find_spec(package).submodule_search_locations[0]):
        for name in names:
            source = os.path.join(folder, name)
            if not name.endswith(".py"):
                continue
            try:
                with open(importlib.util.cache_from_source(source), "rb") as file:
                    found = struct.unpack("<4sIII", file.read(16))
            except OSError:
                found = None
            state = os.stat(source)
            if found != (importlib.util.MAGIC_NUMBER, 0, int(state.st_mtime), state.st_size):
                stale.append(source)
print(len(stale), *stale[:5])
"""


@pytest.fixture(scope="module")
def local(teacher: Path, run_folder: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A finished run on this machine."""
    folder = run_folder(tmp_path_factory.mktemp("local")).write(teacher={"uri": str(teacher)}, **SETTINGS)
    process = folder.run()
    assert process.returncode == 0, process.stdout + process.stderr
    return folder


@pytest.fixture(scope="module")
def finished(
    kubeflow: Any, store: Any, teacher: Path, run_folder: Any, tmp_path_factory: pytest.TempPathFactory
) -> Any:
    """A finished run of a package that the image itself compiled."""
    store.put_object(Bucket="models", Key="teacher.keras", Body=teacher.read_bytes())
    places = {"teacher": {"uri": "s3://models/teacher.keras"}, "push": {"uri": "s3://models/pushed"}}
    folder = tmp_path_factory.mktemp("containers")
    config = run_folder(folder).write(**SETTINGS, **places).config
    written = folder / "written"
    written.mkdir()
    written.chmod(0o777)
    mounted = (f"--volume={config}:/l2c.yaml:ro", f"--volume={written}:/written")
    compiled = kubeflow.container.run("l2c", "compile", "/l2c.yaml", "-o", "/written/package.yaml", options=mounted)
    assert compiled.returncode == 0, compiled.stdout + compiled.stderr
    package, _platform = yaml.safe_load_all((written / "package.yaml").read_text(encoding="utf-8"))
    kubeflow.run(package)
    return kubeflow


def test_it_pushes_to_the_object_store_the_same_files_as_a_local_run(finished: Any, store: Any, local: Any) -> None:
    listed = store.list_objects_v2(Bucket="models", Prefix="pushed/versions/1/")["Contents"]
    keys = [entry["Key"] for entry in listed if entry["Key"].endswith(".tflite")]
    found = {Path(key).stem: store.get_object(Bucket="models", Key=key)["Body"].read() for key in keys}
    assert set(found) == set(NAMES)
    assert found == local.files(1)


def test_no_step_had_more_rights_than_a_restricted_pod(finished: Any) -> None:
    assert len(finished.reports) == 4 + 3 * len(NAMES)
    none = ["0000000000000000"]
    for name, report in finished.reports.items():
        assert report["confinement"] == {
            "Uid": ["65532"] * 4,
            "CapEff": none,
            "CapBnd": none,
            "NoNewPrivs": ["1"],
            "Seccomp": ["2"],
            "writable": [],
        }, name


def test_artifacts_went_by_both_schemes(finished: Any) -> None:
    uris = [artifact["uri"] for report in finished.reports.values() for artifact in report["outputs"].values()]
    assert {uri.partition("://")[0] for uri in uris} == {"minio", "s3"}


@pytest.mark.parametrize(
    "command",
    [
        ("l2c", "validate", "--help"),
        ("python", "-m", "pipelines.kubeflow.container.step", "--help"),
        ("git", "--version"),
    ],
)
def test_its_commands_start(container: Any, command: tuple[str, ...]) -> None:
    process = container.run(*command)
    assert process.returncode == 0, process.stderr


def test_it_has_byte_code_of_everything_and_never_compiles(container: Any) -> None:
    process = container.run("python", "-c", STALE)
    assert process.stdout.split()[:1] == ["0"], process.stdout + process.stderr


@pytest.mark.parametrize("tool", ["gcc", "make", "pip", "uv", "curl"])
def test_it_has_nothing_to_build_or_install_with(container: Any, tool: str) -> None:
    assert container.run("sh", "-c", f"! command -v {tool}").returncode == 0


def test_unconfined_it_is_not_root_either(container: Any, inspect: Callable[[str], str]) -> None:
    assert inspect("{{.Config.User}}") == "65532:65532"
    assert inspect('{{index .Config.Labels "org.opencontainers.image.licenses"}}') == "Apache-2.0"
