"""Where a run's results come from: digests of data, teacher, configuration and code."""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.metadata
import json
import tempfile
from collections.abc import Iterable
from pathlib import Path

import components
import learn2compress
from learn2compress.config import CompressionConfig, PretrainedConfig, TeacherConfig
from learn2compress.config.parsing import about, to_dict

# Packages whose version can change what a run computes.
_PACKAGES = (
    "tensorflow",
    "keras",
    "numpy",
    "tfx",
    "apache-beam",
    "ml-metadata",
    "tensorflow-data-validation",
    "ai-edge-litert",
)


@dataclasses.dataclass(frozen=True)
class SourceRevision:
    """The file of a Git repository that a run was started from.

    Attributes:
      repository: URL, without credentials.
      ref: Full name of the branch, such as "refs/heads/main".
      commit: Full hexadecimal name.
      author_time: When the commit was written, UTC, ISO 8601.
      path: Of the configuration file in the repository.
      file_sha256: Of the file's bytes.
    """

    repository: str
    ref: str
    commit: str
    author_time: str
    path: str
    file_sha256: str

    def as_dict(self) -> dict[str, str]:
        """Flat text values: "source_commit" and so on."""
        return {f"source_{name}": value for name, value in dataclasses.asdict(self).items()}


@dataclasses.dataclass(frozen=True)
class Provenance:
    """Digests that decide what a run may take from an earlier one.

    Attributes:
      config_sha256: Of the whole configuration.
      data_fingerprint: Of the data's listing, not its content: cheap to take before a run.
      teacher_sha256: Of the bytes of the teacher, and of all of an ensemble.
      code_digests: Of the code behind each component, by component folder.
      packages: Versions by package name.
      source: Where in Git the configuration is from. It decides nothing: only the push is told, so that another
        commit takes every other step from the cache.
    """

    config_sha256: str
    data_fingerprint: str
    teacher_sha256: str
    pretrained_sha256: str
    code_digests: dict[str, str]
    packages: dict[str, str]
    source: SourceRevision | None = None

    def as_dict(self) -> dict[str, str]:
        """Flat text values, as reports show them."""
        return {
            "learn2compress": learn2compress.__version__,
            "config_sha256": self.config_sha256,
            "teacher_sha256": self.teacher_sha256,
            **({"pretrained_sha256": self.pretrained_sha256} if self.pretrained_sha256 else {}),
            "code_sha256": hashlib.sha256("".join(sorted(self.code_digests.values())).encode()).hexdigest(),
            **(self.source.as_dict() if self.source is not None else {}),
            **self.packages,
        }


def collect_provenance(config: CompressionConfig, source: SourceRevision | None = None) -> Provenance:
    """Takes the digests of what a run of this configuration would read.

    Args:
      config: What to do.
      source: Where in Git the configuration is from.

    Raises:
      ConfigError: the data, the teacher or the model that students start from can't be read.
    """
    from learn2compress.data.sources import source_fingerprint

    return Provenance(
        config_sha256=hashlib.sha256(json.dumps(to_dict(config), sort_keys=True).encode()).hexdigest(),
        data_fingerprint=source_fingerprint(config.data),
        teacher_sha256=_teacher_sha256(config.teacher),
        pretrained_sha256=_pretrained_sha256(config.training.pretrained),
        code_digests=code_digests(),
        packages={name: importlib.metadata.version(name) for name in _PACKAGES},
        source=source,
    )


def code_digests() -> dict[str, str]:
    """Digest of the library, the shared component code and the component's own, by component folder."""
    library, shells = Path(learn2compress.__file__).parent, Path(components.__file__).parent
    shared = _digest([*_sources(library, "**/*"), *_sources(shells, "*")])
    return {
        folder.name: _digest(_sources(folder, "**/*"), shared)
        for folder in sorted(shells.iterdir())
        if (folder / "component.py").exists()
    }


def _teacher_sha256(config: TeacherConfig) -> str:
    from learn2compress.teachers.members import fetch_members, joint_sha256, members_of
    from learn2compress.teachers.safety import content_sha256

    digests = []
    with tempfile.TemporaryDirectory() as folder:
        for field, path in zip(members_of(config), fetch_members(config, Path(folder)), strict=True):
            with about(f"{field}.uri"):
                digests.append(content_sha256(path))
    return joint_sha256(digests)


def _pretrained_sha256(config: PretrainedConfig | None) -> str:
    from learn2compress.teachers.fetching import fetch_teacher
    from learn2compress.teachers.safety import content_sha256

    if config is None:
        return ""
    with about("training.pretrained.uri"), tempfile.TemporaryDirectory() as folder:
        return content_sha256(fetch_teacher(config.uri, Path(folder)))


def _sources(folder: Path, pattern: str) -> list[Path]:
    return sorted(path for path in folder.glob(pattern) if path.suffix in {".py", ".j2", ".css"})


def _digest(files: Iterable[Path], start: str = "") -> str:
    digest = hashlib.sha256(start.encode())
    for file in files:
        digest.update(f"{file.parent.name}/{file.name}\0".encode())
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()
