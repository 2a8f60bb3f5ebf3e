"""What each step asks of a Kubernetes cluster. It decides where and when a step runs, never what comes out of it."""

from __future__ import annotations

import dataclasses
from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from learn2compress.config.fields import STRICT, PositiveInt, Uri
from learn2compress.config.metadata import MetadataConfig
from learn2compress.config.secret_variable import ObjectName, SecretVariableConfig

LabelKey = Annotated[str, Field(pattern=r"^([a-z0-9.-]{1,253}/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$")]
LabelValue = Annotated[str, Field(pattern=r"^([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$")]
MountPath = Annotated[str, Field(pattern=r"^/[^:\x00-\x1f]{1,255}$")]
# Name, tag, digest; an "@" without a whole digest behind it is half of one.
IMAGE_PATTERN = r"^[A-Za-z0-9]([A-Za-z0-9._:/-]*[A-Za-z0-9_])?(@sha256:[0-9a-f]{64})?$"
LONGEST_IMAGE = 512
Image = Annotated[str, Field(pattern=IMAGE_PATTERN, max_length=LONGEST_IMAGE)]


class TolerationOperator(StrEnum):
    """How a toleration compares."""

    EQUAL = "Equal"
    EXISTS = "Exists"


class TaintEffect(StrEnum):
    """What a taint does to a pod that does not tolerate it."""

    NO_SCHEDULE = "NoSchedule"
    PREFER_NO_SCHEDULE = "PreferNoSchedule"
    NO_EXECUTE = "NoExecute"


class AffinityOperator(StrEnum):
    """How a node's label is compared."""

    IN = "In"
    NOT_IN = "NotIn"
    EXISTS = "Exists"
    DOES_NOT_EXIST = "DoesNotExist"
    GREATER = "Gt"
    LESS = "Lt"


@dataclass(frozen=True, config=STRICT)
class TolerationConfig:
    """A taint that the step's pod may be scheduled in spite of."""

    key: LabelKey
    """The taint's key."""
    operator: TolerationOperator = TolerationOperator.EXISTS
    """`Exists`, or `Equal` with a `value`."""
    value: LabelValue = ""
    """The taint's value, for `Equal`."""
    effect: TaintEffect | None = None
    """Left out: every effect."""

    @model_validator(mode="after")
    def _check(self) -> TolerationConfig:
        if self.operator is TolerationOperator.EXISTS and self.value:
            raise ValueError(f"value: found {self.value!r} with operator 'Exists', accepted is none, or 'Equal'")
        return self


@dataclass(frozen=True, config=STRICT)
class NodeAffinityConfig:
    """Nodes that the step must run on, or rather would."""

    key: LabelKey
    """Key of the node's label."""
    operator: AffinityOperator = AffinityOperator.IN
    """`In`, `NotIn`, `Exists`, `DoesNotExist`, `Gt` or `Lt`."""
    values: tuple[LabelValue, ...] = ()
    """What the node's label is compared with."""
    weight: Annotated[int, Field(ge=1, le=100)] | None = None
    """With it the step prefers such nodes; without it, it runs on no others."""

    @model_validator(mode="after")
    def _check(self) -> NodeAffinityConfig:
        takes_none = self.operator in (AffinityOperator.EXISTS, AffinityOperator.DOES_NOT_EXIST)
        if takes_none == bool(self.values):
            wanted = "no value" if takes_none else "at least one"
            raise ValueError(f"values: found {list(self.values)} with {self.operator.value!r}, accepted is {wanted}")
        return self


@dataclass(frozen=True, config=STRICT)
class VolumeConfig:
    """An existing volume claim."""

    claim: ObjectName
    """Name of the PersistentVolumeClaim."""
    mount_path: MountPath
    """Where the step sees it."""


