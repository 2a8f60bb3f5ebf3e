"""An image runs what its package was compiled with, and nothing else."""

from __future__ import annotations

import pytest

from learn2compress.config.parsing import ConfigError
from pipelines.kubeflow.container.code_check import check_code
from pipelines.kubeflow.contract.step_contract import ParameterKind, StepContract
from pipelines.provenance import code_digests


def test_the_code_of_any_installed_architecture_is_accepted() -> None:
    """Evaluate loads a student, and is not told of which architecture it is."""
    contract = StepContract(
        pipeline="digits",
        component="Evaluate.small",
        component_type="components.evaluate.component.Evaluate",
        executor="components.evaluate.executor.Executor",
        inputs={},
        outputs={},
        parameters={"code_digest": ParameterKind.TEXT},
        overrides={},
        views={},
    )
    digests = {code_digests(name)["evaluate"] for name in ("residual", "projection")}
    assert len(digests) == 2
    for digest in digests:
        check_code(contract, {"code_digest": digest})
    with pytest.raises(ConfigError, match=r"^image: code or versions behind Evaluate\.small have digest"):
        check_code(contract, {"code_digest": "0" * 64})
