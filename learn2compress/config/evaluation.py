"""How each file is measured, and what the measurements must satisfy."""

from __future__ import annotations

import dataclasses
from enum import StrEnum
from typing import Annotated

from pydantic import Field, field_validator
from pydantic.dataclasses import dataclass

from learn2compress.config.fields import STRICT, PositiveInt, Ratio, SmallRatio

_MOST_STARS = 4


class Objective(StrEnum):
    """What orders the students that satisfy the constraints."""

    ACCURACY = "accuracy"
    SMALLEST = "smallest"
    FASTEST = "fastest"


class PushPolicy(StrEnum):
    """Which of the students that satisfy the constraints are pushed."""

    ALL = "all"
    BEST = "best"


class Corruption(StrEnum):
    """What is done to images to see how robust a student is; see `learn2compress.data.corruptions`."""

    GAUSSIAN_NOISE = "gaussian_noise"
    SHOT_NOISE = "shot_noise"
    IMPULSE_NOISE = "impulse_noise"
    BRIGHTNESS = "brightness"
    CONTRAST = "contrast"


@dataclass(frozen=True, config=STRICT)
class DeviceConfig:
    """A phone on which LiteRT's `benchmark_model` binary times each file, through `adb`."""

    adb_serial: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$")]
    """The device, as `adb devices` names it."""
    benchmark_model: Annotated[str, Field(min_length=1, max_length=2048, pattern=r"^[^\x00-\x1f]+$")]
    """The binary built for the device, a file on this machine."""


@dataclass(frozen=True, config=STRICT)
class EvaluateConfig:
    """How each file is measured."""

    top_k: Annotated[int, Field(ge=2, le=100)] = 3
    """Also report top-k accuracy, where there are more than k classes."""
    latency_rounds: Annotated[int, Field(ge=3, le=10000)] = 30
    """Rounds of latency measurement, each interleaved with the teacher; small files get as many as half a second
    holds."""
    latency_runs: Annotated[int, Field(ge=1, le=10000)] = 10
    """Inferences in one round."""
    num_threads: Annotated[int, Field(ge=1, le=64)] = 1
    """Interpreter threads for the latency that is compared with the teacher's and held against constraints. One thread
    is timed by its processor time; several by the wall clock, which claims nothing on a busy machine."""
    threads: Annotated[tuple[Annotated[int, Field(ge=1, le=64)], ...], Field(max_length=8)] = (1, 2, 4)
    """Also report the latency with each of these numbers of threads, in a third of the rounds, on a machine that is not
    busy."""
    slice_by: Annotated[str, Field(min_length=7, max_length=200, pattern=r"^[^\x00-\x1f]+$")] | None = None
    """Also report accuracy by part of the data, 100 parts at most: a pattern of where an example came from (a path
    below the data's folder, or file#index), in which `{slice}` stands for the part's name and `*` for anything within a
    folder: `*/{slice}_*` splits `cat/phone_0001.jpg` from `cat/camera_0002.jpg`, and `{slice}.tsv#*` makes a part of
    each table of a folder."""
    corruptions: Annotated[tuple[Corruption, ...], Field(max_length=len(Corruption))] = ()
    """Also report accuracy on corrupted images, at severities 1, 3 and 5 of Hendrycks & Dietterich (arXiv:1903.12261;
    images of up to 64 pixels as in CIFAR-10-C, larger ones as in ImageNet-C): gaussian_noise, shot_noise,
    impulse_noise, brightness, contrast. The noise derives from the image's content, so it is the same in every run.
    Three more passes each."""
    device: DeviceConfig | None = None
    """Also time each file on a phone. A device that is not there ends the step with one line."""

    @field_validator("threads", "corruptions")
    @classmethod
    def _check_once(cls, values: tuple[int | Corruption, ...]) -> tuple[int | Corruption, ...]:
        if len(set(values)) != len(values):
            raise ValueError(f"accepts each once, found {[str(value) for value in values]}")
        return values

    @field_validator("slice_by")
    @classmethod
    def _check_pattern(cls, pattern: str | None) -> str | None:
        if pattern is not None and (pattern.count("{slice}") != 1 or pattern.count("*") > _MOST_STARS):
            raise ValueError(
                f"found {pattern!r}, accepted is a pattern with {{slice}} once and at most {_MOST_STARS} *"
            )
        return pattern


@dataclass(frozen=True, config=STRICT)
class ConstraintsConfig:
    """What a student must satisfy to be pushed. A limit left out does not apply, but for `min_agreement`."""

    max_model_bytes: PositiveInt | None = None
    """Largest size of the file as stored."""
    max_download_bytes: PositiveInt | None = None
    """Largest size of the file as downloaded (gzip)."""
    max_peak_memory_bytes: PositiveInt | None = None
    """Most memory that loading and running the file may add to a process on the machine that evaluates."""
    max_macs: PositiveInt | None = None
    """Most multiply-accumulates of one inference: the same on every machine."""
    max_latency_ms: Annotated[float, Field(gt=0.0)] | None = None
    """Longest latency of one example on the machine that evaluates: processor time of the fastest inference, or with
    several threads its time."""
    max_latency_ratio: Annotated[float, Field(gt=0.0, le=10.0)] | None = None
    """Longest latency as a multiple of the teacher's in the same rounds: 0.5 is half of it, and 10 is the most that is
    accepted; carries over between machines. A student whose ratio a busy machine leaves in doubt is refused."""
    max_accuracy_drop: SmallRatio | None = None
    """Largest top-1 accuracy lost against the teacher, as a ratio of 0.5 at most: 0.01 is one point."""
    min_accuracy: Ratio | None = None
    """Lowest top-1 accuracy, as a ratio."""
    min_top_k_accuracy: Ratio | None = None
    """Lowest share of examples whose class is among the first k that a student answers, as a ratio; k is
    `evaluate.top_k`. Where there are no more than k classes it is not measured, and no student satisfies it."""
    accept_guessing: bool = False
    """Push students that are no better than guessing on the held-out split, too, and hold `max_accuracy_drop` against a
    teacher that is not. Left out, neither is ever pushed, where there are examples enough to tell."""
    max_calibration_error: SmallRatio | None = None
    """Largest expected calibration error, as a ratio of 0.5 at most: how far scores may be from how often they are
    right."""
    min_agreement: Ratio | None = 0.9
    """Lowest share of training examples (those kept back, where there are 50) on which the file and the network that it
    was made from choose the same class: below it, the file computes something else. `null` accepts any."""
    min_held_out_examples: PositiveInt = 50
    """Fewest held-out examples whose accuracy may push a student: of 10, each is 10 points."""
    maximize: Objective = Objective.ACCURACY
    """`accuracy`, `smallest` or `fastest`: what orders the students that pass. With `fastest` and `select: best`, one
    whose speed a busy machine leaves in doubt is not the best."""
    select: PushPolicy = PushPolicy.ALL
    """Push `all` students that pass, or the `best` alone."""

    @property
    def has_limits(self) -> bool:
        """Returns whether a limit on size, speed or accuracy is set: one that does not apply unless it is."""
        limits = [field.name for field in dataclasses.fields(self) if field.default is None]
        return any(getattr(self, name) is not None for name in limits)
