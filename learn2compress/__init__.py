"""Joint distillation, pruning, 8-bit training and selection of small students.

    import learn2compress as l2c
    family = l2c.compress(teacher, train, held_out, students={"large": "500 kB", "small": "100 kB"})
    family.report()
    family["small"].save("small.tflite")

This package is the compression itself: functions and small classes over NumPy,
Keras, TensorFlow and LiteRT that a notebook can call. It knows nothing of
pipelines. What it offers at the top is imported when it is first used, so that
`import learn2compress` takes no time and no TensorFlow.
"""

from learn2compress.public_names import __dir__ as __dir__
from learn2compress.public_names import __getattr__ as __getattr__

__version__ = "0.2.0"
__all__ = [
    "Compression",
    "ConfigError",
    "Family",
    "MeasuredStudent",
    "StudentFile",
    "TrainedStudent",
    "compress",
    "evaluate",
    "prepare",
    "prune",
    "quantize",
    "select",
    "train_jointly",
]
