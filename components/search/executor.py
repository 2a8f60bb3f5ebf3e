"""Searches the compression of one student and writes every try, and the best as what Evaluate takes."""

from __future__ import annotations

import dataclasses
from typing import Any

import keras
from tfx.types import artifact_utils
from tfx.types.artifact import Artifact

from components.litert_model_artifact import make_student_file, write_model
from components.parameters import from_json
from components.search.outputs import model_output, student_output, trial_output
from components.search.trial_files import TrialFiles
from components.step_executor import StepExecutor
from components.student_artifact import read_student, write_student
from components.training_inputs import TrainingInputs
from learn2compress import progress
from learn2compress.config import PruneConfig, QuantizeConfig, SearchConfig
from learn2compress.config.compression import variant_name
from learn2compress.pruning import prune_student
from learn2compress.pruning.sensitivity import layers_by_sensitivity
from learn2compress.quantization.choice_sample import TrainingSample
from learn2compress.quantization.quantize import QuantizedStudent
from learn2compress.search.choice import chosen
from learn2compress.search.study import CompressionSettings, TrialResult, backed_off, next_variant
from learn2compress.search.trial import History, try_variant
from learn2compress.training.loop import make_deterministic
from learn2compress.training.step import as_float

_BATCH_SIZE = 500


class Executor(StepExecutor):
    """See `SearchSpec`."""

    def run(
        self,
        input_dict: dict[str, list[Artifact]],
        output_dict: dict[str, list[Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Tries, chooses, and writes."""
        search: SearchConfig = from_json(SearchConfig, exec_properties["search"])
        inputs = TrainingInputs.open(input_dict, exec_properties)
        steps = _Steps.open(input_dict, exec_properties, inputs)
        files = TrialFiles(inputs.checkpoint)
        results: list[TrialResult] = []
        reference = steps.top_1(steps.fresh_student()[0])
        for number in range(search.trials):
            if (result := files.read_result(number)) is None:
                variant = backed_off(search, results, reference, steps.sensitive_layers) or next_variant(
                    search, inputs.settings.seed, results
                )
                trial = try_variant(number, variant, results, search, steps)
                files.write(trial)
                result = trial.result
            results.append(result)
            detail = result.stopped or f"top-1 {result.top_1:.4f}, {search.minimize.value} {result.size}"
            progress.report(f"search {steps.name}", number + 1, search.trials, detail)

        for result in results:
            artifact = artifact_utils.get_single_instance(output_dict[trial_output(result.number)])
            files.copy(result, steps.name, artifact)
        for rank, result in enumerate(chosen(search, results, reference), start=1):
            student, history, file = files.read(result.number)
            name = variant_name(steps.name, rank)
            network = artifact_utils.get_single_instance(output_dict[student_output(rank)])
            write_student(network, student, name, history)
            model = artifact_utils.get_single_instance(output_dict[model_output(rank)])
            write_model(model, file, name, history, steps.quantize_of(result.variant))
        inputs.checkpoint.discard()


@dataclasses.dataclass(frozen=True)
class _Steps:
    """What a try is made of, of the component's inputs."""

    inputs: TrainingInputs
    artifact: Artifact
    name: str
    family_name: str
    prune_config: PruneConfig
    quantize_config: QuantizeConfig
    sample: TrainingSample

    @classmethod
    def open(
        cls, input_dict: dict[str, list[Artifact]], exec_properties: dict[str, Any], inputs: TrainingInputs
    ) -> _Steps:
        quantize = from_json(QuantizeConfig, exec_properties["quantize"])
        return cls(
            inputs,
            artifact_utils.get_single_instance(input_dict["student"]),
            exec_properties["student_name"],
            exec_properties["family_name"],
            from_json(PruneConfig, exec_properties["prune"]),
            quantize,
            inputs.sample(quantize.calibration_examples),
        )

    def fresh_student(self) -> tuple[keras.Model, History]:
        """The student as it was trained."""
        return read_student(self.artifact)

    def quantize_of(self, variant: CompressionSettings) -> QuantizeConfig:
        """Settings of one try."""
        return dataclasses.replace(self.quantize_config, recipe=variant.recipe)

    def prune_of(self, variant: CompressionSettings) -> PruneConfig:
        """Settings of one try."""
        return dataclasses.replace(
            self.prune_config,
            method=variant.method,
            sparsity_ratio=variant.sparsity_ratio,
            layer_sparsity_ratios=dict(variant.layer_sparsity_ratios),
            sensitivity=False,
        )

    def sensitive_layers(self, variant: CompressionSettings) -> list[str]:
        """Layers that are pruned, those first that bear it least."""
        return layers_by_sensitivity(self.fresh_student()[0], self.prune_of(variant), self.top_1)

    def prune(self, number: int, variant: CompressionSettings) -> tuple[keras.Model, History]:
        """See `learn2compress.search.trial.Steps`."""
        make_deterministic(self.inputs.settings.seed)
        config = self.prune_of(variant)
        student, history = self.fresh_student()
        pruned, records = prune_student(
            student,
            self.name,
            self.inputs.data,
            config,
            self.inputs.plan("prune", config.epochs, config.learning_rate),
            teacher=self.inputs.teacher,
            checkpoint=self.inputs.checkpoint.part(f"trial_{number}_prune"),
        )
        return pruned, history + records

    def top_1(self, student: keras.Model) -> float:
        """See `learn2compress.search.trial.Steps`."""
        choice = self.sample.accuracy_examples()
        return choice.top_1(student.predict(as_float(choice.inputs), batch_size=_BATCH_SIZE, verbose=0))

    def quantize(
        self, number: int, variant: CompressionSettings, student: keras.Model
    ) -> tuple[QuantizedStudent, History]:
        """See `learn2compress.search.trial.Steps`."""
        return make_student_file(
            self.inputs,
            student,
            self.name,
            self.quantize_of(variant),
            min_layer_weights=self.prune_config.min_layer_weights,
            family_name=self.family_name,
            sample=self.sample,
            checkpoint=self.inputs.checkpoint.part(f"trial_{number}_quantize"),
        )
