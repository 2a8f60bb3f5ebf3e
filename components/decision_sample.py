"""The training examples that Prune and Search decide by, so that the held-out split stays clean for Evaluate."""

from __future__ import annotations

import keras

from learn2compress.config.training import MIN_VALIDATION_EXAMPLES
from learn2compress.quantization.choice_sample import TrainingSample
from learn2compress.training.step import as_float

_BATCH_SIZE = 500


def decision_sample(sample: TrainingSample) -> TrainingSample:
    """Returns the examples to decide by: those kept back from training, or where these are too few, the first of all.

    Args:
      sample: The first labelled training examples.

    Returns:
      All examples that were kept back where they are at least 50, so that `num_unseen` is their number; otherwise as
      many as accuracy is measured on, of which fewer than 50 are unseen.
    """
    return sample.unseen() if sample.num_unseen >= MIN_VALIDATION_EXAMPLES else sample.for_choice()


def note_on_decision(sample: TrainingSample) -> str | None:
    """Returns what a reader should know of a choice by these examples; `None` where all were kept back from training.

    Args:
      sample: From `decision_sample`.
    """
    if sample.num_unseen == len(sample.labels):
        return None
    return (
        f"chosen among trials by {len(sample.labels):,} training examples of which {sample.num_unseen} were kept back "
        "from training: the student had learned the others; "
        f"training.validation_ratio can keep back the {MIN_VALIDATION_EXAMPLES} labelled ones that it takes"
    )


def student_top_1(student: keras.Model, sample: TrainingSample) -> float:
    """Returns a float student's accuracy, 0..1.

    Args:
      student: A model `[batch, *input] -> [batch, num_classes]` of logits.
      sample: The examples.
    """
    return sample.top_1(student.predict(as_float(sample.inputs), batch_size=_BATCH_SIZE, verbose=0))
