"""How small can a text classifier be? The pipeline on Snips, MRDA and SwDA, for each architecture of text students.

    python tests/benchmarks/text.py [CONFIG ...] [--quick] [--architectures projection embedding]

Teachers are trained by `examples/train_teacher.py` where they are not there yet, then the pipeline itself runs, with
its cache, in `text_runs` of `--work`. The configurations are those of `pipelines/configs`, unless others are named; for
`embedding` with other features and stages. `--quick` takes up to 8,000 training examples, few epochs and `projection`
alone: it shows that everything works, not how good it gets. Each result is appended to `text_results.jsonl` there; the
last line printed is one JSON object.

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
from command_line import CONFIGS, ROOT

from learn2compress.config import CompressionConfig
from learn2compress.config.file import load_config
from learn2compress.config.parsing import to_dict
from learn2compress.litert.latency import processor_name
from pipelines.console import redirect_library_output
from pipelines.local_run import RunRequest, new_log_file, start_run
from pipelines.run_history import Outcome, outcome_of
from pipelines.run_root import RunRoot

SETS = ("snips", "mrda", "swda")
PUBLISHED_SGNN = {"mrda": 86.7, "swda": 83.1}
TEACHER_ARGUMENTS = {
    "snips": ["--width", "32", "--epochs", "20", "--batch-size", "128"],
    "mrda": ["--width", "32", "--epochs", "8", "--batch-size", "256"],
    "swda": ["--width", "32", "--epochs", "10", "--batch-size", "256"],
}
OTHER_TEACHER_ARGUMENTS = TEACHER_ARGUMENTS["snips"]
QUICK_TEACHER_ARGUMENTS = ["--width", "32", "--epochs", "3", "--batch-size", "128"]
QUICK_TRAIN_LINES = 8_000
EMBEDDING_TASK = {"kind": "text", "input_shape": [64], "text_features": "hashed_words"}
EMBEDDING_STAGES = [{"channels": 32}, {"channels": 32}]


def configuration(path: Path, architecture: str, quick: bool, work: Path) -> dict[str, Any]:
    """Reads a configuration and adapts it to an architecture.

    Args:
      path: File of the configuration.
      architecture: "projection" or "embedding".
      quick: Whether to train little, on a part of the data.
      work: Folder for what the configuration leaves to the benchmark.

    Returns:
      Plain mappings with absolute paths.
    """
    config = to_dict(load_config(path))
    name = config["name"]
    if architecture == "embedding":
        config["name"] = f"{name}_embedding"
        config["task"] = EMBEDDING_TASK
        config["training"] |= {"architecture": "embedding", "stages": EMBEDDING_STAGES}
        config["teacher"]["uri"] = str(work / f"{name}_embedding_teacher.keras")
        config["push"]["uri"] = str(work / "pushed" / f"{name}_embedding")
    if quick:
        config["name"] += "_quick"
        config["data"]["uri"] = str(_part_of(Path(config["data"]["uri"]), work / "text_quick" / f"{name}_train.tsv"))
        config["teacher"]["uri"] = str(work / "text_quick" / f"{config['name']}_teacher.keras")
        config["push"]["uri"] = str(work / "text_quick" / "pushed" / config["name"])
        # So short a training may learn nothing, and shows that everything works.
        config["teacher"]["accept_poor"] = config["constraints"]["accept_guessing"] = True
        config["training"]["epochs"] = 5
        config["prune"]["epochs"] = config["quantize"]["epochs"] = 1
        config["evaluate"]["latency_rounds"] = 5
    return config


def run(config: dict[str, Any], teacher_arguments: list[str], work: Path) -> tuple[CompressionConfig, Outcome]:
    """Trains the teacher and runs the pipeline, or finds what was done before.

    Args:
      config: Plain mappings with absolute paths.
      teacher_arguments: Of `examples/train_teacher.py`.
      work: Folder that holds the runs.

    Returns:
      The configuration, and how its run ended.
    """
    path = work / "text_runs" / "configs" / f"{config['name']}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(config, sort_keys=False), "utf-8")
    command = [sys.executable, str(ROOT / "examples" / "train_teacher.py"), str(path), *teacher_arguments]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    request = RunRequest(load_config(path), RunRoot(work / "text_runs"))
    with request.root.locked(), redirect_library_output(new_log_file(request.root, config["name"])) as console:
        start_run(request, lambda event: console.print(f"  {event.step}: {event.state}"), lambda progress: None)
    return request.config, outcome_of(request.root, request.config.name, run_id=None)


def figures_of(outcome: Outcome) -> dict[str, Any]:
    """Returns accuracies in per cent and sizes of the teacher's and of each student's file, by name."""
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
    parser.add_argument("configs", type=Path, nargs="*", default=[CONFIGS / f"{name}.yaml" for name in SETS])
    parser.add_argument("--quick", action="store_true", help="a part of the data, few epochs, projection alone")
    parser.add_argument("--architectures", nargs="+", choices=["projection", "embedding"])
    parser.add_argument("--work", type=lambda text: Path(text).resolve(), default=ROOT / "build")
    arguments = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    architectures = arguments.architectures or (["projection"] if arguments.quick else ["projection", "embedding"])
    results = []
    for path in arguments.configs:
        for architecture in architectures:
            started = time.monotonic()
            name = load_config(path).name
            print(f"{name}, {architecture}", flush=True)
            teacher_arguments = TEACHER_ARGUMENTS.get(name, OTHER_TEACHER_ARGUMENTS)
            config, outcome = run(
                configuration(path, architecture, arguments.quick, arguments.work),
                QUICK_TEACHER_ARGUMENTS if arguments.quick else teacher_arguments,
                arguments.work,
            )
            accuracy = outcome.family.teacher.accuracy
            result = {
                "set": name,
                "architecture": architecture,
                "quick": arguments.quick,
                "text_features": config.task.text_features.value,
                "input_bytes": config.task.input_shape[0],
                "num_classes": len(outcome.family.labels),
                "num_test": accuracy.num_examples,
                "models": figures_of(outcome),
                "published_sgnn": PUBLISHED_SGNN.get(name),
                "seconds": round(time.monotonic() - started),
            }
            with (arguments.work / "text_results.jsonl").open("a", encoding="utf-8") as file:
                file.write(json.dumps(result) + "\n")
            results.append(result)
    print(json.dumps({"benchmark": "text", "processor": processor_name(), "results": results}))


def _part_of(source: Path, part: Path) -> Path:
    """Writes lines of a training file at even distances, the same ones each time.

    Args:
      source: All lines.
      part: Where to.

    Returns:
      `part`.
    """
    lines = source.read_text("utf-8").splitlines(keepends=True)
    part.parent.mkdir(parents=True, exist_ok=True)
    part.write_text("".join(lines[:: -(-len(lines) // QUICK_TRAIN_LINES)]), "utf-8")
    return part


if __name__ == "__main__":
    main()
