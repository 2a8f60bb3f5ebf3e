"""Each benchmark runs, on scikit-learn's digits or made-up sentences, and its last line is one JSON object of figures.

What the figures are is not looked at: they are of networks that learnt next to nothing, on a machine that does other
work beside.
"""

from __future__ import annotations

import importlib.util
import json
import runpy
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import yaml

pytestmark = pytest.mark.end_to_end

BENCHMARKS = Path(__file__).parent
STUDENTS = ("large", "small")
CONFIG: dict[str, Any] = {
    "seed": 3,
    "task": {"kind": "image", "input_shape": [8, 8, 1]},
    # Few examples to train on; more would show nothing else.
    "data": {"format": "digits", "held_out_ratio": 0.9},
    "teacher": {"uri": "teacher.keras"},
    "training": {"stages": [{"channels": 8}, {"channels": 8}], "epochs": 1},
    "students": [{"name": "large", "stage": 2}, {"name": "small", "stage": 1}],
    "prune": {"min_layer_weights": 16},
}

Run = Callable[..., dict[str, Any]]

NUMBER = (int, float)
RANGE = [float]
OF_SEEDS = {"mean": float, "min": float, "max": float}
PEERS = ("keras_litert_ptq", "keras_ai_edge_ptq", "keras_distillation")
FEW_DATA = ("product", "keras_adam", "keras_adamw")
OURS = ("ours_post_training", "ours", "ours_pruned")
RECIPES = ("float32", "float16", "dynamic_int8", "int8_ptq", "int8_qat", "int16_activations", "int4_weights")
MADE = {"seconds_to_make": float, "reason": str, "shipped": str, "largest_deviation": (dict, type(None))}
MEASURED = {
    "loads": bool,
    "accuracy": float,
    "model_bytes": int,
    "smaller_than_float32": float,
    "latency_ms": float,
    "latency_over_float32": float,
    "latency_over_float32_interval": RANGE,
    "drop_points": float,
}
FASTER = {"latency_ms": float, "faster": float, "faster_interval": RANGE}
PRUNED = {
    **dict.fromkeys(("accuracy", "model_bytes", "download_bytes", "macs"), NUMBER),
    **{f"{name}_ratio": float for name in ("accuracy", "model_bytes", "download_bytes", "macs")},
    **FASTER,
    **{f"float_{name}": kind for name, kind in FASTER.items()},
}


def each(names: tuple[str, ...], kind: Any) -> dict[str, Any]:
    return dict.fromkeys(names, kind)