@dataclass(frozen=True, config=STRICT)
class PodConfig:
    """One step's pod. What it requests is also its limit: steps that are measured or trained must not be squeezed."""

    image: Image | None = None
    """Container image, best with its digest; by default that of the package."""
    cpu_cores: Annotated[float, Field(gt=0.0, le=256.0)] = 2.0
    """Processor cores."""
    memory_gib: Annotated[float, Field(gt=0.0, le=4096.0)] = 4.0
    """Memory in GiB."""
    gpus: Annotated[int, Field(ge=0, le=64)] = 0
    """Accelerators."""
    gpu_resource: LabelKey = "nvidia.com/gpu"
    """What the cluster calls them."""
    node_selector: dict[LabelKey, LabelValue] = dataclasses.field(default_factory=dict)
    """Labels that the node must have."""
    node_affinity: tuple[NodeAffinityConfig, ...] = ()
    """Nodes that it must or should run on."""
    tolerations: tuple[TolerationConfig, ...] = ()
    """Taints that do not keep it away."""
    retries: Annotated[int, Field(ge=0, le=20)] = 2
    """How often a failed step is tried again, where the cluster's `retryPolicy` lets it."""
    retry_seconds: PositiveInt = 30
    """Pause before the first retry; each further one is twice as long, unless the last would exceed
    `max_retry_seconds`: then all are alike."""
    max_retry_seconds: PositiveInt = 600
    """Longest pause that may grow out of `retry_seconds`."""
    timeout_minutes: Annotated[int, Field(ge=1, le=60 * 24 * 30)] | None = None
    """A step that takes longer is stopped."""
    labels: dict[LabelKey, LabelValue] = dataclasses.field(default_factory=dict)
    """Labels of the pod, such as the name of a queue."""
    annotations: dict[LabelKey, str] = dataclasses.field(default_factory=dict)
    """Annotations of the pod."""
    secret_variables: tuple[SecretVariableConfig, ...] = ()
    """Environment variables from secrets."""
    volumes: tuple[VolumeConfig, ...] = ()
    """Volumes that it sees."""


# What a small family of image students needs; a configuration sets what is different for it.
_STEP_DEFAULTS: dict[str, dict[str, Any]] = {
    "Ingest": {"timeout_minutes": 6 * 60},
    "TeacherLoad": {"timeout_minutes": 6 * 60},
    "TeacherAsStudent": {"timeout_minutes": 2 * 60},
    "JointDistillTrainer": {"cpu_cores": 4.0, "memory_gib": 8.0, "timeout_minutes": 48 * 60},
    "FamilyTrainer": {"cpu_cores": 4.0, "memory_gib": 8.0, "timeout_minutes": 48 * 60},
    "Pick": {"timeout_minutes": 2 * 60},
    "Search": {"timeout_minutes": 48 * 60},
    "Prune": {"timeout_minutes": 24 * 60},
    "Quantize": {"timeout_minutes": 24 * 60},
    "Evaluate": {"timeout_minutes": 2 * 60},
    "Pusher": {"cpu_cores": 1.0, "memory_gib": 2.0, "timeout_minutes": 60},
}


@dataclass(frozen=True, config=STRICT)
class KubernetesConfig:
    """What the steps of a compiled package ask of the cluster."""

    image: Image | None = None
    """Container image of the steps; `--image` of the command overrides it."""
    checkpoints: VolumeConfig | None = None
    """Volume for the state of unfinished trainings: a retried step resumes from there. Without it, or
    `checkpoint_uri`, it starts over."""
    checkpoint_uri: Uri | None = None
    """The same as an fsspec URL, such as `s3://bucket/checkpoints`, instead of a volume."""
    metadata: MetadataConfig | None = None
    """A team's own ML Metadata store that the steps write their lineage to, as a local run has it."""
    all_steps: dict[str, Any] = dataclasses.field(default_factory=dict)
    """Settings of every step; see `PodConfig`."""
    steps: dict[str, dict[str, Any]] = dataclasses.field(default_factory=dict)
    """Settings over those, of a kind of step (`Quantize`) or of one (`Quantize.small`)."""

    @model_validator(mode="after")
    def _check(self) -> KubernetesConfig:
        if self.checkpoint_uri is not None and "://" not in self.checkpoint_uri:
            raise ValueError(f"checkpoint_uri: found {self.checkpoint_uri!r}, accepted is a URL; a path is a volume's")
        if self.checkpoint_uri is not None and self.checkpoints is not None:
            raise ValueError("checkpoint_uri: found one beside checkpoints, accepted is one of the two")
        for step in ("", *self.steps):
            self.pod_of(step)
        return self

    def pod_of(self, step: str) -> PodConfig:
        """Returns the settings of one step: those of its kind over everybody's, its own over both.

        Args:
          step: Component id, such as "Quantize.small".

        Raises:
          ConfigError: settings in `all_steps` or `steps` that no pod has; the message names the field.
        """
        from learn2compress.config.parsing import parse, to_dict

        kind = step.partition(".")[0]
        pod = parse(PodConfig, to_dict(PodConfig()) | _STEP_DEFAULTS.get(kind, {}))
        layers = {"all_steps": self.all_steps, **{f"steps.{name}": self.steps.get(name, {}) for name in (kind, step)}}
        for field, own in layers.items():
            pod = parse(PodConfig, to_dict(pod) | own, field) if own else pod
        return pod
