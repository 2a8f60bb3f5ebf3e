"""What quantization measured and decided about one student: the content of `quantization.json`.

Accuracy here is that on training examples, which choices may look at; the
held-out split stays clean for Evaluate.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Candidate:
    """One file that could have shipped, or that the shipped one is compared with.

    Attributes:
      recipe: Its number formats.
      top_1: Share of the training examples that it gets right, 0..1.
      model_bytes: Its size with metadata.
      kept_back_top_1: The same of those that were kept back from training; `None` where they are fewer than 50.
    """

    recipe: str
    top_1: float
    model_bytes: int
    kept_back_top_1: float | None = None


@dataclass(frozen=True)
class TensorDeviation:
    """How far one tensor of the file is from what it was made from.

    Attributes:
      tensor: Name of the layer that it comes out of.
      absolute: Largest difference of one number.
      steps: The same in steps of the tensor's own quantization; `None` for a float tensor.
    """

    tensor: str
    absolute: float
    steps: float | None


@dataclass(frozen=True)
class LayerPrecisionSensitivity:
    """The cost of quantizing one layer alone.

    Attributes:
      layer: Name of one of the layers that are fused into its operator.
      error: Mean Kullback-Leibler divergence of the scores from the float file's, in nats.
      is_better: Whether it has the higher precision in the file.
    """

    layer: str
    error: float
    is_better: bool


@dataclass(frozen=True)
class QuantizationReport:
    """How one student became the file that ships.

    Attributes:
      recipe: What the configuration asks for.
      shipped: Recipe of the file that ships.
      reason: Why it is that one, in a sentence with numbers.
      num_examples: Training examples that accuracy was measured on.
      candidates: The float32 file, and every file that could have shipped.
      compared_with: What `deviations` are from.
      num_deviation_examples: Training examples that they were looked for on.
      deviations: Tensor by tensor, in graph order.
      sensitivities: Layer by layer, the most sensitive first; for `mixed` alone.
      temperature: What the logits were divided by; `None` where they were left as trained.
      num_kept_back: Labelled examples kept back from training, which the temperature was fitted to.
      num_choice_examples: Training examples that the choice goes by: the ones kept back, or all where under 50 were.
      changed_by_rounding_ratio: Share of the `num_examples` examples of which scores in steps of 1/256 name another
        class first than the file's own logits, 0..1; `None` for a recipe whose scores are finer.
      has_float_scores: Whether its scores are float32 for that reason.
    """

    recipe: str
    shipped: str
    reason: str
    num_examples: int
    candidates: tuple[Candidate, ...]
    compared_with: str
    num_deviation_examples: int
    deviations: tuple[TensorDeviation, ...]
    sensitivities: tuple[LayerPrecisionSensitivity, ...] = ()
    temperature: float | None = None
    num_kept_back: int = 0
    num_choice_examples: int = 0
    changed_by_rounding_ratio: float | None = None
    has_float_scores: bool = False

    @property
    def largest_deviation(self) -> TensorDeviation | None:
        """The deviation of most quantization steps, or of the largest number where no tensor has steps."""
        return max(self.deviations, key=lambda found: (found.steps or 0.0, found.absolute), default=None)
