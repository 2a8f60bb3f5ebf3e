"""The configuration of one compression: frozen dataclasses, one for each step.

These classes are the single truth of every parameter. The YAML file, the TFX
component parameters, `l2c validate` and the JSON schema for editors all derive
from them, and each range is checked when an object is built.
"""

from learn2compress.config.compression import CompressionConfig
from learn2compress.config.compression_steps import (
    ConstraintsConfig,
    EvaluateConfig,
    Objective,
    PruneConfig,
    PushConfig,
    PushPolicy,
    QuantizationRecipe,
    QuantizeConfig,
)
from learn2compress.config.data import DataConfig, DataFormat, TaskConfig, TaskKind, TextFeatures
from learn2compress.config.students import BudgetConfig, PretrainedConfig, StageConfig, StudentConfig
from learn2compress.config.teacher import (
    InputScaling,
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
    Sharing,
    TrainingConfig,
)

__all__ = [
    "AugmentConfig",
    "BudgetConfig",
    "CompressionConfig",
    "ConstraintsConfig",
    "DataConfig",
    "DataFormat",
    "DistillationConfig",
    "DistillationLoss",
    "EvaluateConfig",
    "InputScaling",
    "Objective",
    "PretrainedConfig",
    "PruneConfig",
    "PushConfig",
    "PushPolicy",
    "QuantizationRecipe",
    "QuantizeConfig",
    "Sharing",
    "StageConfig",
    "StudentConfig",
    "TaskConfig",
    "TaskKind",
    "TeacherConfig",
    "TeacherMemberConfig",
    "TeacherOutput",
    "TeacherSignal",
    "TeacherTraining",
    "TextFeatures",
    "TrainingConfig",
]
