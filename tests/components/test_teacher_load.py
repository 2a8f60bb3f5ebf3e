"""TeacherLoad as a whole: its executor on real teachers and shards, its artifacts read back."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fsspec
import keras
import numpy as np
import pytest
import tensorflow as tf
from tfx.types import channel
from tfx.types.artifact import Artifact

from components.artifacts import Examples, Teacher, TeacherLogits
from components.teacher_load.component import TeacherLoad
from components.teacher_load.executor import Executor
from learn2compress.config import (
    AugmentConfig,
    InputScaling,
    Precision,
    TaskConfig,
    TeacherConfig,
    TeacherMemberConfig,
    TeacherSignal,
    TeacherTraining,
)
from learn2compress.config.parsing import ConfigError
from learn2compress.data.augmentation import augment, example_seeds, view_seed
from learn2compress.data.batches import TrainingData
from learn2compress.data.completeness import RecordsLostError
from learn2compress.data.examples import (
    encode_example,
    read_examples,
    read_serialized,
    shard_path,
    shard_paths,
    write_shard,
)
from learn2compress.data.records import Split
from learn2compress.litert.interpreter import predict
from learn2compress.progress import Progress, listening
from learn2compress.teachers.live import LiveTeacher
from learn2compress.teachers.members import fetch_members, joint_sha256
from learn2compress.teachers.safety import content_sha256

TASK = TaskConfig(input_shape=(4, 4, 1))
AUGMENT = AugmentConfig(flip=True, shift_ratio=0.25)
ONE_WORKER = ("--runner=DirectRunner", "--direct_num_workers=1")
TWO_THREADS = ("--runner=DirectRunner", "--direct_num_workers=2", "--direct_running_mode=multi_threading")
NUM_SHARDS = 3
RAW = 1.0
NUM_TRAIN, NUM_HELD_OUT = 1500, 40


@dataclass
class Loaded:
    teacher: Any
    logits: Any

    def rows(self, split: Split) -> np.ndarray:
        """All records of a split's logits, as float32 rows."""
        shards = shard_paths(Path(self.logits.uri) / split)
        return np.stack([np.frombuffer(record, "<f4") for shard in shards for record in read_serialized(shard)])

    def digests(self) -> dict[str, str]:
        folder = Path(self.logits.uri)
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def artifact_at(kind: type[Artifact], folder: Path) -> Any:
    artifact = kind()
    artifact.uri = str(folder)
    return artifact


def component_of(teacher: TeacherConfig, sha256: str, **changes: Any) -> TeacherLoad:
    arguments: dict[str, Any] = {"augment": AugmentConfig(), "seed": 7, "beam_options": ONE_WORKER}
    return TeacherLoad(
        examples=channel.Channel(type=Examples),
        teacher=teacher,
        teacher_sha256=sha256,
        task=TASK,
        code_digest="c0de",
        **(arguments | changes),
    )


