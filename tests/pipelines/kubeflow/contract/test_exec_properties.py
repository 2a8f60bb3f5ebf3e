"""A run's parameters reach the places that depend on them, and change nothing else."""

from __future__ import annotations

import dataclasses
import hashlib
import json

from pipelines.kubeflow.contract.exec_properties import resolve_exec_properties, set_json_value
from pipelines.kubeflow.contract.step_contract import ParameterKind, ParameterTarget, StepContract

CONFIG = json.dumps({"seed": 7, "students": [{"stage": 1}]}, sort_keys=True)
PROVENANCE = json.dumps({"config_sha256": hashlib.sha256(CONFIG.encode()).hexdigest(), "keras": "3"})
CONTRACT = StepContract(
    pipeline="flowers",
    component="Pusher",
    component_type="",
    executor="",
    inputs={},
    outputs={},
    parameters={"config": ParameterKind.TEXT, "provenance": ParameterKind.TEXT, "run_seed": ParameterKind.INTEGER},
    overrides={"run_seed": (ParameterTarget("config", ("seed",)),)},
    views={},
)
GIVEN = {"config": CONFIG, "provenance": PROVENANCE, "run_seed": 7}


def test_with_the_compiled_values_every_byte_stays() -> None:
    assert resolve_exec_properties(CONTRACT, GIVEN) == {"config": CONFIG, "provenance": PROVENANCE}


def test_a_changed_value_takes_the_digest_of_its_configuration_along() -> None:
    found = resolve_exec_properties(CONTRACT, {**GIVEN, "run_seed": 8})
    assert json.loads(str(found["config"])) == {"seed": 8, "students": [{"stage": 1}]}
    digest = hashlib.sha256(str(found["config"]).encode()).hexdigest()
    assert json.loads(str(found["provenance"])) == {"config_sha256": digest, "keras": "3"}


def test_a_text_of_the_contract_is_as_good_as_one_that_is_given() -> None:
    contract = dataclasses.replace(CONTRACT, constants={"config": CONFIG})
    for seed in (7, 8):
        given = {**GIVEN, "run_seed": seed}
        without = {name: value for name, value in given.items() if name != "config"}
        assert resolve_exec_properties(contract, without) == resolve_exec_properties(CONTRACT, given)


def test_a_step_without_provenance_has_no_digest_to_follow() -> None:
    contract = dataclasses.replace(CONTRACT, parameters={"config": ParameterKind.TEXT})
    found = resolve_exec_properties(contract, {"config": CONFIG, "run_seed": 8})
    assert set(found) == {"config"}


def test_a_value_is_set_deep_inside() -> None:
    assert json.loads(str(set_json_value(CONFIG, ("students", 0, "stage"), 3)))["students"] == [{"stage": 3}]
