"""Which narrower sub-networks take part in a step beside the widest: a pure function of seed and step.

The sandwich rule (Yu et al., BigNAS, arXiv:2003.11142): the widest and the narrowest in every step, and one in between.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from learn2compress.families.network import View


def views_at(views: Sequence[View], seed: int, step: int) -> tuple[View, ...]:
    """Returns the views that train beside the widest at its largest size: the narrowest, and another.

    Both compute at one input size, which is drawn for the step.

    Args:
      views: All of a family.
      seed: The run's.
      step: From 0.

    Returns:
      Two views, or as many as there are; none for a family of one view.
    """
    widest = max(views, key=_size)
    random = np.random.default_rng([seed, step])
    narrower = [view for view in views if view != widest]
    sizes = sorted({view.input_size or 0 for view in narrower})
    if not sizes:
        return ()
    size = sizes[random.integers(len(sizes))]
    at_size = sorted((view for view in narrower if (view.input_size or 0) == size), key=_size)
    narrowest, others = at_size[0], at_size[1:]
    return (narrowest, others[random.integers(len(others))]) if others else (narrowest,)


def _size(view: View) -> tuple[float, int]:
    return view.width, view.input_size or 0
