"""What a step is told about itself travels as one line of JSON."""

from __future__ import annotations

import pytest

from pipelines.kubeflow.contract.step_contract import ParameterKind, ParameterTarget, StepContract, View, ViewKind

CONTRACT = StepContract(
    pipeline="flowers",
    component="Evaluate.small",
    component_type="components.evaluate.component.Evaluate",
    executor="components.evaluate.executor.Executor",
    inputs={"model": "components.artifacts.LiteRtModel"},
    outputs={"evaluation": "components.artifacts.Evaluation"},
    parameters={"top_k": ParameterKind.INTEGER, "run_seed": ParameterKind.INTEGER},
    overrides={"run_seed": (ParameterTarget("config", ("students", 0, "seed")),)},
    views={"evaluation_metrics": View(ViewKind.METRICS, "evaluation")},
)


def test_a_contract_survives_its_way() -> None:
    text = CONTRACT.to_json()
    assert StepContract.from_json(text) == CONTRACT
    assert "\n" not in text


def test_the_same_contract_is_the_same_text() -> None:
    other = StepContract(**{name: getattr(CONTRACT, name) for name in reversed(StepContract.__dataclass_fields__)})
    assert other.to_json() == CONTRACT.to_json()


@pytest.mark.parametrize("text", ["", "{}", CONTRACT.to_json().replace("NUMBER_INTEGER", "NUMBER")])
def test_another_versions_contract_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="validation error"):
        StepContract.from_json(text)


def test_parameters_of_tfx_have_kubeflows_types() -> None:
    assert [ParameterKind.of(kind) for kind in (int, float, str)] == ["NUMBER_INTEGER", "NUMBER_DOUBLE", "STRING"]
