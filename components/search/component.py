"""`Search`: takes the place of Prune and Quantize where the configuration has ranges instead of values."""

from __future__ import annotations

from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import channel
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.artifacts import LiteRtModel, SearchTrial, Student
from components.parameters import json_of
from components.search.executor import Executor
from components.search.outputs import model_output, student_output, trial_output
from components.training_inputs import TRAINING_INPUTS, TRAINING_PARAMETERS, TrainingSettings
from learn2compress.config import PruneConfig, QuantizeConfig, SearchConfig


class SearchSpec(ComponentSpec):
    """A dense student in; every trial out, and the best as a sparse student and the file that ships."""

    PARAMETERS = {
        name: ExecutionParameter(type=kind)
        for name, kind in {
            "search": str,
            "prune": str,
            "quantize": str,
            "student_name": str,
            "family_name": str,
            **TRAINING_PARAMETERS,
        }.items()
    }
    INPUTS = {**TRAINING_INPUTS, "student": ChannelParameter(type=Student)}
    OUTPUTS: dict[str, ChannelParameter] = {}


def spec_for(search: SearchConfig) -> type[SearchSpec]:
    """Returns the spec of a search, with an output for each of its trials and variants."""
    outputs = {name: ChannelParameter(type=kind) for name, kind in _outputs(search).items()}
    return type("SearchSpec", (SearchSpec,), {"OUTPUTS": outputs})


class Search(base_component.BaseComponent):
    """Tries compressions of one student, each pruned, fine-tuned and quantized; the best become variants of it.

    Args:
      search: What may be tried, and which trials are the best.
      prune: What the search does not vary.
      quantize: Likewise.
    """

    SPEC_CLASS = SearchSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        *,
        examples: channel.BaseChannel,
        teacher: channel.BaseChannel,
        teacher_logits: channel.BaseChannel,
        student: channel.BaseChannel,
        student_name: str,
        family_name: str,
        search: SearchConfig,
        prune: PruneConfig,
        quantize: QuantizeConfig,
        settings: TrainingSettings,
        code_digest: str,
    ):
        spec = spec_for(search)(
            examples=examples,
            teacher=teacher,
            teacher_logits=teacher_logits,
            student=student,
            **{name: channel.Channel(type=kind) for name, kind in _outputs(search).items()},
            search=json_of(search),
            prune=json_of(prune),
            quantize=json_of(quantize),
            student_name=student_name,
            family_name=family_name,
            **settings.exec_properties(code_digest),
        )
        super().__init__(spec=spec)


def _outputs(search: SearchConfig) -> dict[str, type]:
    outputs: dict[str, type] = {trial_output(number): SearchTrial for number in range(search.trials)}
    for rank in range(1, search.variants + 1):
        outputs |= {student_output(rank): Student, model_output(rank): LiteRtModel}
    return outputs
