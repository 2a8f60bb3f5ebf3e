"""Artifact types of the pipeline, their properties, and the file names inside them.

Examples and TeacherLogits hold a folder for each `learn2compress.data.records.Split`, less one that nothing is in.
"""

from __future__ import annotations

from tfx.types.artifact import Artifact, Property, PropertyType

_INT = Property(type=PropertyType.INT)
_FLOAT = Property(type=PropertyType.FLOAT)
_STRING = Property(type=PropertyType.STRING)

# Further files inside artifacts, which steps of a pipeline alone write.
STATISTICS_FILE = "statistics.pb"
SCHEMA_FILE = "schema.pbtxt"
ANOMALIES_FILE = "anomalies.pbtxt"
VALIDATION_ANOMALIES_FILE = "validation_anomalies.pbtxt"
SENSITIVITY_FILE = "sensitivity.json"
EXAMPLES_FILE = "examples.json"
TRIAL_FILE = "trial.json"

# Outputs of the joint training beside its students, whose names no student may have.
TRAINING_LOGS_OUTPUT = "training_logs"
TRAINED_TEACHER_OUTPUT = "trained_teacher"


class Examples(Artifact):
    """Validated, split examples: `train/` and `held_out/` shards, labels, what was refused, and what was left out.

    `num_train` counts all examples to train on, `num_unlabelled` those of them that nobody labelled. Where examples to
    choose by are named, there are `validation/` shards with `num_validation` examples, too.
    """

    TYPE_NAME = "L2CExamples"
    PROPERTIES = {
        "num_train": _INT,
        "num_held_out": _INT,
        "num_validation": _INT,
        "num_unlabelled": _INT,
        "num_bad": _INT,
        "num_classes": _INT,
        "content_sha256": _STRING,
        "source_uri": _STRING,
    }


class DataStatistics(Artifact):
    """TFDV statistics of all splits, the schema of the training split, and the anomalies of the others."""

    TYPE_NAME = "L2CDataStatistics"
    PROPERTIES = {"num_anomalies": _INT}


class Teacher(Artifact):
    """The teacher as LiteRT file; `accuracy` is that of one that was trained jointly."""

    TYPE_NAME = "L2CTeacher"
    PROPERTIES = {
        "content_sha256": _STRING,
        "source_uri": _STRING,
        "output": _STRING,
        "accuracy": _FLOAT,
        "model_bytes": _INT,
        "num_parameters": _INT,
        "macs": _INT,
    }


class TeacherLogits(Artifact):
    """The teacher's logits, shard by shard beside the examples."""

    TYPE_NAME = "L2CTeacherLogits"
    PROPERTIES = {"num_examples": _INT, "num_classes": _INT}


class Student(Artifact):
    """A standalone Keras student."""

    TYPE_NAME = "L2CStudent"
    PROPERTIES = {
        "student": _STRING,
        "phase": _STRING,
        "accuracy": _FLOAT,
        "num_parameters": _INT,
        "macs": _INT,
        "sparsity_ratio": _FLOAT,
        "content_sha256": _STRING,
    }


class Family(Artifact):
    """One network of many sub-networks: its weights, its epochs, and what was measured on each sub-network.

    `accuracy` is that of the most accurate one, on the training examples that sub-networks are compared by.
    """

    TYPE_NAME = "L2CFamily"
    PROPERTIES = {"num_sub_networks": _INT, "num_on_front": _INT, "accuracy": _FLOAT}


class TrainingLogs(Artifact):
    """Curves of the joint training as TensorBoard reads them, and what it costs beside training students apart."""

    TYPE_NAME = "L2CTrainingLogs"
    PROPERTIES = {"joint_macs": _INT, "joint_over_largest": _FLOAT, "joint_over_separate": _FLOAT}


class Sensitivity(Artifact):
    """What pruning each layer of a student alone costs; see `learn2compress.results.pruning`.

    `accuracy` is that of the student before it was pruned, on the training examples of the analysis.
    """

    TYPE_NAME = "L2CSensitivity"
    PROPERTIES = {"student": _STRING, "accuracy": _FLOAT, "num_examples": _INT}


class LiteRtModel(Artifact):
    """The file that ships, with its metadata, and how it came about; `recipe` is that of the file."""

    TYPE_NAME = "L2CLiteRtModel"
    PROPERTIES = {
        "student": _STRING,
        "recipe": _STRING,
        "model_sha256": _STRING,
        "model_bytes": _INT,
    }


class SearchTrial(Artifact):
    """One compression that a search tried, its accuracy on the training examples that the search decides by.

    `size` is what the search minimizes. One that was stopped early has the reason in `stopped`, the accuracy of its
    float student, and no file.
    """

    TYPE_NAME = "L2CSearchTrial"
    PROPERTIES = {
        "student": _STRING,
        "method": _STRING,
        "sparsity_ratio": _FLOAT,
        "layer_sparsity_ratios": _STRING,
        "recipe": _STRING,
        "accuracy": _FLOAT,
        "size": _INT,
        "stopped": _STRING,
    }


class Evaluation(Artifact):
    """What was measured on one file: a student's, or the teacher's, where `student` is "teacher"."""

    TYPE_NAME = "L2CEvaluation"
    PROPERTIES = {
        "student": _STRING,
        "model_sha256": _STRING,
        "accuracy": _FLOAT,
        "model_bytes": _INT,
        "download_bytes": _INT,
        "num_parameters": _INT,
        "num_nonzero_parameters": _INT,
        "macs": _INT,
        "latency_ms": _FLOAT,
        "latency_p90_ms": _FLOAT,
        "peak_memory_bytes": _INT,
        "keras_agreement": _FLOAT,
        "calibration_error": _FLOAT,
    }


class PushedVersion(Artifact):
    """One push: what was selected and where it went."""

    TYPE_NAME = "L2CPushedVersion"
    PROPERTIES = {
        "version": _INT,
        "destination": _STRING,
        "num_selected": _INT,
        "num_refused": _INT,
    }
