"""What quantization measured and decided about one student: the content of `quantization.json`.

Accuracy here is that on training examples, which choices may look at; the
held-out split stays clean for Evaluate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

MAX_DEVIATION_STEPS = 32.0
"""What rounding in every layer adds up to is less: a tensor that is further off was computed otherwise."""
SURE_AGREEMENT = 0.98
"""With this share of equal decisions, a deviation beyond the limit has touched next to nothing that is decided."""
LOWEST_AGREEMENT = 0.9
"""With a smaller share of equal decisions a file is doubtful, whatever its tensors say."""
_MAX_BY_ACCIDENT = 1
_ROUNDING = 1e-9


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
      agreement: Share of the `num_agreement_examples` examples on which the file and `compared_with` choose the same
        class, 0..1; `None` in reports of older versions.
      num_agreement_examples: Training examples that decisions were compared on: those kept back from training, or all
        where under 50 were.
      unexpected_operators: Operators that compute in other numbers than the recipe shipped says, as "ADD (layer)".
      fell_back: Whether another file than the first choice ships, because the cross-check doubts that one.
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
    agreement: float | None = None
    num_agreement_examples: int = 0
    unexpected_operators: tuple[str, ...] = ()
    fell_back: bool = False

    @property
    def largest_deviation(self) -> TensorDeviation | None:
        """The deviation of most quantization steps, or of the largest number where no tensor has steps."""
        return largest_deviation(self.deviations)

    @property
    def is_doubtful(self) -> bool:
        """Whether the file computes something else than what it was made from; see `is_doubtful`."""
        return self.agreement is not None and is_doubtful(
            self.agreement, self.num_agreement_examples, self.largest_deviation
        )


def largest_deviation(deviations: Sequence[TensorDeviation]) -> TensorDeviation | None:
    """Returns the deviation of most quantization steps, or of the largest number where no tensor has steps."""
    return max(deviations, key=lambda found: (found.steps or 0.0, found.absolute), default=None)


def has_agreement(agreement: float, num_examples: int, lowest: float) -> bool:
    """Returns whether decisions are equal as often as they should be; of few examples one may differ by accident.

    Args:
      agreement: Share of equal decisions, 0..1.
      num_examples: Of so many, at least 1.
      lowest: Share that is asked for, 0..1.
    """
    return agreement >= lowest - _ROUNDING or (1.0 - agreement) * num_examples <= _MAX_BY_ACCIDENT + _ROUNDING


def is_doubtful(agreement: float, num_examples: int, largest: TensorDeviation | None) -> bool:
    """Returns whether a file computes something else than what it was made from.

    One number of one tensor may be far off by chance, where a layer multiplies what was rounded before it; it counts
    where decisions differ, too.

    Args:
      agreement: Share of examples on which both choose the same class, 0..1.
      num_examples: Of so many, at least 1.
      largest: The largest deviation, if tensors were compared.
    """
    is_far_off = largest is not None and largest.steps is not None and largest.steps > MAX_DEVIATION_STEPS
    lowest = SURE_AGREEMENT if is_far_off else LOWEST_AGREEMENT
    return not has_agreement(agreement, num_examples, lowest)
