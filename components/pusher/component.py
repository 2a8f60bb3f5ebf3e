"""`Pusher`: what satisfies the constraints leaves, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import channel
from tfx.types.component_spec import ChannelParameter, ComponentSpec

from components.artifacts import Evaluation, Examples, LiteRtModel, PushedVersion
from components.parameters import exec_properties_of, json_of, parameters_of
from components.pusher.executor import Executor, evaluation_key, model_key
from learn2compress.config import CompressionConfig, PushConfig


class PusherSpec(ComponentSpec):
    """Without students; `pusher_spec` adds two inputs for each."""

    PARAMETERS = parameters_of(
        PushConfig, constraints=str, config=str, provenance=str, students=str, code_digest=str
    )  # fmt: skip
    INPUTS = {
        "examples": ChannelParameter(type=Examples),
        "baseline": ChannelParameter(type=Evaluation),
    }
    OUTPUTS = {"pushed": ChannelParameter(type=PushedVersion)}


def pusher_spec(student_names: Iterable[str]) -> type[PusherSpec]:
    """The spec of a family: `model_<name>` and `evaluation_<name>` for each student."""
    inputs = dict(PusherSpec.INPUTS)
    for name in student_names:
        inputs[model_key(name)] = ChannelParameter(type=LiteRtModel)
        inputs[evaluation_key(name)] = ChannelParameter(type=Evaluation)
    return type("PusherSpec", (PusherSpec,), {"INPUTS": inputs, "__doc__": PusherSpec.__doc__})


class Pusher(base_component.BaseComponent):
    """Selection by constraints, then one atomic, numbered push with report, model cards and sums."""

    SPEC_CLASS = PusherSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        *,
        config: CompressionConfig,
        examples: channel.BaseChannel,
        baseline: channel.BaseChannel,
        models: Mapping[str, channel.BaseChannel],
        evaluations: Mapping[str, channel.BaseChannel],
        provenance: Mapping[str, str],
        code_digest: str,
    ):
        names = config.shipped_names
        for what, found in (("models", models), ("evaluations", evaluations)):
            if set(found) != set(names):
                raise ValueError(f"{what}: found {sorted(found)}, accepted is one for each of {sorted(names)}")
        spec = pusher_spec(names)(
            examples=examples,
            baseline=baseline,
            **{model_key(name): models[name] for name in names},
            **{evaluation_key(name): evaluations[name] for name in names},
            pushed=channel.Channel(type=PushedVersion),
            **exec_properties_of(config.push),
            constraints=json_of(config.constraints),
            config=json_of(config),
            provenance=json.dumps(dict(provenance), sort_keys=True),
            students=json.dumps(names),
            code_digest=code_digest,
        )
        super().__init__(spec=spec)
