"""How small can a text classifier be? The pipeline on Snips, MRDA and SwDA, for each family of text students.

    python tests/benchmarks/text.py [--quick] [--sets mrda swda] [--families projection embedding]

Teachers are trained by `examples/train_teacher.py` where they are not there yet, then the pipeline itself runs, with
its cache, in `build/text_runs`. The configurations are those of `pipelines/configs`; for `embedding` with other
features and stages. `--quick` takes up to 8,000 training examples, few epochs and `projection` alone: it shows that
everything works, not how good it gets. Each result is appended to `build/text_results.jsonl`; the last line printed is
one JSON object.

The published figures are those of SGNN (Ravi & Kozareva, EMNLP 2018), in per cent, of utterances by themselves. Its
label sets and splits differ from those here in detail, so the comparison is a rough one.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import yaml

from learn2compress.config import CompressionConfig
from learn2compress.config.file import load_config
from learn2compress.config.parsing import to_dict
from learn2compress.litert.latency import processor_name
from pipelines.console import redirect_library_output
from pipelines.local_run import RunRequest, new_log_file, start_run
from pipelines.run_history import Outcome, outcome_of
from pipelines.run_root import RunRoot

ROOT = Path(__file__).parents[2]
BUILD = ROOT / "build"
PUBLISHED_SGNN = {"snips": None, "mrda": 86.7, "swda": 83.1}
TEACHER_ARGUMENTS = {
    "snips": ["--width", "32", "--epochs", "20", "--batch-size", "128"],
    "mrda": ["--width", "32", "--epochs", "8", "--batch-size", "256"],
    "swda": ["--width", "32", "--epochs", "10", "--batch-size", "256"],
}
QUICK_TEACHER_ARGUMENTS = ["--width", "32", "--epochs", "3", "--batch-size", "128"]
QUICK_TRAIN_LINES = 8_000
EMBEDDING_TASK = {"kind": "text", "input_shape": [64], "text_features": "hashed_words"}
EMBEDDING_STAGES = [{"channels": 32}, {"channels": 32}]


def configuration(name: str, family: str, quick: bool) -> dict[str, Any]:
    """The configuration of one data set and family, as plain mappings with absolute paths."""
    config = to_dict(load_config(ROOT / "pipelines" / "configs" / f"{name}.yaml"))
    if family == "embedding":
        config["name"] = f"{name}_embedding"
        config["task"] = EMBEDDING_TASK
        config["training"] |= {"family": "embedding", "stages": EMBEDDING_STAGES}
        config["teacher"]["uri"] = str(BUILD / f"{name}_embedding_teacher.keras")
        config["push"]["uri"] = str(BUILD / "pushed" / f"{name}_embedding")
    if quick:
        config["name"] += "_quick"
        config["data"]["uri"] = str(_part_of(Path(config["data"]["uri"]), name))
        config["teacher"]["uri"] = str(BUILD / "text_quick" / f"{config['name']}_teacher.keras")
        config["push"]["uri"] = str(BUILD / "text_quick" / "pushed" / config["name"])
        config["training"]["epochs"] = 5
        config["prune"]["epochs"] = config["quantize"]["epochs"] = 1
        config["evaluate"]["latency_rounds"] = 5
    return config


def run(config: dict[str, Any], teacher_arguments: list[str]) -> tuple[CompressionConfig, Outcome]:
    """Trains the teacher and runs the pipeline, or finds what was done before."""
    path = BUILD / "text_runs" / "configs" / f"{config['name']}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(config, sort_keys=False), "utf-8")
    command = [sys.executable, str(ROOT / "examples" / "train_teacher.py"), str(path), *teacher_arguments]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    request = RunRequest(load_config(path), RunRoot(BUILD / "text_runs"))
    with request.root.locked(), redirect_library_output(new_log_file(request.root, config["name"])) as console:
        start_run(request, lambda event: console.print(f"  {event.step}: {event.state}"), lambda progress: None)
    return request.config, outcome_of(request.root, request.config.name, run_id=None)


def figures_of(outcome: Outcome) -> dict[str, Any]:
    """Accuracy in per cent and sizes of the teacher and of each student's file."""
    models = (outcome.family.teacher, *outcome.family.students)
    return {
        model.name: {
            "accuracy": round(100 * model.accuracy.top_1, 2),
            "interval": [round(100 * model.accuracy.top_1_low, 2), round(100 * model.accuracy.top_1_high, 2)],
            "model_bytes": model.model_bytes,
            "download_bytes": model.download_bytes,
            "num_parameters": model.num_parameters,
            "macs": model.macs,
        }
        for model in models
    }


def main() -> None:
    """Prints the figures of every set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a part of the data, few epochs, projection alone")
    parser.add_argument("--sets", nargs="+", choices=list(PUBLISHED_SGNN), default=list(PUBLISHED_SGNN))
    parser.add_argument("--families", nargs="+", choices=["projection", "embedding"])
    arguments = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    families = arguments.families or (["projection"] if arguments.quick else ["projection", "embedding"])
    results = []
    for name in arguments.sets:
        for family in families:
            started = time.monotonic()
            print(f"{name}, {family}", flush=True)
            teacher_arguments = QUICK_TEACHER_ARGUMENTS if arguments.quick else TEACHER_ARGUMENTS[name]
            config, outcome = run(configuration(name, family, arguments.quick), teacher_arguments)
            accuracy = outcome.family.teacher.accuracy
            result = {
                "set": name,
                "family": family,
                "quick": arguments.quick,
                "text_features": config.task.text_features.value,
                "input_bytes": config.task.input_shape[0],
                "num_classes": len(outcome.family.labels),
                "num_test": accuracy.num_examples,
                "models": figures_of(outcome),
                "published_sgnn": PUBLISHED_SGNN[name],
                "seconds": round(time.monotonic() - started),
            }
            with (BUILD / "text_results.jsonl").open("a", encoding="utf-8") as file:
                file.write(json.dumps(result) + "\n")
            results.append(result)
    print(json.dumps({"benchmark": "text", "processor": processor_name(), "results": results}))


def _part_of(source: Path, name: str) -> Path:
    """Lines of a training file at even distances; the same ones each time."""
    lines = source.read_text("utf-8").splitlines(keepends=True)
    part = BUILD / "text_quick" / f"{name}_train.tsv"
    part.parent.mkdir(parents=True, exist_ok=True)
    part.write_text("".join(lines[:: -(-len(lines) // QUICK_TRAIN_LINES)]), "utf-8")
    return part


if __name__ == "__main__":
    main()
