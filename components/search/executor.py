"""Searches the compression of one student and writes every trial, and the best as what Evaluate takes."""

from __future__ import annotations

import dataclasses
from typing import Any

import keras
from tfx.types import artifact_utils
from tfx.types.artifact import Artifact

from components.examples_artifact import read_labels
from components.litert_model_artifact import write_model
from components.parameters import from_json
from components.search.outputs import model_output, student_output, trial_output
from components.search.trial_files import TrialFiles
from components.step_executor import StepExecutor
from components.student_artifact import read_student, write_student
from components.training_inputs import open_training_inputs
from learn2compress import progress
from learn2compress.config import PruneConfig, QuantizeConfig, SearchConfig
from learn2compress.config.compression import variant_name
from learn2compress.pruning import prune_student
from learn2compress.pruning.sensitivity import layers_by_sensitivity
from learn2compress.quantization.choice_sample import TrainingSample
from learn2compress.quantization.quantize import QuantizedStudent
from learn2compress.search.choice import choose_trials, note_on_choice
from learn2compress.search.study import CompressionSettings, TrialResult, next_back_off, next_settings
from learn2compress.search.trial import History, run_trial
from learn2compress.steps.quantize import make_student_file
from learn2compress.steps.training_inputs import TrainingInputs
from learn2compress.training.loop import make_deterministic


