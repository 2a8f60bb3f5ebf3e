"""Refuses to run a step with other code, or with other versions, than its package was compiled with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from components.step_code.architecture import installed_architectures
from components.step_code.step import StepCode
from learn2compress.config.parsing import ConfigError
from pipelines.kubeflow.contract.step_contract import StepContract

_CODE_DIGEST = "code_digest"
_OUR_EXECUTORS = "components."


def check_code(contract: StepContract, properties: Mapping[str, Any]) -> None:
    """Checks that the image has the code and the versions that the package says its results come from.

    A digest covers the architecture of the run's students, whose name not every
    step is told: one of those that the image has must fit.

    Args:
      contract: Names the executor.
      properties: What the executor is told, the compiled digest among it.

    Raises:
      ConfigError: the image has other code or versions.
    """
    module = contract.executor.rpartition(".")[0]
    if _CODE_DIGEST not in properties or not module.startswith(_OUR_EXECUTORS):
        return
    here = [StepCode.of(module, architecture) for architecture in (None, *installed_architectures())]
    if properties[_CODE_DIGEST] not in {code.sha256 for code in here}:
        versions = ", ".join(f"{name} {version}" for name, version in here[0].versions().items())
        raise ConfigError(
            f"image: code or versions behind {contract.component} have digest {here[0].sha256} ({versions}), but the "
            f"package was compiled with {properties[_CODE_DIGEST]}; compile again in the image, or with its code and "
            "its versions"
        )
