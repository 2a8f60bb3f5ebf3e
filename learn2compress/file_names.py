"""Names of the files in the folders that steps leave behind, a pipeline's artifacts or a checkpoint's folders."""

from __future__ import annotations

LABELS_FILE = "labels.txt"
INGEST_REPORT_FILE = "ingest.json"
BAD_RECORDS_FILE = "bad_records.jsonl"
REPEATED_FILE = "repeated_content.jsonl"
KERAS_FILE = "model.keras"
LITERT_FILE = "model.tflite"
REPORT_FILE = "report.json"
HISTORY_FILE = "history.json"
CONFIG_FILE = "config.json"
COST_FILE = "joint_cost.json"
QUANTIZATION_FILE = "quantization.json"
FAMILY_WEIGHTS_FILE = "family_weights.npz"
FRONT_FILE = "front.json"
PREDICTIONS_FILE = "predictions.npz"