def run(out: Path, examples: Any, config: TeacherConfig, **changes: Any) -> Loaded:
    """Runs the executor as TFX does, with the component's parameters, on a teacher that only guesses."""
    config = dataclasses.replace(config, accept_poor=True)
    sha256 = joint_sha256([content_sha256(path) for path in fetch_members(config, out / "fetched")])
    loaded = Loaded(artifact_at(Teacher, out / "teacher"), artifact_at(TeacherLogits, out / "logits"))
    outputs = {"teacher": [loaded.teacher], "teacher_logits": [loaded.logits]}
    Executor().Do({"examples": [examples]}, outputs, component_of(config, sha256, **changes).spec.exec_properties)
    return loaded


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Random images in three shards a split; every tenth one to train on has no label."""
    folder = tmp_path_factory.mktemp("examples")
    pixels = np.random.default_rng(9).integers(0, 256, (NUM_TRAIN + NUM_HELD_OUT, 16), dtype=np.uint8)
    for split, first, last in (("train", 0, NUM_TRAIN), ("held_out", NUM_TRAIN, NUM_TRAIN + NUM_HELD_OUT)):
        for shard, rows in enumerate(np.array_split(np.arange(first, last), NUM_SHARDS)):
            labels = [-1 if split == "train" and row % 10 == 0 else int(row % 3) for row in rows]
            records = [
                encode_example(pixels[row].tobytes(), label, hashlib.sha256(pixels[row]).hexdigest(), str(row))
                for row, label in zip(rows, labels, strict=True)
            ]
            write_shard(shard_path(folder / split, shard, NUM_SHARDS), records)
    (folder / "labels.txt").write_text("cat\ndog\nowl\n")
    artifact = artifact_at(Examples, folder)
    artifact.num_train, artifact.num_held_out, artifact.num_classes = NUM_TRAIN, NUM_HELD_OUT, 3
    return artifact


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two Keras teachers, `one.keras` of logits and `two.keras` of probabilities."""
    folder = tmp_path_factory.mktemp("models")
    for seed, name, activation in ((1, "one", None), (2, "two", "softmax")):
        keras.utils.set_random_seed(seed)
        inputs = keras.Input((4, 4, 1))
        x = keras.layers.Conv2D(4, 3, activation="relu")(inputs)
        x = keras.layers.Dropout(0.5)(keras.layers.BatchNormalization()(x))
        keras.Model(inputs, keras.layers.Dense(3, activation=activation)(keras.layers.Flatten()(x))).save(
            folder / f"{name}.keras"
        )
    return folder


def inputs_of(examples: Any, split: Split) -> np.ndarray:
    content = b"".join(example.input for example in read_examples(Path(examples.uri) / split))
    return np.frombuffer(content, np.uint8).reshape(-1, 4, 4, 1)


def scores(model: Path, inputs: np.ndarray) -> np.ndarray:
    return keras.saving.load_model(model)(inputs / np.float32(255.0), training=False).numpy()


