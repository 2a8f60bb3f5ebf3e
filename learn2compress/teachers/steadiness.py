"""Whether a teacher answers the same example in the same way, whenever and beside whatever it is asked."""

from __future__ import annotations

import numpy as np

from learn2compress.config.parsing import ConfigError
from learn2compress.data.labelled_sample import LabelledSample
from learn2compress.teachers.teacher import LoadedTeacher

# Apart by so much of the largest output: kernels sum in other orders for other batches, and on a GPU each time.
_TOLERANCE = 1e-3
_MOST_EXAMPLES = 64


def check_steady(teacher: LoadedTeacher, sample: LabelledSample) -> None:
    """Checks that a teacher's outputs are a function of the example alone.

    Args:
      teacher: The teacher.
      sample: A few examples; of one, only whether it is answered the same twice is known.

    Raises:
      ConfigError: it answers one batch differently each time, or an example
        differently beside other ones, or with NaN or infinity.
    """
    asked = sample.rows(slice(0, _MOST_EXAMPLES))
    if not len(asked):
        return
    first, again = _scores(teacher, asked), _scores(teacher, asked)
    apart = _apart(first, again)
    if apart is not None:
        raise ConfigError(
            f"{teacher.name}: answers the same {len(asked)} examples differently when asked twice "
            f"(outputs {apart}): dropout or noise is left on; export it in inference (training=False)"
        )
    # Others beside them, and other places in the batch.
    few = slice(None, None, -4)
    apart = _apart(first[few], _scores(teacher, asked.rows(few)))
    if apart is not None:
        raise ConfigError(
            f"{teacher.name}: answers the same examples differently beside other ones in the batch "
            f"(outputs {apart}): batch normalization is left in training; export it in inference (training=False)"
        )


def _scores(teacher: LoadedTeacher, sample: LabelledSample) -> np.ndarray:
    return teacher.logits(sample.inputs, sample.texts if teacher.takes_text else None)


def _apart(one: np.ndarray, other: np.ndarray) -> str | None:
    """Returns how far apart outputs are in words, or None where they are the same but for rounding."""
    apart, largest = float(np.abs(one - other).max()), float(np.abs(one).max())
    return None if apart <= _TOLERANCE * max(largest, 1e-3) else f"up to {apart:.2g} apart, of {largest:.2g} at most"