FIGURES: dict[str, dict[str, Any]] = {
    "evaluate_throughput": {
        "config": str,
        "num_examples": int,
        "batch_size": int,
        "macs": int,
        "images_per_s": each(("bare", "evaluate", "reading_alone"), float),
        "thread_cpu_us_per_image": each(("bare", "evaluate", "reading_alone"), float),
        "evaluate_over_bare": float,
        "evaluate_over_bare_by_thread_cpu": float,
        "evaluate_over_bare_range": RANGE,
        "processor": str,
    },
    "training_throughput": {
        "config": str,
        "precision": str,
        "batch_size": int,
        "macs": int,
        "step_ms": each(("kernels", "forward_backward", "step", "step_bfloat16", "loop"), float),
        "achieved_gflops_per_s": float,
        "bare_kernels_gflops_per_s": float,
        "achieved_over_bare": float,
        "bfloat16_times_faster": float,
        "profile": each(
            (
                "convolutions_and_products",
                "other_operations_of_the_passes",
                "optimizer",
                "input_and_python",
            ),
            float,
        ),
        "students": [str],
        "processor": str,
    },
    "joint_training": {
        "config": str,
        "num_train": int,
        "epochs": int,
        "seeds": int,
        "macs": each(STUDENTS, int),
        "macs_largest_over_smallest": float,
        "joint_over_largest_macs": float,
        "joint_over_largest_cached": float,
        "joint_over_largest_cached_after_first_epoch": float,
        "joint_over_largest_cached_interval": RANGE,
        "joint_over_separate": float,
        "accuracy_joint": each(STUDENTS, OF_SEEDS),
        "accuracy_alone": each(STUDENTS, OF_SEEDS),
        "accuracy_gap_points": each(STUDENTS, OF_SEEDS),
        "accuracy_without_teacher": each(STUDENTS, OF_SEEDS),
        "joint_over_largest_live": float,
        "joint_over_largest": each(("width", "hybrid"), float),
        "processor": str,
    },
    "quantization": {
        "config": str,
        "student": str,
        "num_train": int,
        "num_held_out": int,
        "epochs": int,
        "quantize_epochs": int,
        "recipes": {
            **each((*RECIPES, "mixed", "mixed_int4", "as_shipped"), MADE | MEASURED),
            "int8_qat": MEASURED,
        },
        "qat_minus_ptq_points": float,
        "int8_smaller_than_float32": float,
        "int8_drop_points": float,
        "processor": str,
    },
    "pruning": {
        "config": str,
        "student": str,
        "num_train": int,
        "epochs": [int],
        "sparsity_ratio": {str: float},
        "variants": {str: PRUNED},
        "processor": str,
    },
    "few_data": {
        **dict.fromkeys(("config", "best_peer", "processor"), str),
        **dict.fromkeys(("num_train", "num_held_out", "epochs", "epochs_total", "batch_size"), int),
        "seeds": [int],
        "accuracy": each(FEW_DATA, OF_SEEDS),
        "bytes": each(FEW_DATA, int),
        "shipped": [str],
        "ahead_points": float,
    },
    "peers": {
        "config": str,
        "num_train": int,
        "num_kept_back": int,
        "seeds": [int],
        "epochs": each((*OURS, *PEERS), int),
        "learning_rates": each((*OURS, *PEERS), each(STUDENTS[:1], [float])),
        "seconds_total": each((*OURS, *PEERS), OF_SEEDS),
        "seconds_of_last_seed": each((*OURS, *PEERS), {str: float}),
        "accuracy": each((*OURS, *PEERS), each(STUDENTS[:1], OF_SEEDS)),
        "bytes": each((*OURS, *PEERS), each(STUDENTS[:1], int)),
        "latency_ms": each((*OURS, *PEERS), each(STUDENTS[:1], float)),
        "peer_over_ours_seconds": each(PEERS, float),
        "published": each(("mlperf_tiny_resnet8", "mlperf_tiny_ic02"), str),
        "processor": str,
    },
}
ARGUMENTS = {"peers": ["--recipes", "ours_post_training", "ours", "keras_only", "keras_distillation"]}
# What a benchmark does for each student, or for one of them, it need not do twice.
WITH_ONE_STUDENT = ("quantization", "pruning", "peers")


def unlike(value: Any, kind: Any, where: str = "") -> list[str]:
    """Where a value is not as described: by a type, a mapping of keys (or of `str`, for any), or a list of one kind."""
    if isinstance(kind, dict):
        wanted = dict.fromkeys(value, kind[str]) if str in kind and isinstance(value, dict) else kind
        if not isinstance(value, dict) or not value or set(value) != set(wanted):
            return [f"{where}: found {value!r}, wanted keys {list(wanted)}"]
        return [text for key, inner in wanted.items() for text in unlike(value[key], inner, f"{where}.{key}")]
    if isinstance(kind, list):
        if not isinstance(value, list) or not value:
            return [f"{where}: found {value!r}, wanted a list"]
        return [text for index, item in enumerate(value) for text in unlike(item, kind[0], f"{where}.{index}")]
    right = isinstance(value, kind) and (kind is bool or not isinstance(value, bool))
    return [] if right else [f"{where}: found {value!r}, wanted {kind}"]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a benchmark as the command does, and returns the figures of the last line that it prints.

    In this process, where TensorFlow is imported already: that takes longer than most of what is run here.
    """

    def run(script: str, *arguments: str | Path) -> dict[str, Any]:
        path = BENCHMARKS / f"{script}.py"
        monkeypatch.setattr(sys, "argv", [str(path), *map(str, arguments)])
        monkeypatch.syspath_prepend(BENCHMARKS)
        capsys.readouterr()
        runpy.run_path(str(path), run_name="__main__")
        figures: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
        return figures

    return run


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Configurations of two students and of one, and their teacher, which gives logits."""
    folder = tmp_path_factory.mktemp("benchmarks")
    keras.utils.set_random_seed(1)
    layers = [keras.layers.Conv2D(8, 3, activation="relu"), keras.layers.Flatten(), keras.layers.Dense(10)]
    keras.Sequential([keras.Input((8, 8, 1)), *layers]).save(folder / "teacher.keras")
    for name, students in (("family", CONFIG["students"]), ("single", CONFIG["students"][:1])):
        text = yaml.safe_dump(CONFIG | {"name": name, "students": students}, sort_keys=False)
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize("script", list(FIGURES))
def test_a_benchmark_prints_its_figures(script: str, folder: Path, run: Run) -> None:
    config = "single" if script in WITH_ONE_STUDENT else "family"
    arguments = ["--quick", "--work", folder / "work", *ARGUMENTS.get(script, [])]
    figures = run(script, folder / f"{config}.yaml", *arguments)
    assert not unlike(figures, FIGURES[script])
    assert figures["config"] == config
    if script == "peers":
        assert set(figures["epochs"].values()) == {3}  # of training, pruning and quantization, one each


