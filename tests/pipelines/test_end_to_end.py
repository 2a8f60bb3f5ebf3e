"""Real runs through the installed command: what comes out, and what a further run on the same root does."""

from __future__ import annotations

import hashlib
import html.parser
import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from learn2compress.command_line.exit_codes import ExitCode
from learn2compress.config import DataConfig, TaskConfig
from learn2compress.data.arrays import read_digits
from learn2compress.data.prepare import PreparedRecord, prepare, split_of
from learn2compress.data.records import Split
from learn2compress.litert.interpreter import predict
from learn2compress.litert.metadata import read_metadata
from learn2compress.litert.operators import float_operators
from learn2compress.results.reports import FamilyReport, ModelReport, read_json
from pipelines.lineage.reading import lineage_of
from pipelines.metadata_store import open_store
from pipelines.run_root import RunRoot

pytestmark = pytest.mark.end_to_end

L2C = Path(sys.executable).with_name("l2c")
NAMES = ("large", "medium", "small")
TRAINED = {f"{step}.{name}" for step in ("Prune", "Quantize", "Evaluate") for name in NAMES}
STEPS = {"Ingest", "TeacherLoad", "Evaluate.teacher", "JointDistillTrainer", "Pusher"} | TRAINED
SPARSITY_RATIO, MIN_LAYER_WEIGHTS = 0.5, 256  # of the configuration

Command = Callable[..., subprocess.CompletedProcess[str]]
Refused = Callable[[subprocess.CompletedProcess[str]], str]


@pytest.fixture(scope="module")
def held_out() -> tuple[np.ndarray, np.ndarray]:
    """The held-out digits, split anew from the source: uint8 `[n, 8, 8, 1]` and classes `[n]`."""
    prepared = [prepare(record, TaskConfig(), DataConfig()) for record in read_digits()]
    chosen = [
        record
        for record in prepared
        if isinstance(record, PreparedRecord) and split_of(record.content_sha256, 0.2) is Split.HELD_OUT
    ]
    pixels = np.frombuffer(b"".join(record.content for record in chosen), np.uint8).reshape(-1, 8, 8, 1)
    return pixels, np.array([int(record.label) for record in chosen])


@pytest.fixture(scope="module")
def finished(undisturbed: tuple[Any, Any]) -> Any:
    """A finished run, to look at."""
    return undisturbed[1]


