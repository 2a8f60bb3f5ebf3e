"""The teacher as a person has it: a model in memory, or where one is stored."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from learn2compress import progress
from learn2compress.compression.local_path import resolved_path
from learn2compress.config import TaskConfig
from learn2compress.config.parsing import ConfigError
from learn2compress.teachers.fetching import fetch_teacher
from learn2compress.teachers.opening import explained, open_network
from learn2compress.teachers.outputs import probe_inputs
from learn2compress.teachers.safety import UnsafeTeacherError, check_teacher, content_sha256

_ACCEPTED = (
    "accepted is a keras.Model of Keras 3, the path or URL of a .keras file, .h5 file or SavedModel folder, or a "
    "mapping of the configuration's teacher with one of them as uri"
)
# Keras numbers the layers of a process: "dense_7".
_NUMBER = re.compile(r"_\d+(?=\")")
# Of the largest output: single precision keeps seven digits.
_ROUNDING = 1e-5


@dataclasses.dataclass(frozen=True, eq=False)
class TeacherSource:
    """A teacher, and how to read it.

    Attributes:
      settings: The configuration's `teacher`; of a model in memory its name stands for the URI.
      model: The model in memory, or `None`.
    """

    settings: Mapping[str, Any]
    model: keras.Model | None

    @property
    def has_scaling(self) -> bool:
        """Returns whether somebody said how bytes become its inputs."""
        return "input_scaling" in self.settings

    def stored(self, folder: Path) -> StoredTeacher:
        """Returns the teacher as files on this machine.

        Args:
          folder: Where files may be written; a local teacher stays where it is.

        Raises:
          ConfigError: it can't be stored, fetched or read.
        """
        if self.model is None:
            path = fetch_teacher(self.settings["uri"], folder / "teacher")
            if not path.exists():
                raise ConfigError(f"teacher: found nothing at {path}, {_ACCEPTED}")
            return StoredTeacher(path, content_sha256(path))
        path = _save(self.model, folder)
        return StoredTeacher(path, _model_sha256(self.model), has_own_code=path.is_dir())


@dataclasses.dataclass(frozen=True)
class StoredTeacher:
    """A teacher on this machine.

    Attributes:
      path: Its file or folder.
      sha256: Of what it computes; unlike a file that was just saved, it holds no date.
      has_own_code: Whether it is of a model in memory with code that is not Keras's, which the digest can't read: see
        `probed`.
    """

    path: Path
    sha256: str
    has_own_code: bool = False

    def input_shape(self) -> tuple[int | None, ...] | None:
        """Returns the shape of one example as it takes it; `None` for one that takes strings.

        Raises:
          ConfigError: it is unsafe or damaged.
        """
        network = open_network(self.path)
        return None if network.takes_text else tuple(network.input_shape)

    def probed(self, task: TaskConfig) -> StoredTeacher:
        """Returns the teacher with what it computes for fixed inputs in its digest.

        Code of a person's own is in neither the configuration nor the weights of a model in memory.

        Args:
          task: What it takes.

        Raises:
          ConfigError: it can't be run on them.
        """
        network = open_network(self.path)
        images, texts = probe_inputs(task)
        digest = hashlib.sha256(self.sha256.encode())
        # Bytes may saturate what numbers of 0..1 do not, and the other way round.
        for scale in (1.0,) if network.takes_text else (1.0, 1 / 255):
            inputs = np.array(texts).reshape(-1, *network.input_shape) if network.takes_text else images * scale
            batches = np.split(inputs, len(inputs)) if network.fixed_batch == 1 else [inputs]
            with explained(self.path):
                rows = [network.forward(tf.cast(batch, network.input_dtype), False) for batch in batches]
                outputs = np.concatenate([np.asarray(row, np.float64).reshape(len(row), -1) for row in rows])
            digest.update(_rounded(outputs).tobytes())
        return dataclasses.replace(self, sha256=digest.hexdigest())


def teacher_source(teacher: Any) -> TeacherSource:
    """Reads the argument.

    Args:
      teacher: See `compress`.

    Raises:
      ConfigError: it is nothing that is accepted.
    """
    settings = dict(teacher) if isinstance(teacher, Mapping) else {"uri": teacher}
    found = settings.get("uri")
    if isinstance(found, keras.Model):
        return TeacherSource(settings | {"uri": f"keras.Model {found.name}"}, found)
    if isinstance(found, (str, os.PathLike)) and os.fspath(found):
        text = str(os.fspath(found))
        is_url = "://" in text and "\0" not in text
        uri = text if is_url else str(resolved_path(text, "teacher", "the path or URL of a teacher"))
        return TeacherSource(settings | {"uri": uri}, None)
    raise ConfigError(f"teacher: found {type(found).__module__}.{type(found).__qualname__}, {_ACCEPTED}")


def _rounded(outputs: Any) -> Any:
    """Returns outputs without the last digits, which the number of threads decides; -0.0 as 0.0."""
    largest = float(np.abs(outputs[np.isfinite(outputs)]).max(initial=0.0))
    step = largest * _ROUNDING or 1.0
    return np.rint(outputs / step) * step + 0.0


def _save(model: keras.Model, folder: Path) -> Path:
    """Writes a model; one that has layers of its own as a SavedModel, which needs none of its code."""
    path = folder / "teacher.keras"
    inputs, outputs = getattr(model, "inputs", None), getattr(model, "outputs", None)
    if inputs and outputs and len(inputs) == len(outputs) == 1 and not _has_own_call(model):
        # Without its optimizer and loss.
        _with_channels(inputs[0], outputs[0], model).save(path)
        try:
            check_teacher(path)
        except UnsafeTeacherError:
            path.unlink()
        else:
            return path
    exported = folder / "teacher"
    try:
        model.export(str(exported), verbose=False)
    except Exception as error:  # whatever Keras and TensorFlow raise
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise ConfigError(
            f"teacher: {model.name} can't be exported ({reason}), accepted is a model of one input and one output that "
            "has been called or built"
        ) from error
    progress.notice("teacher", f"{model.name} has layers that Keras does not have; it is read as a SavedModel")
    return exported


def _has_own_call(model: keras.Model) -> bool:
    """Returns whether a model computes something else than its graph of layers: its class has a `call` of its own."""
    owner = next(kind for kind in type(model).__mro__ if "call" in vars(kind))
    return not owner.__module__.startswith("keras.")


def _with_channels(inputs: Any, outputs: Any, model: keras.Model) -> keras.Model:
    """Returns a view of a model, with a channel in front where it takes images of height and width alone."""
    if len(inputs.shape) != 3:
        return keras.Model(inputs, outputs)
    images = keras.Input((*inputs.shape[1:], 1))
    return keras.Model(images, model(keras.layers.Reshape(tuple(inputs.shape[1:]))(images)))


def _model_sha256(model: keras.Model) -> str:
    try:
        config = json.dumps(model.get_config(), sort_keys=True, default=str)
    except NotImplementedError:  # of a class of its own
        config = type(model).__qualname__
    digest = hashlib.sha256(_NUMBER.sub("", config).encode())
    digest.update(f"{type(model).__module__}.{type(model).__qualname__}".encode())
    for weights in model.get_weights():
        digest.update(weights.tobytes())
    return digest.hexdigest()
