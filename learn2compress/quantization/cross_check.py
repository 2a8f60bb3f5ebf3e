"""Whether a finished file does what it was made from does, and computes in the numbers that its recipe says."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import keras

from learn2compress.config import QuantizationRecipe
from learn2compress.quantization.choice_sample import CROSS_CHECK_EXAMPLES, TrainingSample
from learn2compress.quantization.deviations import deviations_from_file, deviations_from_network
from learn2compress.quantization.recipe_check import unexpected_operators
from learn2compress.quantization.score_precision import ScoredFile
from learn2compress.results.quantization import TensorDeviation, is_doubtful, largest_deviation


@dataclass(frozen=True)
class CrossCheck:
    """What a comparison of a file with what it was made from has found.

    Attributes:
      compared_with: "the trained network" or "the float32 file".
      deviations: Tensor by tensor, in graph order.
      agreement: Share of the `num_examples` examples on which both choose the same class, 0..1.
      num_examples: Training examples that decisions were compared on.
      unexpected_operators: Operators that compute in other numbers than the recipe says.
    """

    compared_with: str
    deviations: tuple[TensorDeviation, ...]
    agreement: float
    num_examples: int
    unexpected_operators: tuple[str, ...]

    @property
    def is_doubtful(self) -> bool:
        """Whether the file computes something else than what it was made from."""
        return is_doubtful(self.agreement, self.num_examples, largest_deviation(self.deviations))

    def findings(self) -> str:
        """Returns what was found, as the rest of a sentence about the file."""
        found = f"agrees with {self.compared_with} on {self.agreement:.2%} of {self.num_examples:,} examples"
        largest = largest_deviation(self.deviations)
        if largest is not None and largest.steps is not None:
            found += f" (largest deviation: {largest.steps:.0f} steps in {largest.tensor})"
        if self.unexpected_operators:
            found += f", and has {', '.join(self.unexpected_operators)} in other numbers"
        return found


@dataclass(frozen=True, eq=False)
class Origin:
    """What files of one student are made from.

    Attributes:
      float_file: The float32 file with its scores.
      network: The network that was trained for 8 bits, where there is one.
    """

    float_file: ScoredFile
    network: keras.Model | None = None

    def check(
        self,
        file: ScoredFile,
        recipe: QuantizationRecipe,
        sample: TrainingSample,
        better_layers: Collection[str] = (),
    ) -> CrossCheck:
        """Compares a file with the network that it was made from, or with the float32 file.

        Args:
          file: With its scores for the examples that accuracy is measured on.
          recipe: Its recipe.
          sample: Training examples. Decisions are compared on those that were kept back from training, or on all
            that accuracy is measured on where those are few.
          better_layers: Layers of a file of mixed precision that have more than the others.

        Returns:
          What was found.
        """
        network = self.network if recipe is QuantizationRecipe.INT8_QAT else None
        examples = sample.accuracy_examples().decision_examples()
        num_examples, inputs = len(examples.labels), sample.inputs[:CROSS_CHECK_EXAMPLES]
        if network is None:
            deviations = deviations_from_file(self.float_file.model_bytes, file.model_bytes, inputs)
            expected = self.float_file.scores[:num_examples]
        else:
            deviations = deviations_from_network(network, file.model_bytes, inputs)
            expected = examples.network_logits(network)
        is_equal = expected.argmax(axis=1) == file.scores[:num_examples].argmax(axis=1)
        return CrossCheck(
            compared_with="the float32 file" if network is None else "the trained network",
            deviations=deviations,
            agreement=float(is_equal.mean()),
            num_examples=num_examples,
            unexpected_operators=unexpected_operators(file.model_bytes, recipe, better_layers),
        )
