"""`Pusher`: what satisfies the constraints leaves, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Mapping

from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import channel
from tfx.types.component_spec import ChannelParameter, ComponentSpec

from components.artifacts import Evaluation, Examples, Family, LiteRtModel, PushedVersion
from components.component_spec import extend_spec, fill_spec
from components.parameters import parameters_of
from components.pusher.executor import FAMILY_KEY, Executor, evaluation_key, model_key
from learn2compress.config import CompressionConfig, PushConfig


class PusherSpec(ComponentSpec):
    """Examples, the teacher's measurements and the file and measurements of each student in; a version out.

    Where students were picked from a family, that is an input, too.
    """

    PARAMETERS = parameters_of(PushConfig, constraints=str, config=str, provenance=str, students=str, code_digest=str)
    INPUTS = {
        "examples": ChannelParameter(type=Examples),
        "baseline": ChannelParameter(type=Evaluation),
    }
    OUTPUTS = {"pushed": ChannelParameter(type=PushedVersion)}


class Pusher(base_component.BaseComponent):
    """Selects students by the constraints, and pushes them as one numbered version with report, model cards and sums.

    Args:
      config: All of it; the version holds a copy.
      examples: From `Ingest`, for counts and digests.
      baseline: From `EvaluateTeacher`.
      models: The file of each variant, by name.
      evaluations: The measurements of each variant, by name.
      family: What students were picked from; `None` where each was trained.
      provenance: Versions and digests that the version names.
      code_digest: Digest of the code that the step runs.

    Raises:
      ValueError: a variant has no file or no measurements.
    """

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
        family: channel.BaseChannel | None = None,
        provenance: Mapping[str, str],
        code_digest: str,
    ):
        names = config.shipped_names
        for what, found in (("models", models), ("evaluations", evaluations)):
            if set(found) != set(names):
                raise ValueError(f"{what}: found {sorted(found)}, accepted is one for each of {sorted(names)}")
        inputs: dict[str, type] = {} if family is None else {FAMILY_KEY: Family}
        for name in names:
            inputs |= {model_key(name): LiteRtModel, evaluation_key(name): Evaluation}
        arguments = {
            "examples": examples,
            "baseline": baseline,
            **({} if family is None else {FAMILY_KEY: family}),
            **{model_key(name): models[name] for name in names},
            **{evaluation_key(name): evaluations[name] for name in names},
            "push": config.push,
            "constraints": config.constraints,
            "config": config,
            "provenance": json.dumps(dict(provenance), sort_keys=True),
            "students": names,
            "code_digest": code_digest,
        }
        super().__init__(spec=fill_spec(extend_spec(PusherSpec, inputs=inputs), arguments))
