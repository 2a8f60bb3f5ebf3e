"""Training state on disk, so that a killed run resumes where it was."""

from __future__ import annotations

import json
import os
import shutil
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import numpy as np
from pydantic import TypeAdapter

from learn2compress.results.reports import EpochRecord
from learn2compress.training.checkpoint_store import CheckpointStore

_FILE = "checkpoint.npz"
_HISTORY = TypeAdapter(dict[str, list[EpochRecord]])


class Checkpoint:
    """The state after the last finished epoch, replaced atomically.

    Args:
      folder: One training's own folder. Whoever names it must let it depend on
        everything that the training depends on.
      store: Where the same state is kept beyond this machine, if anywhere.

    Attributes:
      folder: The same; other state of the same training may lie beside its file.
    """

    def __init__(self, folder: Path, store: CheckpointStore | None = None):
        self.folder = folder
        self._store = store

    @classmethod
    def at(cls, root: str, name: str) -> Checkpoint:
        """Opens the state of the training of this name.

        Args:
          root: A folder, or any fsspec URL of one.
          name: Of the training.

        Raises:
          ConfigError: the URL can't be read and written.
        """
        if "://" not in root:
            return cls(Path(root) / name)
        store = CheckpointStore(f"{root.rstrip('/')}/{name}")
        return cls(store.folder, store)

    def part(self, name: str) -> Checkpoint:
        """Returns the state of one part of the work, kept until that of the whole is discarded."""
        return Checkpoint(self.folder / name, self._store)

    def keep(self, path: Path) -> None:
        """Keeps a file that was written into the folder beyond this machine, where there is a place for it."""
        if self._store is not None:
            self._store.keep(path)

    def save(self, variables: Sequence[keras.Variable], history: dict[str, list[EpochRecord]]) -> None:
        """Writes all variables and the history; a kill leaves either the old state or the new one.

        Args:
          variables: All state of the training, in the order that `restore` takes it.
          history: Epochs by student name.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        arrays = {f"v{index}": keras.ops.convert_to_numpy(variable) for index, variable in enumerate(variables)}
        arrays["history"] = np.frombuffer(_HISTORY.dump_json(history), np.uint8)
        partial = self.folder / f"{_FILE}.partial"
        with partial.open("wb") as file:
            np.savez(file, **arrays)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(self.folder / _FILE)
        self.keep(self.folder / _FILE)

    def restore(self, variables: Sequence[keras.Variable]) -> dict[str, list[EpochRecord]] | None:
        """Sets the variables to the saved state.

        Args:
          variables: As they were saved; they stay as they are where nothing usable is saved.

        Returns:
          The history saved with it, or `None` where nothing usable is saved.
        """
        try:
            with np.load(self.folder / _FILE, allow_pickle=False) as saved:
                history = _HISTORY.validate_python(json.loads(saved["history"].tobytes()))
                values = [saved[f"v{index}"] for index in range(len(variables))]
        except (OSError, ValueError, KeyError, zipfile.BadZipFile):
            return None
        if any(value.shape != tuple(variable.shape) for value, variable in zip(values, variables, strict=True)):
            return None
        for value, variable in zip(values, variables, strict=True):
            variable.assign(value)
        return history

    def once(self, name: str, decide: Callable[[], str]) -> str:
        """Returns a decision, which a resumed training finds as it was first made.

        Args:
          name: Of a file.
          decide: Makes it; not called where it was made before.

        Returns:
          What `decide` returned.
        """
        path = self.folder / f"{name}.json"
        if not path.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            partial = path.with_suffix(".partial")
            partial.write_text(decide(), encoding="utf-8")
            partial.replace(path)
            self.keep(path)
        return path.read_text(encoding="utf-8")

    def discard(self) -> None:
        """Removes the state, once its training has ended."""
        shutil.rmtree(self.folder, ignore_errors=True)
        if self._store is not None:
            self._store.discard(self.folder)
