"""Tells what the only output of a network for two classes is: a sigmoid's probability, or its logit."""

from __future__ import annotations

import numpy as np

from learn2compress.config import TeacherOutput
from learn2compress.config.parsing import ConfigError

_SIGMOIDS = {"sigmoid", "hard_sigmoid", "sparse_sigmoid"}


def tell_unit(
    raw: np.ndarray, activation: str | None, declared: TeacherOutput | None, field: str, name: str
) -> TeacherOutput:
    """Decides whether one output is the second class' probability or its logit.

    Args:
      raw: The outputs on the probe inputs, `[n, 1]`.
      activation: The network's last activation, where it can be read.
      declared: What the configuration says; it decides where all outputs lie between 0 and 1 and no sigmoid is seen.
      field: Where it says so, such as "teacher.output".
      name: What to call the network in messages.

    Returns:
      Logits or probabilities.

    Raises:
      ConfigError: outputs that are not finite or contradict what is declared, or nothing tells what they are.
    """
    if not np.isfinite(raw).all():
        raise ConfigError(
            f"{field}: {name} gives NaN or infinite outputs for probe inputs; check teacher.input_scaling and its "
            "training"
        )
    within = bool(((raw >= 0) & (raw <= 1)).all())
    found = TeacherOutput.PROBABILITIES if activation in _SIGMOIDS else None if within else TeacherOutput.LOGITS
    if found is not None and declared not in (None, found):
        why = f"its last activation is {activation}" if activation in _SIGMOIDS else "its outputs on probe inputs"
        raise ConfigError(
            f"{field}: found {declared.value!r}, accepted is {found.value!r} or nothing for {name} ({why})"
        )
    if found is None and declared is None:
        raise ConfigError(
            f"{field}: found nothing for {name}, whose one output is between 0 and 1 on probe inputs; set it to "
            "'probabilities' if it is a sigmoid's, to 'logits' if a sigmoid belongs behind it"
        )
    return found or declared or TeacherOutput.LOGITS
