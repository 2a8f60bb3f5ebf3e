"""Views: the fixed augmentations of each training example whose logits are computed once and stored.

A student that sees an image mirrored must be trained on the teacher's logits of
the mirrored image (Beyer et al., arXiv:2106.05237). The views are a function of the
run's seed and of the example, so that the training makes the very same ones.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from learn2compress.config import AugmentConfig, TeacherConfig
from learn2compress.data.augmentation import augment, example_seeds, view_seed


@dataclasses.dataclass(frozen=True)
class ViewPlan:
    """Which views of each training example there are.

    Attributes:
      num_views: At least 1.
      seed: The run's seed; 0 where nothing is augmented, so that it changes nothing.
      augment: How views differ from the example.
    """

    num_views: int = 1
    seed: int = 0
    augment: AugmentConfig = dataclasses.field(default_factory=AugmentConfig)

    @classmethod
    def of(cls, teacher: TeacherConfig, augment: AugmentConfig, seed: int) -> ViewPlan:
        """Returns the views of a run; with a live teacher or without augmentation they are the example alone.

        Args:
          teacher: Says how many views are cached.
          augment: The run's augmentation.
          seed: The run's seed.
        """
        if teacher.is_live or not augment.is_active:
            return cls()
        return cls(teacher.cached_views, seed, augment)

    def views(self, inputs: np.ndarray) -> Iterator[np.ndarray]:
        """Yields each view of some examples.

        Args:
          inputs: uint8 `[n, *input_shape]`, n at least 1.

        Yields:
          uint8, shaped as `inputs`.
        """
        if not self.augment.is_active:
            yield inputs
            return
        seeds = example_seeds(tf.constant([example.tobytes() for example in inputs]))
        for view in range(self.num_views):
            view_seeds = tf.fill([len(inputs)], tf.constant(view_seed(self.seed, view), tf.int64))
            yield augment(tf.constant(inputs), seeds, view_seeds, self.augment).numpy()
