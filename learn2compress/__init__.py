"""Joint distillation, pruning, 8-bit training and selection of small students.

This package is the compression itself: functions and small classes over NumPy,
Keras, TensorFlow and LiteRT that a notebook can call. It knows nothing of
pipelines.
"""

__version__ = "0.2.0"