@pytest.fixture(scope="module")
def states(undisturbed: tuple[Any, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copies of the folder that tests change, one for each state that they begin with."""
    folder = tmp_path_factory.mktemp("states")
    shutil.copytree(undisturbed[0].folder, folder / "finished", symlinks=True)
    return folder


def put_back(run: Any, state: Path) -> Any:
    """Makes the folder of a run what it was; its path stays the same, since steps are told it."""
    shutil.rmtree(run.folder)
    shutil.copytree(state, run.folder, symlinks=True)
    return run


@pytest.fixture
def run(undisturbed: tuple[Any, Any], states: Path) -> Any:
    """A finished run of the same configuration, to go on with: each test finds it as if it were the first."""
    return put_back(undisturbed[0], states / "finished")


@pytest.fixture(scope="module")
def after_a_change(undisturbed: tuple[Any, Any], states: Path, teacher: Path) -> Path:
    """The state after a second run, for which one student got a setting of its own."""
    run = put_back(undisturbed[0], states / "finished")
    own = [
        {"name": "large", "stage": 3},
        {"name": "medium", "stage": 2, "quantize": {"recipe": "float16", "epochs": 2}},
    ]
    run.write(teacher={"uri": str(teacher)}, students=[*own, {"name": "small", "stage": 1}])
    process = run.run()
    assert process.returncode == 0, process.stderr
    shutil.copytree(run.folder, states / "changed", symlinks=True)
    return states / "changed"


@pytest.fixture
def changed(undisturbed: tuple[Any, Any], after_a_change: Path) -> Any:
    """The folder in that state."""
    return put_back(undisturbed[0], after_a_change)


def pushed_file(run: Any, name: str, version: int = 1) -> Path:
    path: Path = run.versions / str(version) / name / f"{name}.tflite"
    return path


def executed(run: Any) -> set[str]:
    states = run.last_states()
    assert set(states) == STEPS
    assert set(states.values()) <= {"complete", "cached"}
    return {step for step, state in states.items() if state == "complete"}


def test_every_step_ran_and_every_file_arrived(finished: Any) -> None:
    assert executed(finished) == STEPS
    version = finished.versions / "1"
    found = {str(path.relative_to(version)) for path in version.rglob("*") if path.is_file()}
    own = {f"{name}.tflite" for name in NAMES}
    assert found == {"SHA256SUMS", "push.json", "family.json", "report.html", "config.yaml"} | {
        f"{Path(model).stem}/{file}"
        for model in own
        for file in (
            model,
            "labels.txt",
            "report.json",
            "config.json",
            "quantization.json",
            "model_card.md",
            "classify.py",
            "image_pixels.py",
            "image_pixels.json",
        )
    }
    subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=version, check=True, capture_output=True)
    summed = {line.split("  ")[1] for line in (version / "SHA256SUMS").read_text().splitlines()}
    assert summed == found - {"SHA256SUMS"}
    # What later runs compare their data with; no training is left.
    assert [path.name for path in finished.root.joinpath("checkpoints").iterdir()] == ["last_data"]


@pytest.mark.parametrize("name", NAMES)
def test_a_pushed_file_is_full_int8_and_says_what_it_is(finished: Any, name: str) -> None:
    path = pushed_file(finished, name)
    assert float_operators(path.read_bytes()) == []
    interpreter = Interpreter(model_path=str(path))
    interpreter.allocate_tensors()
    (source,), (target,) = interpreter.get_input_details(), interpreter.get_output_details()
    assert (source["dtype"], list(source["shape"])) == (np.uint8, [1, 8, 8, 1])
    assert (target["dtype"], list(target["shape"])) == (np.uint8, [1, 10])
    assert source["quantization"] == (pytest.approx(1 / 255), 0)
    assert {str(np.dtype(detail["dtype"])) for detail in interpreter.get_tensor_details()} <= {
        "uint8", "int8", "int32", "int64",
    }  # fmt: skip
    metadata = read_metadata(path.read_bytes())
    assert metadata.labels == tuple(str(digit) for digit in range(10))
    assert (metadata.name, metadata.color_space) == (f"little {name}", "GRAYSCALE")
    assert (path.parent / "labels.txt").read_text().splitlines() == list(metadata.labels)


@pytest.mark.parametrize("name", NAMES)
def test_reported_accuracy_is_that_of_the_pushed_file(
    finished: Any, name: str, held_out: tuple[np.ndarray, np.ndarray]
) -> None:
    path = pushed_file(finished, name)
    inputs, labels = held_out
    predicted = predict(path.read_bytes(), inputs).argmax(axis=1)
    report = read_json(ModelReport, path.parent / "report.json")
    assert report.accuracy.num_examples == len(labels) > 300
    assert report.accuracy.top_1 == pytest.approx(np.mean(predicted == labels), abs=1e-12)
    matrix = np.zeros((10, 10), int)
    np.add.at(matrix, (labels, predicted), 1)
    assert report.accuracy.confusion_matrix == tuple(map(tuple, matrix))
    assert report.model_sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert report.model_bytes == path.stat().st_size


def is_kernel(detail: dict[str, Any]) -> bool:
    """Whether a tensor has a scale for each channel, or a row for each of the ten classes."""
    return len(detail["quantization_parameters"]["scales"]) > 1 or (
        len(detail["shape"]) == 2 and detail["shape"][0] == 10
    )


@pytest.mark.parametrize("name", NAMES)
def test_pruned_weights_are_zero_in_the_pushed_file(finished: Any, name: str) -> None:
    path = pushed_file(finished, name)
    interpreter = Interpreter(model_path=str(path))
    interpreter.allocate_tensors()
    kernels = [
        interpreter.get_tensor(detail["index"])
        for detail in interpreter.get_tensor_details()
        if detail["dtype"] == np.int8 and is_kernel(detail)
    ]
    pruned = [kernel for kernel in kernels if kernel.size >= MIN_LAYER_WEIGHTS]
    zeros, size = sum(int((kernel == 0).sum()) for kernel in pruned), sum(kernel.size for kernel in pruned)
    assert zeros >= SPARSITY_RATIO * size - 1 > 0
    report = read_json(ModelReport, path.parent / "report.json")
    assert 0 < report.num_nonzero_parameters <= report.num_parameters - zeros


def test_students_are_as_good_as_they_should_be(finished: Any) -> None:
    family = read_json(FamilyReport, finished.versions / "1" / "family.json")
    accuracies = [student.accuracy.top_1 for student in family.students]
    assert family.teacher.accuracy.top_1 > 0.95
    assert accuracies[0] > family.teacher.accuracy.top_1 - 0.05
    assert min(accuracies) > 0.6
    for student in family.students:
        assert student.keras_top_1 is not None
        assert abs(student.accuracy.top_1 - student.keras_top_1) <= 0.03
        assert student.keras_agreement is not None
        assert student.keras_agreement > 0.95
        assert student.latency.time_ms > 0
        assert student.macs < family.teacher.macs
    sizes = [student.model_bytes for student in family.students]
    assert sizes == sorted(sizes, reverse=True)
    assert {verdict.name for verdict in family.verdicts if verdict.selected} == set(NAMES)


class _References(html.parser.HTMLParser):
    """Collects what a page would load."""

    def __init__(self) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.loaded += [value or "" for name, value in attrs if name in ("src", "srcset", "data", "poster", "action")]
        if tag == "link":
            self.loaded += [value or "" for name, value in attrs if name == "href"]


def test_the_report_page_is_self_contained(finished: Any) -> None:
    page = (finished.versions / "1" / "report.html").read_text(encoding="utf-8")
    references = _References()
    references.feed(page)
    # Held-out examples are pictures inside the page.
    assert references.loaded
    assert all(reference.startswith("data:image/") for reference in references.loaded)
    assert {"svg", "table", "img"} <= references.tags
    assert not {"script", "iframe"} & references.tags
    assert not re.search(r"@import|url\(\s*['\"]?(?!#)", page)
    for name in NAMES:
        assert name in page


def test_the_same_seed_gives_the_same_files_in_another_root(run: Any, finished: Any) -> None:
    one, two = run.files(1), finished.files(1)
    assert set(one) == set(NAMES)
    assert one == two


def test_the_command_says_what_it_did(finished: Any, l2c: Command) -> None:
    process = l2c("report", "--root", finished.root)
    assert process.returncode == 0
    assert f"pushed: {finished.versions / '1'}" in process.stdout
    page = Path(process.stdout.splitlines()[-1].removeprefix("report: "))
    assert page.read_bytes() == (finished.versions / "1" / "report.html").read_bytes()
    for name in (*NAMES, "teacher"):
        assert re.search(rf"^{name} ", process.stdout, re.MULTILINE)


@pytest.mark.parametrize("variables", [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C"}], ids=str)
@pytest.mark.parametrize("verb", ["report", "runs"])
def test_a_terminal_that_is_not_utf8_gets_every_line(finished: Any, variables: dict[str, str], verb: str) -> None:
    process = subprocess.run(
        [str(L2C), verb, "--root", finished.root], capture_output=True, check=False, env=os.environ | variables
    )
    assert (process.returncode, process.stderr) == (0, b"")
    assert b"little" in process.stdout or b"teacher" in process.stdout
    if "PYTHONIOENCODING" in variables:
        assert process.stdout.isascii()
        assert b"\\u" not in process.stdout


def test_the_report_page_can_be_copied(finished: Any, l2c: Command, refused: Refused, tmp_path: Path) -> None:
    assert l2c("report", "--root", finished.root, "--output", tmp_path / "page.html").returncode == 0
    assert (tmp_path / "page.html").read_bytes() == (finished.versions / "1" / "report.html").read_bytes()
    assert "--output" in refused(l2c("report", "--root", finished.root, "--output", tmp_path / "no" / "page.html"))
    page = Path(l2c("report", "--root", finished.root).stdout.rpartition("report: ")[2].strip())
    content = page.read_bytes()
    assert l2c("report", "--root", finished.root, "--output", page).returncode == 0
    assert page.read_bytes() == content
    assert "RUN_ID: found 99999" in refused(l2c("report", "99999", "--root", finished.root))


def test_an_unchanged_configuration_executes_nothing(run: Any) -> None:
    process = run.run()
    assert process.returncode == 0, process.stderr
    assert executed(run) == set()
    assert "Ingest cached" in process.stdout
    assert [path.name for path in run.versions.iterdir()] == ["1"]
    assert len(run.query("runs")) == 2


def test_one_students_setting_executes_its_branch_alone(changed: Any) -> None:
    assert executed(changed) == {"Quantize.medium", "Evaluate.medium", "Pusher"}
    before, after = changed.files(1), changed.files(2)
    assert {name for name in before if before[name] != after[name]} == {"medium"}
    assert sorted(path.name for path in changed.versions.iterdir()) == ["1", "2"]
    subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=changed.versions / "2", check=True)


def artifacts_in(value: Any) -> list[dict[str, Any]]:
    """Every artifact of a lineage in JSON."""
    if isinstance(value, list):
        return [found for item in value for found in artifacts_in(item)]
    if not isinstance(value, dict):
        return []
    return ([value] if "artifact_id" in value else []) + [f for item in value.values() for f in artifacts_in(item)]


def test_lineage_leads_back_to_everything(changed: Any, l2c: Command, teacher: Path) -> None:
    path = pushed_file(changed, "medium", version=2)
    found = changed.query("lineage", str(path))
    assert found["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    artifacts = artifacts_in(found)
    steps = {artifact["made_by"]["step"]: artifact["made_by"] for artifact in artifacts if artifact["made_by"]}
    assert set(steps) == {"Ingest", "TeacherLoad", "JointDistillTrainer", "Prune.medium", "Quantize.medium"}
    examples = next(artifact for artifact in artifacts if artifact["kind"] == "L2CExamples")
    family = read_json(FamilyReport, changed.versions / "2" / "family.json")
    assert examples["properties"]["content_sha256"] == family.provenance["data_sha256"]
    teacher_sha256 = steps["TeacherLoad"]["parameters"]["teacher_sha256"]
    assert teacher_sha256 == family.provenance["teacher_sha256"] == hashlib.sha256(teacher.read_bytes()).hexdigest()
    assert steps["Quantize.medium"]["parameters"]["epochs"] == 2
    assert json.loads(steps["JointDistillTrainer"]["parameters"]["training"]) == family.config["training"]
    assert all(re.fullmatch("[0-9a-f]{64}", step["parameters"]["code_digest"]) for step in steps.values())
    assert found["config"] == family.config
    assert found["provenance"].items() <= family.provenance.items()
    assert "config_sha256" in found["provenance"]
    made_with = {a["made_by"]["step"]: json.loads(a["properties"]["made_with"]) for a in artifacts if a["made_by"]}
    assert set(made_with) == set(steps)
    for step, versions in made_with.items():
        assert versions["tensorflow"] == importlib.metadata.version("tensorflow"), step
        assert "matplotlib" not in versions, step
    assert made_with["Quantize.medium"] == family.made_with["medium"]
    kinds = {artifact["kind"]: artifact["properties"] for artifact in found["later"]}
    assert set(kinds) == {"L2CEvaluation", "L2CPushedVersion"}
    assert kinds["L2CPushedVersion"]["version"] == 2
    assert changed.query("lineage", found["sha256"]) == found


def test_lineage_is_shown_as_tree_and_picture(changed: Any, l2c: Command, refused: Refused, tmp_path: Path) -> None:
    path = pushed_file(changed, "small")
    shown = l2c("lineage", path, "--root", changed.root, "--all").stdout
    position = 0
    for step in ("Quantize.small", "Prune.small", "JointDistillTrainer", "TeacherLoad"):
        position = shown.index(f"made by {step}", position)
    assert "made by Ingest" in shown
    assert f"keras {importlib.metadata.version('keras')}" in shown
    assert "num_shards=1" in shown
    assert hashlib.sha256(path.read_bytes()).hexdigest() in shown
    screen = l2c("lineage", path, "--root", changed.root).stdout.splitlines()
    assert len(screen) < 60
    chain = ["Ingest", "TeacherLoad", "JointDistillTrainer", "Prune.small", "Quantize.small"]
    words = [line.split()[0] for line in screen if line.startswith("  ")]
    assert [word for word in words if word in chain] == chain

    pictures = [tmp_path / "one.svg", tmp_path / "two.svg"]
    for picture in pictures:
        assert l2c("lineage", path, "--root", changed.root, "--picture", picture).returncode == 0
    assert pictures[0].read_bytes() == pictures[1].read_bytes()
    texts = ["".join(element.itertext()) for element in ElementTree.parse(pictures[0]).iter() if "text" in element.tag]
    assert f"SHA-256 {hashlib.sha256(path.read_bytes()).hexdigest()}" in texts
    # Its bytes did not change, so it is in both versions.
    assert {"version 1", "version 2"} <= set(texts)
    assert "--picture" in refused(l2c("lineage", path, "--root", changed.root, "--picture", tmp_path / "no" / "x.svg"))


def test_lineage_of_something_else_is_refused(finished: Any, l2c: Command, refused: Refused, tmp_path: Path) -> None:
    assert "found no record of" in refused(l2c("lineage", "0" * 64, "--root", finished.root))
    changed = tmp_path / "changed.tflite"
    changed.write_bytes(pushed_file(finished, "small").read_bytes() + b"\0")
    assert "found no record of" in refused(l2c("lineage", changed, "--root", finished.root))
    assert "FILE_OR_SHA256" in refused(l2c("lineage", "small.tflite", "--root", finished.root))


def test_a_run_that_pushes_nothing_ends_with_a_code_of_its_own_and_is_not_the_lineage_of_what_another_pushed(
    run: Any, teacher: Path, l2c: Command
) -> None:
    path = str(pushed_file(run, "small"))
    before = run.query("lineage", path)
    run.write(teacher={"uri": str(teacher)}, constraints={"max_model_bytes": 1})
    process = run.run()
    assert process.returncode == ExitCode.NOTHING_PUSHED, process.stderr
    assert "pushed: nothing" in process.stdout
    assert executed(run) == {"Pusher"}
    assert [path.name for path in run.versions.iterdir()] == ["1"]
    after = run.query("lineage", path)
    assert {**after, "later": []} == {**before, "later": []}
    assert len(after["later"]) == len(before["later"]) + 1
    runs = run.query("runs")
    assert (runs[0]["version"], runs[-1]["version"]) == (1, 0)
    assert set(runs[-1]["accuracies"]) == set(NAMES)
    compared = l2c("compare", "1", str(runs[-1]["run_id"]), "--root", run.root).stdout
    assert "constraints.max_model_bytes: null -> 1" in compared
    assert "same file" in compared


def test_any_file_of_the_version_leads_back(finished: Any) -> None:
    version = finished.versions / "1"
    family = read_json(FamilyReport, version / "family.json")
    store = open_store(RunRoot(finished.root))
    for path in [version, *version.rglob("*")]:
        found = lineage_of(store, str(path))
        assert found.config == family.config, path
        assert found.pushed_by is not None
        assert (found.pushed_by.run, found.pushed_by.destination) == ("1", str(version))


def test_runs_and_steps_are_listed_as_tables(changed: Any, l2c: Command) -> None:
    runs = changed.query("runs")
    assert [(found["name"], found["state"]) for found in runs] == [("little", "complete")] * 2
    table = l2c("runs", "--root", changed.root).stdout
    assert len([line for line in table.splitlines() if " little " in line]) == 2
    steps = l2c("show", str(runs[-1]["run_id"]), "--root", changed.root).stdout
    assert len([line for line in steps.splitlines() if " cached " in line]) == len(STEPS) - 3


def check_nothing_was_pushed(run: Any, line: str, destination: str) -> None:
    assert "push.uri" in line
    assert destination in line
    states = run.last_states()
    assert {step for step, state in states.items() if state == "failed"} == {"Pusher"}
    assert not list(run.root.glob("artifacts/**/.incoming-*"))


@pytest.mark.parametrize("uri", ["/proc/pushed", "a_file/pushed"])
def test_a_destination_that_cannot_be_made_is_told_before_a_step(
    run: Any, teacher: Path, refused: Refused, uri: str
) -> None:
    (run.folder / "a_file").write_text("mine")
    before = run.query("runs")
    run.write(teacher={"uri": str(teacher)}, push={"uri": uri})
    assert uri in refused(run.run())
    assert run.query("runs") == before
    assert (run.folder / "a_file").read_text() == "mine"


def test_a_full_destination_gets_nothing_half_written_and_once_mended_the_pusher_alone_executes(
    run: Any, teacher: Path, l2c: Command, refused: Refused
) -> None:
    destination = run.folder / "full"
    destination.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", destination], check=False)
    if mounted.returncode:
        pytest.skip("this machine does not let us mount a small file system")
    try:
        run.write(teacher={"uri": str(teacher)}, push={"uri": "full/pushed"})
        check_nothing_was_pushed(run, refused(run.run()), "No space left on device")
        assert list(destination.iterdir()) == []
    finally:
        subprocess.run(["umount", destination], check=True)

    failed = next(found["run_id"] for found in run.query("runs") if found["state"] == "failed")
    assert f"run {failed}, which has not reached its Pusher" in refused(l2c("report", str(failed), "--root", run.root))
    assert f"pushed: {run.versions / '1'}" in l2c("report", "--root", run.root).stdout  # the latest that did

    run.write(teacher={"uri": str(teacher)}, push={"uri": "mended"})
    process = run.run()
    assert process.returncode == 0, process.stderr
    assert executed(run) == {"Pusher"}
    version = run.folder / "mended" / "versions" / "1"
    subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=version, check=True)
    for name in NAMES:
        assert (version / name / f"{name}.tflite").read_bytes() == pushed_file(run, name).read_bytes()


def test_a_deleted_version_is_pushed_again(run: Any) -> None:
    before = run.files(1)
    shutil.rmtree(run.versions / "1")
    process = run.run()
    assert process.returncode == 0, process.stderr
    assert executed(run) == {"Pusher"}
    (restored,) = run.versions.iterdir()
    assert run.files(int(restored.name)) == before


def test_a_deleted_artifact_is_made_again(run: Any) -> None:
    shutil.rmtree(run.root / "artifacts" / "little" / "Evaluate.small")
    process = run.run()
    assert process.returncode == 0, process.stderr
    assert executed(run) == {"Evaluate.small", "Pusher"}
