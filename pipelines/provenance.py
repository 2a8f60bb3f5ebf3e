"""Where a run's results come from: digests of data, teacher, configuration and code."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import tempfile
from pathlib import Path

import components
from components.step_code.step import StepCode
from learn2compress.config import CompressionConfig, PretrainedConfig, TeacherConfig
from learn2compress.config.parsing import about, to_dict


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
        """Returns flat text values: "source_commit" and so on."""
        return {f"source_{name}": value for name, value in dataclasses.asdict(self).items()}


@dataclasses.dataclass(frozen=True)
class Provenance:
    """Digests that decide what a run may take from an earlier one.

    Attributes:
      config_sha256: Of the whole configuration.
      data_fingerprint: Of the names and the content of the data's files; see `learn2compress.data.fingerprint`.
      teacher_sha256: Of the bytes of the teacher, and of all of an ensemble.
      code_digests: Of the code and the packages behind each component of the run, by component folder. The
        versions themselves are measured where a step runs: see `components.step_executor`.
      source: Where in Git the configuration is from. It decides nothing: only the push is told, so that another
        commit takes every other step from the cache.
    """

    config_sha256: str
    data_fingerprint: str
    teacher_sha256: str
    pretrained_sha256: str
    code_digests: dict[str, str]
    source: SourceRevision | None = None

    def as_dict(self) -> dict[str, str]:
        """Returns flat text values, as reports show them."""
        return {
            "config_sha256": self.config_sha256,
            "teacher_sha256": self.teacher_sha256,
            **({"pretrained_sha256": self.pretrained_sha256} if self.pretrained_sha256 else {}),
            "code_sha256": hashlib.sha256("".join(sorted(self.code_digests.values())).encode()).hexdigest(),
            **(self.source.as_dict() if self.source is not None else {}),
        }


def collect_provenance(
    config: CompressionConfig, source: SourceRevision | None = None, remembered: Path | None = None
) -> Provenance:
    """Takes the digests of what a run of this configuration would read.

    Args:
      config: What to do.
      source: Where in Git the configuration is from.
      remembered: File that remembers the digests of the data's files between runs; without it they are read each time.

    Returns:
      The digests. None of them depends on a time of modification.

    Raises:
      ConfigError: the data, the teacher or the model that students start from can't be read.
    """
    from learn2compress.data.file_digests import FileDigests
    from learn2compress.data.fingerprint import source_fingerprint

    return Provenance(
        config_sha256=hashlib.sha256(json.dumps(to_dict(config), sort_keys=True).encode()).hexdigest(),
        data_fingerprint=source_fingerprint(config.data, FileDigests(remembered)),
        teacher_sha256=_teacher_sha256(config.teacher),
        pretrained_sha256=_pretrained_sha256(config.training.pretrained),
        code_digests=_digests_of_run(config),
        source=source,
    )


def code_digests(architecture: str | None) -> dict[str, str]:
    """Computes the digest of what each step runs: its own code, the packages beneath, the architecture's code.

    Args:
      architecture: Name of the architecture of the run's students; `None` leaves its code out.

    Returns:
      SHA-256 by component folder; see `components.step_code`.
    """
    shells = Path(components.__file__).parent
    return {
        folder.name: StepCode.of(f"components.{folder.name}.executor", architecture).sha256
        for folder in sorted(shells.iterdir())
        if (folder / "component.py").exists()
    }


def _digests_of_run(config: CompressionConfig) -> dict[str, str]:
    """Digests of the steps that the run has: a search takes the place of pruning and quantization."""
    absent = {"search"} if config.trials is None else {"prune", "quantize"}
    if not config.trained_students:
        absent.add("joint_distill_trainer")
    if not config.own_students:
        absent.add("teacher_as_student")
    if config.family is None:
        absent |= {"family_trainer", "pick"}
    found = code_digests(config.training.architecture_name(config.task.kind))
    return {name: digest for name, digest in found.items() if name not in absent}


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
