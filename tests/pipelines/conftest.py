"""The installed command, a configuration on the bundled digits, a teacher, and two finished runs of it."""

from __future__ import annotations

import functools
import importlib.util
import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from learn2compress.command_line.main import full_app, main

L2C = Path(sys.executable).with_name("l2c")
STAND_IN = Path(__file__).parent / "kubeflow" / "kfp_stand_in"
EXAMPLE = Path(__file__).parents[2] / "examples" / "train_teacher.py"
Command = Callable[..., subprocess.CompletedProcess[str]]

CONFIG: dict[str, Any] = {
    "name": "little",
    "seed": 11,
    "task": {"kind": "image", "input_shape": [8, 8, 1]},
    "data": {"format": "digits"},
    "teacher": {"uri": "teacher.keras"},
    "training": {
        "stages": [{"channels": 12}, {"channels": 20}, {"channels": 28}],
        "epochs": 8,
        "learning_rate": 0.01,
    },
    "students": [{"name": "large", "stage": 3}, {"name": "medium", "stage": 2}, {"name": "small", "stage": 1}],
    "prune": {"sparsity_ratio": 0.5, "epochs": 4},
    "quantize": {"epochs": 3},
    "evaluate": {"latency_rounds": 5},
    "constraints": {"max_accuracy_drop": 0.5},
    "push": {"uri": "pushed"},
}


@dataclass(frozen=True)
class RunFolder:
    """A folder with a configuration, and the run root and push destination beside it."""

    folder: Path

    @property
    def config(self) -> Path:
        return self.folder / "l2c.yaml"

    @property
    def root(self) -> Path:
        return self.folder / "runs"

    @property
    def versions(self) -> Path:
        return self.folder / "pushed" / "versions"

    @property
    def arguments(self) -> list[str]:
        return [str(L2C), "run", str(self.config), "--root", str(self.root)]

    def write(self, **changes: Any) -> RunFolder:
        """Writes the configuration with top-level fields replaced."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.config.write_text(yaml.safe_dump(CONFIG | changes, sort_keys=False), encoding="utf-8")
        return self

    def run(self) -> subprocess.CompletedProcess[str]:
        return subprocess.run(self.arguments, capture_output=True, text=True, check=False)

    def start(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.arguments,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # Tests that a shell started in the background ignore Ctrl-C, and so would their children.
            preexec_fn=functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
        )

    def query(self, *arguments: str) -> Any:
        """What a verb prints as JSON about this root; in this process, which has imported what takes longest."""
        printed = CliRunner().invoke(full_app(), [*arguments, "--json", "--root", str(self.root)])
        assert printed.exit_code == 0, printed.output
        return json.loads(printed.stdout)

    def last_states(self) -> dict[str, str]:
        """State of each step of the latest run."""
        latest = self.query("runs")[-1]["run_id"]
        return {step["step"]: step["state"] for step in self.query("show", str(latest))["steps"]}

    def files(self, version: int) -> dict[str, bytes]:
        """LiteRT files of a pushed version, by student."""
        return {path.stem: path.read_bytes() for path in sorted((self.versions / str(version)).glob("*/*.tflite"))}


@pytest.fixture(scope="session")
def l2c() -> Command:
    """Runs the installed command."""

    def run(*arguments: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        command = [str(L2C), *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd)

    return run


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Runs a verb in this process; gives its exit code and all that it printed."""

    def run(*arguments: object) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["l2c", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capfd.readouterr()
        return int(ended.value.code or 0), captured.out + captured.err

    return run


@pytest.fixture(scope="session")
def run_folder() -> Callable[[Path], RunFolder]:
    """Makes a `RunFolder`."""
    return RunFolder


@pytest.fixture
def refused() -> Callable[[subprocess.CompletedProcess[str]], str]:
    """Asserts that a person was told in one line what is not accepted, and gives that line."""

    def check(process: subprocess.CompletedProcess[str]) -> str:
        assert process.returncode == 2, process.stdout + process.stderr
        lines = process.stderr.splitlines()
        assert len(lines) == 1, process.stderr
        assert lines[0].startswith("l2c: error: ")
        assert "Traceback" not in process.stdout
        return lines[0]

    return check


@pytest.fixture(scope="session")
def teacher(shared_folder: Callable[..., Path]) -> Path:
    """A small convolutional teacher that the project's own example trained on the training split alone."""

    def train(folder: Path) -> None:
        config = RunFolder(folder).write().config
        size = ["--width", "16", "--epochs", "12"]
        subprocess.run([sys.executable, str(EXAMPLE), str(config), *size], check=True, capture_output=True)

    return shared_folder("teacher", train) / "teacher.keras"


@pytest.fixture(scope="session")
def undisturbed(teacher: Path, shared_folder: Callable[..., Path]) -> tuple[RunFolder, RunFolder]:
    """Two finished runs of one configuration, each in a root of its own; they went on side by side.

    `test_end_to_end.py` alone takes the first, changes it and puts it back; nobody changes the second.
    """

    def run_both(folder: Path) -> None:
        pair = [RunFolder(folder / name).write(teacher={"uri": str(teacher)}) for name in ("one", "two")]
        for process in [one.start() for one in pair]:
            output, errors = process.communicate()
            assert process.returncode == 0, output + errors

    folder = shared_folder("undisturbed", run_both)
    return RunFolder(folder / "one"), RunFolder(folder / "two")


@pytest.fixture(scope="session")
def kfp_stand_in() -> Any:
    """What does as Kubeflow Pipelines and Argo do; see `kubeflow/kfp_stand_in`."""
    spec = importlib.util.spec_from_file_location(
        "kfp_stand_in", STAND_IN / "__init__.py", submodule_search_locations=[str(STAND_IN)]
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["kfp_stand_in"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def stand_in(kfp_stand_in: Any) -> Any:
    """The class of a server that answers as Kubeflow Pipelines does."""
    return kfp_stand_in.StandIn


@pytest.fixture
def kfp_server(stand_in: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Such a server, which may be asked nothing that is not of the published API."""
    for name in ("KF_PIPELINES_ENDPOINT", "KF_PIPELINES_UI_ENDPOINT", "KF_PIPELINES_SA_TOKEN_PATH", "L2C_KFP_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("KUBECONFIG", "/no/cluster/of/ours")
    server = stand_in()
    yield server
    server.close()
    assert not server.violations


@pytest.fixture
def kubernetes(kfp_stand_in: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Kubernetes' API beside it, which kubectl's configuration names."""
    server = kfp_stand_in.Kubernetes()
    monkeypatch.setenv("KUBECONFIG", str(server.write_kubeconfig(tmp_path / "kubeconfig")))
    yield server
    server.close()