@pytest.fixture(scope="module")
def cached(examples: Any, models: Path, tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    config = TeacherConfig(str(models / "one.keras"), cached_views=2, batch_size=64)
    return run(tmp_path_factory.mktemp("cached"), examples, config, augment=AUGMENT)


def test_each_view_of_each_example_has_its_logits(examples: Any, models: Path, cached: Loaded) -> None:
    inputs = inputs_of(examples, Split.TRAIN)
    rows = cached.rows(Split.TRAIN)
    assert rows.shape == (NUM_TRAIN, 2 * 3)
    seeds = example_seeds(tf.constant([example.tobytes() for example in inputs]))
    for view in range(2):
        seen = augment(inputs, seeds, tf.fill([NUM_TRAIN], tf.constant(view_seed(7, view), tf.int64)), AUGMENT)
        expected = scores(models / "one.keras", seen.numpy())
        np.testing.assert_allclose(rows[:, 3 * view : 3 * view + 3], expected, atol=1e-5)
    assert not np.allclose(rows[:, :3], rows[:, 3:])


def test_training_sees_the_views_that_the_logits_are_of(examples: Any, models: Path, cached: Loaded) -> None:
    data = TrainingData(
        train=Path(examples.uri) / Split.TRAIN,
        train_logits=Path(cached.logits.uri) / Split.TRAIN,
        held_out=Path(examples.uri) / Split.HELD_OUT,
        num_train=NUM_TRAIN,
        num_held_out=NUM_HELD_OUT,
        num_classes=3,
        input_shape=TASK.input_shape,
        batch_size=500,
        shuffle_buffer=NUM_TRAIN,
        augment=AUGMENT,
        num_views=2,
        seed=7,
    )
    for epoch in range(2):
        for batch in data.epoch(7, epoch):
            expected = scores(models / "one.keras", batch.inputs.numpy())
            np.testing.assert_allclose(batch.teacher_logits, expected, atol=1e-5)


def test_held_out_examples_have_one_plain_view(examples: Any, models: Path, cached: Loaded) -> None:
    expected = scores(models / "one.keras", inputs_of(examples, Split.HELD_OUT))
    np.testing.assert_allclose(cached.rows(Split.HELD_OUT), expected, atol=1e-5)


def test_artifacts_say_what_they_hold(examples: Any, models: Path, cached: Loaded) -> None:
    assert (cached.logits.num_examples, cached.logits.num_classes) == (NUM_TRAIN + NUM_HELD_OUT, 3)
    names = {path.name for path in Path(cached.teacher.uri).iterdir()}
    assert names == {"model.tflite"}
    assert {path.name for path in Path(cached.logits.uri).iterdir()} == {"train", "held_out"}
    for split in (Split.TRAIN, Split.HELD_OUT):
        stored = [path.name for path in sorted((Path(cached.logits.uri) / split).iterdir())]
        assert stored == [f"logits-0000{shard}-of-00003.tfrecord.gz" for shard in range(NUM_SHARDS)]
    file = (Path(cached.teacher.uri) / "model.tflite").read_bytes()
    inputs = inputs_of(examples, Split.HELD_OUT)
    np.testing.assert_allclose(predict(file, inputs, RAW), scores(models / "one.keras", inputs), atol=1e-5)
    assert (cached.teacher.model_bytes, cached.teacher.macs) == (len(file), 2 * 2 * 9 * 4 + 16 * 3)
    assert cached.teacher.output == "logits"
    assert cached.teacher.content_sha256 == content_sha256(models / "one.keras")
    assert cached.teacher.source_uri == str(models / "one.keras")


def test_two_workers_write_the_same_bytes_and_progress_is_reported(
    examples: Any, models: Path, cached: Loaded, tmp_path: Path
) -> None:
    heard: list[Progress] = []
    config = TeacherConfig(str(models / "one.keras"), cached_views=2, batch_size=64)
    with listening(heard.append):
        again = run(tmp_path, examples, config, augment=AUGMENT, beam_options=TWO_THREADS)
    assert again.digests() == cached.digests()
    done = [progress.done for progress in heard if progress.work == "teacher's logits"]
    total = 2 * NUM_TRAIN + NUM_HELD_OUT
    assert (done[0], done[-1]) == (0, total)
    assert done == sorted(done)


def test_the_seed_changes_the_views_alone(examples: Any, models: Path, cached: Loaded, tmp_path: Path) -> None:
    config = TeacherConfig(str(models / "one.keras"), cached_views=2, batch_size=64)
    other = run(tmp_path / "augmented", examples, config, augment=AUGMENT, seed=8).digests()
    changed = {name for name, digest in cached.digests().items() if other[name] != digest}
    assert changed == {name for name in other if name.startswith("train/")}


def test_bfloat16_is_for_what_students_learn_from_and_gives_the_same_bytes_with_two_workers(
    examples: Any, models: Path, cached: Loaded, tmp_path: Path
) -> None:
    config = TeacherConfig(str(models / "one.keras"), cached_views=2, batch_size=64, precision=Precision.BFLOAT16)
    rough = run(tmp_path / "one", examples, config, augment=AUGMENT)
    exact = cached.rows(Split.TRAIN)
    np.testing.assert_allclose(rough.rows(Split.TRAIN), exact, atol=0.05 * np.abs(exact).max())
    assert not np.array_equal(rough.rows(Split.TRAIN), exact)
    np.testing.assert_array_equal(rough.rows(Split.HELD_OUT), cached.rows(Split.HELD_OUT))
    yardsticks = [(Path(loaded.teacher.uri) / "model.tflite").read_bytes() for loaded in (rough, cached)]
    assert yardsticks[0] == yardsticks[1]
    again = run(tmp_path / "two", examples, config, augment=AUGMENT, beam_options=TWO_THREADS)
    assert again.digests() == rough.digests()


def test_bfloat16_of_a_saved_model_is_refused_before_anything_is_written(
    examples: Any, saved_models: dict[str, Path], tmp_path: Path
) -> None:
    config = TeacherConfig(str(saved_models["export"]), precision=Precision.BFLOAT16)
    with pytest.raises(ConfigError, match=r"^teacher.precision: found 'bfloat16' with a SavedModel"):
        run(tmp_path, examples, config)
    assert list((tmp_path / "logits").iterdir()) == []


@pytest.mark.parametrize("live", [{"signal": TeacherSignal.LIVE}, {"training": TeacherTraining.JOINT}])
def test_a_live_teacher_is_stored_instead_of_its_logits(
    examples: Any, models: Path, live: dict[str, Any], tmp_path: Path
) -> None:
    loaded = run(tmp_path, examples, TeacherConfig(str(models / "one.keras"), **live), augment=AUGMENT)
    assert (loaded.logits.num_examples, loaded.logits.num_classes) == (0, 3)
    assert list(Path(loaded.logits.uri).iterdir()) == []
    folder = Path(loaded.teacher.uri)
    stored = {path.name for path in folder.iterdir()}
    assert stored == {"model.tflite", "teacher.json", "member-0.keras"}
    inputs = inputs_of(examples, Split.HELD_OUT)
    logits, _ = LiveTeacher.load(folder, TASK, 3)(tf.constant(inputs))
    np.testing.assert_allclose(logits, scores(models / "one.keras", inputs), atol=1e-5)


def ensemble(models: Path, **config: Any) -> TeacherConfig:
    return TeacherConfig(
        str(models / "one.keras"), ensemble=(TeacherMemberConfig(str(models / "two.keras")),), **config
    )


@pytest.mark.parametrize("signal", list(TeacherSignal))
def test_an_ensemble_is_one_file_and_asked_as_one_teacher(
    examples: Any, models: Path, signal: TeacherSignal, tmp_path: Path
) -> None:
    loaded = run(tmp_path, examples, ensemble(models, signal=signal))
    inputs = inputs_of(examples, Split.HELD_OUT)
    one = np.exp(scores(models / "one.keras", inputs))
    expected = np.log((one / one.sum(axis=1, keepdims=True) + scores(models / "two.keras", inputs)) / 2)
    if signal is TeacherSignal.CACHED:
        logits = loaded.rows(Split.HELD_OUT)
        assert loaded.rows(Split.TRAIN).shape == (NUM_TRAIN, 3)
    else:
        logits = LiveTeacher.load(Path(loaded.teacher.uri), TASK, 3)(tf.constant(inputs))[0].numpy()
    np.testing.assert_allclose(logits, expected, atol=1e-5)
    file = (Path(loaded.teacher.uri) / "model.tflite").read_bytes()
    np.testing.assert_allclose(predict(file, inputs, RAW), np.exp(expected), atol=1e-5)
    assert loaded.teacher.output == "probabilities"


@pytest.fixture(scope="module")
def known(examples: Any, models: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The same images with the classes that `one.keras` answers, whose outputs are owl, cat, dog."""
    folder = tmp_path_factory.mktemp("known")
    for split in (Split.TRAIN, Split.HELD_OUT):
        inputs = inputs_of(examples, split)
        labels = np.array([2, 0, 1])[scores(models / "one.keras", inputs).argmax(axis=1)]
        records = [
            encode_example(pixels.tobytes(), int(label), hashlib.sha256(pixels.tobytes()).hexdigest(), str(row))
            for row, (pixels, label) in enumerate(zip(inputs, labels, strict=True))
        ]
        write_shard(shard_path(folder / split, 0, 1), records)
    (folder / "labels.txt").write_text("cat\ndog\nowl\n")
    artifact = artifact_at(Examples, folder)
    artifact.num_train, artifact.num_held_out, artifact.num_classes = NUM_TRAIN, NUM_HELD_OUT, 3
    return artifact


def test_a_teacher_whose_classes_are_in_another_order_stops_the_step_before_anything_is_written(
    known: Any, models: Path, tmp_path: Path
) -> None:
    outputs = {
        "teacher": [artifact_at(Teacher, tmp_path / "teacher")],
        "teacher_logits": [artifact_at(TeacherLogits, tmp_path / "logits")],
    }
    config = TeacherConfig(str(models / "one.keras"))
    properties = component_of(config, content_sha256(models / "one.keras")).spec.exec_properties
    with pytest.raises(ConfigError, match=r"^teacher.uri: .*: right on 0% of \d+ .* set teacher.classes to \[owl, c"):
        Executor().Do({"examples": [known]}, outputs, properties)
    for folder in ("teacher", "logits"):
        assert list((tmp_path / folder).iterdir()) == []


@pytest.mark.parametrize("signal", list(TeacherSignal))
def test_declared_classes_are_the_order_of_all_that_is_stored(
    known: Any, models: Path, signal: TeacherSignal, tmp_path: Path
) -> None:
    config = TeacherConfig(str(models / "one.keras"), signal=signal, classes=("owl", "cat", "dog"))
    heard: list[Progress] = []
    with listening(heard.append):
        loaded = run(tmp_path, known, config)
    assert not [progress.detail for progress in heard if progress.is_notice]
    sentence = loaded.teacher.get_string_custom_property("answer_check")
    assert sentence.endswith("labelled training examples")
    assert "right on 100% of" in sentence
    inputs = inputs_of(known, Split.HELD_OUT)
    expected = scores(models / "one.keras", inputs)[:, [1, 2, 0]]
    if signal is TeacherSignal.CACHED:
        stored = loaded.rows(Split.HELD_OUT)
    else:
        stored = LiveTeacher.load(Path(loaded.teacher.uri), TASK, 3)(tf.constant(inputs))[0].numpy()
    np.testing.assert_allclose(stored, expected, atol=1e-5)
    file = (Path(loaded.teacher.uri) / "model.tflite").read_bytes()
    np.testing.assert_allclose(predict(file, inputs, RAW), expected, atol=1e-5)


def test_whoever_accepts_a_poor_teacher_is_told(examples: Any, models: Path, tmp_path: Path) -> None:
    heard: list[Progress] = []
    with listening(heard.append):
        loaded = run(tmp_path, examples, TeacherConfig(str(models / "one.keras")))
    (notice,) = [progress.detail for progress in heard if progress.is_notice]
    assert "no better than guessing" in notice
    assert loaded.teacher.get_string_custom_property("answer_check") == notice


@pytest.fixture(scope="module")
def saved_models(models: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One teacher as Keras exports it, and as a `tf.Module` with a serving signature, whose batch is open or 1."""
    folder = tmp_path_factory.mktemp("saved_models")
    model = keras.saving.load_model(models / "one.keras")
    model.export(folder / "export", verbose=False)
    for name, batch in (("module", None), ("module_of_one", 1)):
        module = tf.Module()
        module.model = model
        spec = tf.TensorSpec([batch, 4, 4, 1], tf.float32, name="image")
        serve = tf.function(lambda image: {"probabilities": tf.nn.softmax(model(image))}, input_signature=[spec])
        tf.saved_model.save(module, str(folder / name), signatures={"serving_default": serve})
    return {path.name: path for path in folder.iterdir()}


@pytest.mark.parametrize("signal", list(TeacherSignal))
@pytest.mark.parametrize("kind", ["export", "module", "module_of_one"])
def test_saved_models_serve_both_signals(
    examples: Any, models: Path, saved_models: dict[str, Path], kind: str, signal: TeacherSignal, tmp_path: Path
) -> None:
    loaded = run(tmp_path, examples, TeacherConfig(str(saved_models[kind]), signal=signal))
    assert loaded.teacher.output == ("logits" if kind == "export" else "probabilities")
    inputs = inputs_of(examples, Split.HELD_OUT)
    expected = scores(models / "one.keras", inputs)
    if kind != "export":
        expected -= np.log(np.exp(expected).sum(axis=1, keepdims=True))
    if signal is TeacherSignal.CACHED:
        logits = loaded.rows(Split.HELD_OUT)
    else:
        teacher = LiveTeacher.load(Path(loaded.teacher.uri), TASK, 3)
        logits = tf.function(lambda x: teacher(x)[0])(inputs).numpy()
        assert teacher.trainable_variables == []
        assert teacher.hint_channels is None
    np.testing.assert_allclose(logits, expected, atol=1e-5)


def test_a_remote_teacher_leaves_nothing_behind(examples: Any, models: Path, cached: Loaded, tmp_path: Path) -> None:
    fsspec.filesystem("memory").put(str(models / "one.keras"), "/teachers/one.keras")
    loaded = run(tmp_path, examples, TeacherConfig("memory://teachers/one.keras", batch_size=64))
    np.testing.assert_array_equal(loaded.rows(Split.HELD_OUT), cached.rows(Split.HELD_OUT))
    names = {path.name for path in Path(loaded.teacher.uri).iterdir()}
    assert names == {"model.tflite"}


def test_a_teacher_that_changed_is_refused(examples: Any, models: Path, tmp_path: Path) -> None:
    outputs = {
        "teacher": [artifact_at(Teacher, tmp_path / "teacher")],
        "teacher_logits": [artifact_at(TeacherLogits, tmp_path / "logits")],
    }
    properties = component_of(TeacherConfig(str(models / "one.keras")), "feed").spec.exec_properties
    with pytest.raises(ConfigError, match=r"^teacher.uri: .* has SHA-256 .*but the run was started with"):
        Executor().Do({"examples": [examples]}, outputs, properties)


def test_answers_that_are_not_finite_are_one_line(examples: Any, tmp_path: Path) -> None:
    # The logarithm of zero for the one image, finite on the probe inputs.
    brightness = int(inputs_of(examples, Split.TRAIN)[0].sum())
    inputs = keras.Input((4, 4, 1))
    flat = keras.layers.Flatten()(inputs)
    distance = keras.ops.abs(keras.ops.sum(flat, axis=1, keepdims=True) - float(brightness))
    keras.Model(inputs, keras.layers.Dense(3)(flat) + keras.ops.log(distance)).save(tmp_path / "t.keras")
    with pytest.raises(ConfigError, match=r"^teacher.uri: .*NaN or infinite outputs for \d+ of") as caught:
        run(tmp_path, examples, TeacherConfig(str(tmp_path / "t.keras"), InputScaling(1.0)))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("split", "count"), [("train", "num_train"), ("held_out", "num_held_out")])
def test_an_example_without_logits_fails_the_step_and_leaves_none(
    examples: Any, models: Path, tmp_path: Path, split: str, count: str
) -> None:
    # One more than the shards hold, as after a shard that was only half read.
    more = artifact_at(Examples, Path(examples.uri))
    more.num_train, more.num_held_out, more.num_classes = NUM_TRAIN, NUM_HELD_OUT, 3
    setattr(more, count, getattr(more, count) + 1)
    expected, found = getattr(more, count), getattr(examples, count)
    message = rf"^logits of the {split} split: there are {expected} records, and {found} arrived: nothing of it was"
    with pytest.raises(RecordsLostError, match=message):
        run(tmp_path, more, TeacherConfig(str(models / "one.keras")))
    assert list((tmp_path / "logits").iterdir()) == []


def test_the_parameters_say_what_the_results_depend_on(tmp_path: Path) -> None:
    teacher = TeacherConfig("t.keras", cached_views=5)
    properties = component_of(teacher, "feed", augment=AUGMENT).spec.exec_properties
    assert json.loads(properties["views"])["num_views"] == 5
    assert json.loads(properties["views"])["augment"]["flip"] is True
    assert json.loads(properties["beam_options"]) == list(ONE_WORKER)
    assert (properties["signal"], properties["training"]) == ("cached", "fixed")
    plain = [component_of(teacher, "feed", seed=seed).spec.exec_properties for seed in (1, 2)]
    assert plain[0] == plain[1]
