"""`Search`: takes the place of Prune and Quantize where the configuration has ranges instead of values."""

from __future__ import annotations

from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import channel
from tfx.types.component_spec import ChannelParameter, ComponentSpec

from components.artifacts import LiteRtModel, SearchTrial, Student
from components.component_spec import extend_spec, fill_spec
from components.parameters import parameters_of
from components.search.executor import Executor
from components.search.outputs import model_output, student_output, trial_output
from components.training_inputs import TRAINING_INPUTS, TRAINING_PARAMETERS
from learn2compress.config import PruneConfig, QuantizeConfig, SearchConfig
from learn2compress.steps.training_inputs import TrainingSettings


class SearchSpec(ComponentSpec):
    """A dense student in; every trial out, and the best as a sparse student and the file that ships."""

    PARAMETERS = parameters_of(
        search=str,
        prune=str,
        quantize=str,
        student_name=str,
        family_name=str,
        contact=str,
        license=str,
        **TRAINING_PARAMETERS,
    )
    INPUTS = {**TRAINING_INPUTS, "student": ChannelParameter(type=Student)}
    OUTPUTS: dict[str, ChannelParameter] = {}


class Search(base_component.BaseComponent):
    """Tries compressions of one student, each pruned, fine-tuned and quantized; the best become variants of it.

    Args:
      examples: From `Ingest`.
      teacher: Whose signal the training follows.
      teacher_logits: The same, stored, unless the teacher is live.
      student: The student as the joint training left it.
      student_name: Its name.
      family_name: The configuration's name, which the files' metadata have, too.
      contact: Whom to ask about the files, likewise; empty for nobody.
      license: The files' licence, likewise; empty for none.
      search: What may be tried, and which trials are the best.
      prune: What the search does not vary.
      quantize: Likewise.
      settings: What every training of the run is told.
      code_digest: Digest of the code that the step runs.
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
        contact: str = "",
        license: str = "",
        search: SearchConfig,
        prune: PruneConfig,
        quantize: QuantizeConfig,
        settings: TrainingSettings,
        code_digest: str,
    ):
        arguments = locals()
        spec_class = extend_spec(SearchSpec, outputs=_outputs(search))
        super().__init__(spec=fill_spec(spec_class, arguments))


def _outputs(search: SearchConfig) -> dict[str, type]:
    outputs: dict[str, type] = {trial_output(number): SearchTrial for number in range(search.trials)}
    for rank in range(1, search.variants + 1):
        outputs |= {student_output(rank): Student, model_output(rank): LiteRtModel}
    return outputs
