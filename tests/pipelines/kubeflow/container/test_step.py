"""The entrypoint as a process: its exit codes and the one line that it says."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from components import artifacts
from pipelines.kubeflow.container import step
from pipelines.kubeflow.container.step import main
from pipelines.kubeflow.contract.artifact_types import class_path
from pipelines.kubeflow.contract.step_contract import ParameterKind, StepContract

TRAINER = """
import time
from pathlib import Path
from tfx.dsl.components.base import base_executor

class Trainer(base_executor.BaseExecutor):
    def Do(self, input_dict, output_dict, exec_properties):
        state = Path(exec_properties["checkpoint_root"]) / "state"
        if state.exists():
            (Path(output_dict["model"][0].uri) / "resumed").write_text(state.read_text())
            return
        state.write_text("epoch 1")
        try:
            time.sleep(600)
        finally:
            time.sleep(1)
            state.with_name("cleaned_up").touch()
"""


@pytest.mark.parametrize("is_in_pod", [False, True])
def test_a_step_told_to_stop_fails_and_its_retry_goes_on(is_in_pod: bool, kfp_stand_in: Any, tmp_path: Path) -> None:
    (tmp_path / "trainer_of_a_test.py").write_text(TRAINER)
    contract = StepContract(
        pipeline="flowers",
        component="Trainer",
        component_type="trainer_of_a_test.Component",
        executor="trainer_of_a_test.Trainer",
        inputs={},
        outputs={"model": class_path(artifacts.Student)},
        parameters={"checkpoint_root": ParameterKind.TEXT},
        overrides={},
        views={},
    )
    content = {
        "inputs": {"parameterValues": {"checkpoint_root": str(tmp_path)}},
        "outputs": {
            "artifacts": {"model": {"artifacts": [{"uri": "s3://b/model"}]}},
            "outputFile": str(tmp_path / "out.json"),
        },
    }
    pod = [sys.executable, str(Path(kfp_stand_in.__file__).with_name("emissary.py"))] if is_in_pod else []
    command = [*pod, sys.executable, "-m", "pipelines.kubeflow.container.step", "--artifact-root", str(tmp_path)]
    command += ["--contract", contract.to_json(), "--executor-input", json.dumps(content)]
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as first:
        while not (tmp_path / "state").exists():
            assert first.poll() is None
            time.sleep(0.05)
        first.send_signal(signal.SIGTERM)
        errors = first.communicate()[1]
    assert first.returncode == 143
    # In a pod the step does not get as far as that.
    assert ("step: error: told to stop" in errors, (tmp_path / "cleaned_up").exists()) == (not is_in_pod, not is_in_pod)
    assert not (tmp_path / "out.json").exists()

    subprocess.run(command, env=environment, check=True, capture_output=True)
    assert (tmp_path / "s3/b/model/resumed").read_text() == "epoch 1"
    assert (tmp_path / "out.json").exists()


@pytest.mark.parametrize(("raised", "code"), [("RuntimeError('two\\nlines')", 1), ("ConfigError('not accepted')", 2)])
def test_an_executor_that_fails_is_one_line_and_an_exit_code(
    raised: str, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    module = f"failing_{code}"
    (tmp_path / f"{module}.py").write_text(
        "from learn2compress.config.parsing import ConfigError\n"
        "from tfx.dsl.components.base import base_executor\n"
        "class Failing(base_executor.BaseExecutor):\n"
        f"    def Do(self, *_):\n        raise {raised}\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    contract = StepContract(
        pipeline="flowers",
        component="Failing",
        component_type=f"{module}.Component",
        executor=f"{module}.Failing",
        inputs={},
        outputs={},
        parameters={},
        overrides={},
        views={},
    )
    content = json.dumps({"outputs": {"outputFile": str(tmp_path / "out.json")}})
    termination_log = tmp_path / "termination-log"  # Kubernetes makes it
    termination_log.touch()
    monkeypatch.setattr(step, "_TERMINATION_LOG", termination_log)
    assert main(["--contract", contract.to_json(), "--executor-input", content]) == code
    *traceback, line = capsys.readouterr().err.splitlines()
    assert line == {1: "step: error: RuntimeError: two lines", 2: "step: error: not accepted"}[code]
    assert bool(traceback) == (code == 1)
    assert f"step: error: {termination_log.read_text()}" == line
    assert not (tmp_path / "out.json").exists()
