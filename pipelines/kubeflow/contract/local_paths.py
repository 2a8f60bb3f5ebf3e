"""Where Kubeflow's launcher puts an artifact inside the container.

It copies inputs from the object store before the step, and outputs to it
afterwards; a step sees folders alone (backend/src/v2/component/launcher_v2.go
of kubeflow/pipelines).
"""

from __future__ import annotations

from pathlib import Path

from learn2compress.config.parsing import ConfigError

_MOUNTS = {"gs": "gcs", "s3": "s3", "minio": "minio"}


def local_path(uri: str, root: Path = Path("/")) -> Path:
    """The path of an artifact.

    Args:
      uri: Of an object store, or an absolute path, which stands for itself.
      root: Folder under which the launcher keeps its copies; the root of the file system in a cluster.

    Raises:
      ConfigError: the launcher copies no such URI.
    """
    scheme, found, key = uri.partition("://")
    if not found and uri.startswith("/"):
        return Path(uri)
    if scheme not in _MOUNTS or ".." in key.split("/"):
        accepted = ", ".join(f"{name}://" for name in _MOUNTS)
        raise ConfigError(f"artifact URI: found {uri!r}, accepted are {accepted} and absolute paths")
    return root / _MOUNTS[scheme] / key
