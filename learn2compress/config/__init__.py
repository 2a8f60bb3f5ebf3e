"""The configuration of one compression: frozen dataclasses, one for each step.

These classes are the single truth of every parameter. The YAML file, the TFX
component parameters, `l2c validate` and the JSON schema for editors all derive
from them, and each range is checked when an object is built.
"""

from learn2compress.config.beam import BeamConfig, BeamRunner, BeamStepConfig, WorkerKind
from learn2compress.config.channels import ChannelOrder
from learn2compress.config.compression import CompressionConfig
from learn2compress.config.compression_steps import (
    MixedBase,
    PushConfig,
    QuantizationRecipe,
    QuantizeConfig,
)
from learn2compress.config.data import (
    DataConfig,
    DataFormat,
    ExifOrientation,
    RepeatedTexts,
    ResizeAspect,
    ResizeConfig,
    ResizeMethod,
    TaskConfig,
    TaskKind,
    TextFeatures,
)
from learn2compress.config.evaluation import (
    ConstraintsConfig,
    Corruption,
    DeviceConfig,
    EvaluateConfig,
    Objective,
    PushPolicy,
)
from learn2compress.config.family import FamilyConfig
from learn2compress.config.kubernetes import (
    AffinityOperator,
    KubernetesConfig,
    NodeAffinityConfig,
    PodConfig,
    TaintEffect,
    TolerationConfig,
    TolerationOperator,
    VolumeConfig,
)
from learn2compress.config.metadata import MetadataConfig
from learn2compress.config.pruning import ChannelImportance, PruneConfig, PruneMethod, PruneScope
from learn2compress.config.report import ReportConfig
from learn2compress.config.search import SearchConfig, SearchSize
from learn2compress.config.secret_variable import SecretVariableConfig
from learn2compress.config.students import BudgetConfig, PretrainedConfig, StageConfig, StudentConfig, StudentNetwork
from learn2compress.config.teacher import (
    InputScaling,
    StudentViews,
    TeacherConfig,
    TeacherMemberConfig,
    TeacherOutput,
    TeacherSignal,
    TeacherTraining,
)
from learn2compress.config.training import (
    AugmentConfig,
    DistillationConfig,
    DistillationLoss,
    Optimizer,
    Precision,
    Sharing,
    TrainingConfig,
)

__all__ = [
    "AffinityOperator",
    "AugmentConfig",
    "BeamConfig",
    "BeamRunner",
    "BeamStepConfig",
    "BudgetConfig",
    "ChannelImportance",
    "ChannelOrder",
    "CompressionConfig",
    "ConstraintsConfig",
    "Corruption",
    "DataConfig",
    "DataFormat",
    "DeviceConfig",
    "DistillationConfig",
    "DistillationLoss",
    "EvaluateConfig",
    "ExifOrientation",
    "FamilyConfig",
    "InputScaling",
    "KubernetesConfig",
    "MetadataConfig",
    "MixedBase",
    "NodeAffinityConfig",
    "Objective",
    "Optimizer",
    "PodConfig",
    "PretrainedConfig",
    "PruneConfig",
    "PruneMethod",
    "PruneScope",
    "PushConfig",
    "PushPolicy",
    "QuantizationRecipe",
    "QuantizeConfig",
    "RepeatedTexts",
    "ReportConfig",
    "ResizeAspect",
    "ResizeConfig",
    "ResizeMethod",
    "SearchConfig",
    "SearchSize",
    "SecretVariableConfig",
    "Precision",
    "Sharing",
    "StageConfig",
    "StudentConfig",
    "StudentNetwork",
    "StudentViews",
    "TaintEffect",
    "TaskConfig",
    "TaskKind",
    "TeacherConfig",
    "TeacherMemberConfig",
    "TeacherOutput",
    "TeacherSignal",
    "TeacherTraining",
    "TextFeatures",
    "TolerationConfig",
    "TolerationOperator",
    "TrainingConfig",
    "VolumeConfig",
    "WorkerKind",
]