class Executor(StepExecutor):
    """See `SearchSpec`."""

    def run(
        self,
        input_dict: dict[str, list[Artifact]],
        output_dict: dict[str, list[Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Runs the trials, chooses, and writes; trials that were finished before a kill are not run again.

        Args:
          input_dict: See `SearchSpec`.
          output_dict: See `SearchSpec`.
          exec_properties: See `SearchSpec`.
        """
        search: SearchConfig = from_json(SearchConfig, exec_properties["search"])
        inputs = open_training_inputs(input_dict, exec_properties)
        steps = _Steps.open(input_dict, exec_properties, inputs)
        files = TrialFiles(inputs.checkpoint)
        results: list[TrialResult] = []
        reference = steps.student_top_1(steps.fresh_student()[0])
        for number in range(search.trials):
            if (result := files.read_result(number)) is None:
                settings = next_back_off(search, results, reference, steps.sensitive_layers) or next_settings(
                    search, inputs.settings.seed, results
                )
                trial = run_trial(number, settings, results, search, steps)
                files.write(trial)
                result = trial.result
            results.append(result)
            detail = result.stopped or f"top-1 {result.top_1:.4f}, {search.minimize.value} {result.size}"
            progress.report(f"search {steps.name}", number + 1, search.trials, detail, unit="trials")

        for result in results:
            artifact = artifact_utils.get_single_instance(output_dict[trial_output(result.number)])
            files.copy(result, steps.name, artifact)
        for rank, result in enumerate(choose_trials(search, results, reference), start=1):
            student, history, file = files.read(result.number)
            history = _noted(history, note_on_choice(len(steps.decided_by.labels), steps.decided_by.num_kept_back))
            name = variant_name(steps.name, rank)
            network = artifact_utils.get_single_instance(output_dict[student_output(rank)])
            write_student(network, student, name, history)
            model = artifact_utils.get_single_instance(output_dict[model_output(rank)])
            write_model(model, file, name, history, steps.quantize_of(result.settings))
        inputs.checkpoint.discard()


@dataclasses.dataclass(frozen=True)
class _Steps:
    """The steps of a trial with the component's inputs.

    Attributes:
      inputs: What to train with.
      artifact: The student as it was trained.
      name: The student's name.
      family_name: What the students of this run are called together.
      contact: Whom to ask about the files; empty for nobody.
      license: The files' licence; empty for none.
      labels: Class names in index order.
      prune_config: What the search does not vary.
      quantize_config: Likewise.
      sample: Training examples to calibrate with.
      decided_by: Those that trials are compared on.
    """

    inputs: TrainingInputs
    artifact: Artifact
    name: str
    family_name: str
    contact: str
    license: str
    labels: list[str]
    prune_config: PruneConfig
    quantize_config: QuantizeConfig
    sample: TrainingSample
    decided_by: TrainingSample

    @classmethod
    def open(
        cls, input_dict: dict[str, list[Artifact]], exec_properties: dict[str, Any], inputs: TrainingInputs
    ) -> _Steps:
        """Returns the steps of one execution.

        Args:
          input_dict: The executor's.
          exec_properties: The executor's.
          inputs: What students are trained with.
        """
        quantize = from_json(QuantizeConfig, exec_properties["quantize"])
        sample = inputs.sample(quantize.calibration_examples)
        return cls(
            inputs,
            artifact_utils.get_single_instance(input_dict["student"]),
            exec_properties["student_name"],
            exec_properties["family_name"],
            exec_properties["contact"],
            exec_properties["license"],
            read_labels(artifact_utils.get_single_instance(input_dict["examples"])),
            from_json(PruneConfig, exec_properties["prune"]),
            quantize,
            sample,
            sample.decision_examples(),
        )

    def fresh_student(self) -> tuple[keras.Model, History]:
        """Returns the student as it was trained, and its epochs."""
        return read_student(self.artifact)

    def quantize_of(self, settings: CompressionSettings) -> QuantizeConfig:
        """Returns the quantization of one trial."""
        return dataclasses.replace(self.quantize_config, recipe=settings.recipe)

    def prune_of(self, settings: CompressionSettings) -> PruneConfig:
        """Returns the pruning of one trial."""
        return dataclasses.replace(
            self.prune_config,
            method=settings.method,
            sparsity_ratio=settings.sparsity_ratio,
            layer_sparsity_ratios=dict(settings.layer_sparsity_ratios),
        )

    def sensitive_layers(self, settings: CompressionSettings) -> list[str]:
        """Returns the layers that are pruned, the most sensitive first."""
        return layers_by_sensitivity(self.fresh_student()[0], self.prune_of(settings), self.student_top_1)

    def prune(self, number: int, settings: CompressionSettings) -> tuple[keras.Model, History]:
        """Prunes a fresh copy of the student, and fine-tunes it; see `TrialSteps.prune`."""
        make_deterministic(self.inputs.settings.seed)
        config = self.prune_of(settings)
        student, history = self.fresh_student()
        pruned = prune_student(
            student,
            self.name,
            self.inputs.data,
            config,
            self.inputs.plan("prune", config.epochs, config.learning_rate),
            teacher=self.inputs.teacher,
            checkpoint=self.inputs.checkpoint.part(f"trial_{number}_prune"),
        )
        return pruned.student, pruned.continued(history)

    def student_top_1(self, student: keras.Model) -> float:
        """Returns a student's accuracy, 0..1, on the examples that trials are compared on."""
        return self.decided_by.network_top_1(student)

    def file_top_1(self, model_bytes: bytes) -> float:
        """Returns a file's accuracy, 0..1, on the same examples."""
        return self.decided_by.top_1(self.decided_by.scores(model_bytes))

    def quantize(
        self, number: int, settings: CompressionSettings, student: keras.Model
    ) -> tuple[QuantizedStudent, History]:
        """Makes the file of a pruned student; see `TrialSteps.quantize`."""
        return make_student_file(
            self.inputs,
            student,
            self.name,
            self.quantize_of(settings),
            min_layer_weights=self.prune_config.min_layer_weights,
            family_name=self.family_name,
            contact=self.contact,
            license=self.license,
            labels=self.labels,
            sample=self.sample,
            checkpoint=self.inputs.checkpoint.part(f"trial_{number}_quantize"),
        )


def _noted(history: History, note: str | None) -> History:
    """Returns a history whose last epoch bears one note more."""
    last = history[-1]
    return (*history[:-1], dataclasses.replace(last, note="; ".join(filter(None, (last.note, note)))))
