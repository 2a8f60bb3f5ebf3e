"""From a teacher and examples to a family of small files, in one call."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from learn2compress import progress
from learn2compress.compression.family import Family
from learn2compress.compression.preparation import prepare
from learn2compress.compression.session import working
from learn2compress.compression.settings import check_settings
from learn2compress.compression.steps import evaluate, prune, quantize, select, train_jointly
from learn2compress.compression.work_folder import WorkFolder


def compress(
    teacher: Any,
    train: Any,
    held_out: Any = None,
    *,
    students: Mapping[str, str | int | Mapping[str, Any]],
    validation: Any = None,
    checkpoint: str | os.PathLike[str] | None = None,
    class_names: Sequence[str] | None = None,
    **settings: Any,
) -> Family:
    """Compresses a teacher into small students, and measures each as a phone will run it.

    Example:
      >>> import keras
      >>> import learn2compress as l2c
      >>> from sklearn.datasets import load_digits
      >>> digits = load_digits()
      >>> images, labels = digits.images[:600] / 16, digits.target[:600]
      >>> teacher = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(10)])
      >>> teacher.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
      >>> _ = teacher.fit(images, labels, epochs=20, verbose=0)
      >>> family = l2c.compress(
      ...     teacher, (images, labels), students={"large": "40 kB", "small": "20 kB"}, training={"epochs": 2},
      ...     prune={"epochs": 1}, quantize={"epochs": 1}, evaluate={"latency_rounds": 3, "threads": []})
      >>> {name: student.model_bytes < limit for (name, student), limit in zip(family.items(), (40_000, 20_000))}
      {'large': True, 'small': True}
      >>> family["small"].save("small.tflite", accept_refused=True)

    Args:
      teacher: A `keras.Model`, or the path or URL of a `.keras` file, `.h5` file or SavedModel folder; or a mapping
        of the configuration's `teacher`, such as `{"uri": "teacher.keras", "signal": "live"}`.
      train: Examples with labels: `(x, y)` of NumPy arrays, a list of texts likewise, a `tf.data.Dataset` of (example,
        label), batched or not, or a folder with a folder of images for each class.
      held_out: Examples to measure with, in the same form. Left out, a share of `train` is held out, which the hash of
        their content decides; of a folder with `train/` and `test/` (or `validation/`) in it, the latter.
      students: By name the largest size of the file, such as "500 kB" or 500_000 (bytes); "teacher" for the teacher's
        own network, pruned and in 8 bits; or a mapping as in the configuration's `students`.
      validation: At least 50 examples to choose by, in the same form: early stopping and the choice between two files,
        for example. Left out, a share of `train` is kept back for that (`training={"validation_ratio": 0.05}`); of a
        folder with `train/`, `validation/` and `test/` in it, they are those of `validation/`.
      checkpoint: A folder for the state of the work: called again after a kill with the same arguments, it is resumed,
        and ends with the same files. One process at a time uses it.
      class_names: A list of names in the order of the label's indices, one for each class; left out, the indices or the
        labels' own words.
      **settings: The configuration's other keys: `training={"epochs": 5}`, `prune=`, `quantize=`, `constraints=`,
        `evaluate=`, `task=`, `data=`, `seed=`, `name=`.

    Returns:
      The students by name, those that were refused among them.

    Raises:
      ConfigError: an argument is not accepted, the data can't be used, the teacher is no yardstick for them, or another
        process is using the checkpoint's folder.
    """
    check_settings(settings, students)
    # Held from before the preparation to the end: no other process takes the folder between two steps.
    folder = WorkFolder(checkpoint)
    with working(), folder.in_use():
        compression = prepare(
            teacher,
            train,
            held_out,
            students=students,
            validation=validation,
            checkpoint=checkpoint,
            class_names=class_names,
            **settings,
        )
        trained = train_jointly(compression)
        files = [quantize(compression, prune(compression, student)) for student in trained.values()]
        family = select(compression, [evaluate(compression, file) for file in files])
        for name, student in family.items():
            for reason in student.reasons:
                progress.notice(name, f"refused: {reason}")
        return family