def test_peers_have_all_epochs_and_their_learning_rates_for_each_seed(folder: Path, run: Run) -> None:
    arguments = ["--seeds", "2", "--recipes", "keras_only", "--train-examples", "100"]
    epochs = ["--train-epochs", "2", "--prune-epochs", "1", "--quantize-epochs", "1"]
    figures = run("peers", folder / "single.yaml", "--work", folder / "work", *arguments, *epochs)
    assert figures["epochs"] == each(("keras_litert_ptq", "keras_ai_edge_ptq"), 4)
    assert figures["seeds"] == [3, 4]
    rates = figures["learning_rates"]["keras_litert_ptq"]["large"]
    assert len(rates) == 2
    assert all(rate in (0.003, pytest.approx(0.001)) for rate in rates)


def test_published_files_are_of_cifar_10_alone(folder: Path, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--quick", "--work", folder / "work", "--mlperf-tiny", folder, "--recipes", "keras_only"]
    with pytest.raises(SystemExit):
        run("peers", folder / "single.yaml", *arguments)
    assert "--mlperf-tiny: found data of shape [8, 8, 1]" in capsys.readouterr().err


def test_tfmot_is_a_peer_where_it_is_installed(folder: Path, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [
        folder / "single.yaml",
        "--quick",
        "--work",
        folder / "work",
        "--recipes",
        "tfmot",
        "distillation_tfmot",
    ]
    missing = [name for name in ("tensorflow_model_optimization", "tf_keras") if importlib.util.find_spec(name) is None]
    if missing:
        # Told before hours of training, not behind them.
        with pytest.raises(SystemExit):
            run("peers", *arguments)
        assert f"--recipes: found 'tfmot' without {missing[0]}; install it" in capsys.readouterr().err
        pytest.skip(f"{missing[0]} is not installed: it needs another Keras, so an environment of its own")
    figures = run("peers", *arguments)
    assert not unlike(figures["accuracy"], each(("tfmot", "distillation_tfmot"), each(STUDENTS[:1], OF_SEEDS)))


def test_text_students_are_compared_with_what_is_published(tmp_path: Path, run: Run) -> None:
    # Held-out texts are left out of training.
    for name, when in (("train.tsv", "now"), ("test.tsv", "later")):
        lines = [
            f"{label}\t{label} the {noun} {when}" for label in ("start", "stop") for noun in ("fan", "light", "oven")
        ]
        (tmp_path / name).write_text("\n".join(lines * 20) + "\n", encoding="utf-8")
    config = {
        "name": "orders",
        "task": {"kind": "text", "input_shape": [64]},
        "data": {"format": "tsv", "uri": "train.tsv", "held_out_uri": "test.tsv", "repeated_texts": "keep"},
        "teacher": {"uri": "teacher.keras"},
        "training": {"stages": [{"channels": 8}], "sharing": "width"},
        "students": [{"name": "only"}],
        "push": {"uri": "pushed"},
    }
    (tmp_path / "orders.yaml").write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    quick = ["--quick", "--architectures", "embedding", "--work", tmp_path / "work"]
    figures = run("text", tmp_path / "orders.yaml", *quick)
    model = dict.fromkeys(("model_bytes", "download_bytes", "num_parameters", "macs"), int)
    result = {
        "set": str,
        "architecture": str,
        "quick": bool,
        "text_features": str,
        "input_bytes": int,
        "num_classes": int,
        "num_test": int,
        "models": each(("teacher", "only"), model | {"accuracy": float, "interval": RANGE}),
        "published_sgnn": type(None),
        "seconds": int,
    }
    assert not unlike(figures, {"benchmark": str, "processor": str, "results": [result]})


def test_ones_own_network_is_measured_against_its_float_self(tmp_path: Path, run: Run) -> None:
    from PIL import Image

    noise = np.random.default_rng(1)
    for split, count in (("train", 40), ("test", 20)):
        for index, name in enumerate(("dark", "light")):
            (tmp_path / split / name).mkdir(parents=True)
            for number in range(count):
                pixels = noise.integers(100 * index, 100 + 100 * index, (8, 8, 3)).astype(np.uint8)
                Image.fromarray(pixels).save(tmp_path / split / name / f"{number}.png")
    figures = run("own_network", "--quick", "--data", tmp_path)
    student = {
        **dict.fromkeys(("top_1", "drop_points", "quality_ratio", "bytes_ratio", "macs_ratio"), float),
        **dict.fromkeys(("bytes", "overhead_bytes"), int),
    }
    described = {
        **dict.fromkeys(("benchmark", "data", "processor"), str),
        **dict.fromkeys(("seed", "epochs", "num_test", "float_bytes", "seconds"), int),
        "quick": bool,
        "float_top_1": float,
        "students": each(("own", "half"), student),
        "shipped": each(("own", "half"), str),
    }
    assert not unlike(figures, described)
    assert figures["students"]["half"]["macs_ratio"] < 0.6


def test_published_networks_are_copied_and_known(run: Run) -> None:
    (found,) = run("own_network", "--applications", "MobileNetV2")["applications"].values()
    assert found["difference"] < 1e-3
    assert found["why_not_trainable"] is None
    assert found["channel_groups"] > 10


def test_students_of_a_family_are_held_against_students_of_their_own(folder: Path, run: Run) -> None:
    changes = {
        "name": "picked",
        "training": {"architecture": "resnet", "stages": [{"channels": 16}, {"channels": 32}], "epochs": 2},
        "search": {"family": {"widths": [0.25, 1.0], "joins_after_ratio": 0.5}},
        "students": [{"name": "best"}],
    }
    (folder / "picked.yaml").write_text(yaml.safe_dump(CONFIG | changes, sort_keys=False), encoding="utf-8")
    figures = run("family", folder / "picked.yaml", "--epochs", "2", "--work", folder / "work")
    student = {
        "sub_network": str,
        **dict.fromkeys(("macs", "named_macs"), int),
        **{f"{what}{of}": float for what in ("top_1", "int8") for of in ("", "_alone", "_named")},
        **dict.fromkeys(("points_over_alone", "points_over_named"), float),
    }
    counts = ("seed", "epochs", "num_train", "num_kept_back", "num_sub_networks", "largest_macs", "seconds")
    described = {
        **dict.fromkeys(("benchmark", "config", "processor"), str),
        **dict.fromkeys(counts, int),
        "quick": bool,
        "students": each(("large", "medium", "small"), student),
        "family_over_largest": float,
        **dict.fromkeys(("family_over_largest_before_joining", "family_over_largest_joined"), type(None)),
    }
    assert not unlike(figures, described)
    assert figures["num_sub_networks"] == 4


def test_every_benchmark_is_run_here() -> None:
    programs = [path for path in BENCHMARKS.glob("*.py") if not path.name.startswith("test_")]
    scripts = {path.stem for path in programs if "__main__" in path.read_text(encoding="utf-8")}
    of_finished_runs = {"headline", "collect_students", "measure_students"}  # test_headline.py, test_student_folders.py
    assert scripts == {*FIGURES, "text", "own_network", "family", *of_finished_runs}
