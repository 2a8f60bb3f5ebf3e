"""Teachers that are read wrongly are stopped before training, with the cause; sound and unknowable ones are not."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import keras
import numpy as np
import pytest

from learn2compress.config import InputScaling, TaskConfig, TaskKind, TeacherConfig, TeacherMemberConfig
from learn2compress.config.parsing import ConfigError
from learn2compress.data.labelled_sample import LabelledSample
from learn2compress.teachers.answer_check import Finding, check_teacher_answers, is_stop, sample_size
from learn2compress.teachers.loading import load_teacher
from learn2compress.teachers.yardstick import Explanation, check_answers

TASK = TaskConfig(input_shape=(16, 16, 3))
LABELS = ("apple", "lime", "plum")
COLOURS = np.array([[200, 60, 40], [150, 200, 50], [110, 50, 140]])
WARM = np.array([[200, 60, 40], [220, 150, 40], [150, 200, 50]])  # their blue ones are none of them
RAW = InputScaling(1.0, 0.0)


def discs(num: int, colours: np.ndarray = COLOURS, seed: int = 0) -> LabelledSample:
    """Discs of a colour for each class on grey, with noise."""
    generator = np.random.default_rng(seed)
    labels = np.arange(num) % len(colours)
    rows, columns = np.mgrid[:16, :16]
    inside = ((rows - 8) ** 2 + (columns - 8) ** 2 < 36)[..., np.newaxis]
    pixels = np.where(inside, colours[labels][:, np.newaxis, np.newaxis], 128) + generator.normal(
        0, 8, (num, 16, 16, 3)
    )
    return LabelledSample(np.clip(pixels, 0, 255).astype(np.uint8), labels, [])


def trained(sample: LabelledSample, scaling: InputScaling, *front: keras.Layer, num_classes: int = 3) -> keras.Model:
    keras.utils.set_random_seed(5)
    model = keras.Sequential(
        [
            keras.Input((16, 16, 3)),
            *front,
            keras.layers.Conv2D(16, 5, 2, activation="relu"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(num_classes),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.02), loss)
    inputs = sample.inputs.astype(np.float32) * scaling.multiply + scaling.add
    model.fit(inputs, sample.labels, 32, 12, verbose=0)
    return model


@pytest.fixture(scope="module")
def teachers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The same kind of network, trained on inputs of several kinds and in another order of classes."""
    folder = tmp_path_factory.mktemp("teachers")
    known = discs(240)
    other = LabelledSample(known.inputs, np.array([2, 1, 0])[known.labels], [])  # plum, lime, apple
    turned = LabelledSample(known.inputs, np.array([1, 2, 0])[known.labels], [])  # plum, apple, lime
    warm = discs(240, WARM)
    unit, centred = InputScaling(), InputScaling(1 / 127.5, -1.0)
    models = {
        "sound": trained(known, unit),
        "swapped": trained(other, unit),
        "turned": trained(turned, unit),
        "turned_and_raw": trained(turned, RAW, keras.layers.Rescaling(1 / 127.5, -1.0)),
        "rescaling": trained(known, RAW, keras.layers.Rescaling(1 / 255)),
        "centred": trained(known, centred),
        "bgr": trained(LabelledSample(warm.inputs[..., ::-1], warm.labels, []), unit),
    }
    for name, model in models.items():
        model.save(folder / f"{name}.keras")
    return {name: folder / f"{name}.keras" for name in models}


def check(path: Path, sample: LabelledSample | None = None, **config: object) -> tuple[Finding, ...]:
    teacher = TeacherConfig(str(path), **config)  # type: ignore[arg-type]
    paths = [path, *(Path(member.uri) for member in teacher.ensemble)]
    loaded = load_teacher(paths, teacher, TASK, 3, LABELS)
    return check_teacher_answers(loaded, teacher, TASK, LABELS, discs(120, seed=1) if sample is None else sample)


def refusal(path: Path, sample: LabelledSample | None = None, **config: object) -> str:
    with pytest.raises(ConfigError) as caught:
        check(path, sample, **config)
    message = str(caught.value)
    assert "\n" not in message
    assert message.endswith("(teacher.accept_poor: true goes on all the same)")
    return message


def test_a_sound_teacher_passes(teachers: dict[str, Path]) -> None:
    (finding,) = check(teachers["sound"])
    assert finding == Finding(f"{teachers['sound']}: right on 100% of 120 labelled training examples", False)


@pytest.mark.parametrize(
    ("name", "classes", "right"),
    [
        # One class of three stays in its place: exactly as often right as a guess.
        ("swapped", "[plum, lime, apple]", "33%"),
        ("turned", "[plum, apple, lime]", "0%"),
    ],
)
def test_classes_in_another_order_are_named(teachers: dict[str, Path], name: str, classes: str, right: str) -> None:
    message = refusal(teachers[name])
    named = classes.strip("[]")
    assert message.startswith(
        f"teacher.uri: {teachers[name]}: right on {right} of 120 labelled training examples, no better than guessing "
        f"(33% are 'apple'), and on 100% if its outputs are {named}: set teacher.classes to {classes} ("
    )
    # What it says to set is what mends it.
    (finding,) = check(teachers[name], classes=tuple(named.split(", ")))
    assert not finding.is_doubtful


def test_declared_classes_that_are_wrong_are_found_as_well(teachers: dict[str, Path]) -> None:
    message = refusal(teachers["turned"], classes=("lime", "plum", "apple"))
    assert "and on 100% if its outputs are plum, apple, lime: set teacher.classes to [plum, apple, lime] (" in message
    assert "set teacher.classes to [apple, lime, plum] (" in refusal(
        teachers["sound"], classes=("lime", "plum", "apple")
    )


def test_a_rescaling_layer_behind_a_scaling_is_named(teachers: dict[str, Path]) -> None:
    message = refusal(teachers["rescaling"])
    assert ": it has a Rescaling in front, which rescales already: set teacher.input_scaling.multiply to 1; " in message
    assert "with that it is right on 100% (" in message
    assert not check(teachers["rescaling"], input_scaling=RAW)[0].is_doubtful


def test_another_scaling_is_named(teachers: dict[str, Path]) -> None:
    setting = "set teacher.input_scaling.multiply to 0.0078431372549 and .add to -1"
    message = refusal(teachers["centred"], input_scaling=RAW)
    assert f": it takes pixels as -1..1: {setting}; with that it is right on 100%" in message


def test_reversed_channels_are_found(teachers: dict[str, Path]) -> None:
    message = refusal(teachers["bgr"], discs(120, WARM, seed=1))
    assert ": it takes the channels as blue, green, red: set teacher.input_scaling.channel_order to bgr" in message


def test_a_teacher_that_is_right_on_most_is_doubted_and_not_stopped() -> None:
    known = discs(120, seed=1)
    labels = np.where(np.arange(120) % 8 == 0, (known.labels + 1) % 3, known.labels)
    found = Explanation(0.99, "takes pixels as -1..1", "set it", unlikelihood=1)
    most = check_answers(labels, known.labels, 3)
    assert not is_stop(most, None, found)
    assert is_stop(most, None, dataclasses.replace(found, accuracy=most.accuracy + 0.21))
    assert is_stop(most, 0.9, None)
    assert not is_stop(most, 0.8, None)


def test_scaling_and_order_are_found_together(teachers: dict[str, Path]) -> None:
    message = refusal(teachers["turned_and_raw"])
    assert (
        ": it has a Rescaling in front, which rescales already, and its outputs are plum, apple, lime: "
        "set teacher.input_scaling.multiply to 1 and set teacher.classes to [plum, apple, lime]; "
        "with that it is right on 100%"
    ) in message


def test_each_of_an_ensemble_is_checked(teachers: dict[str, Path]) -> None:
    ensemble = (TeacherMemberConfig(str(teachers["sound"])), TeacherMemberConfig(str(teachers["turned"])))
    message = refusal(teachers["sound"], ensemble=ensemble)
    assert message.startswith(f"teacher.ensemble.1.uri: {teachers['turned']}: right on 0%")
    assert "set teacher.ensemble.1.classes to [plum, apple, lime]" in message


def test_nothing_that_was_tried_is_said_to_be_so(teachers: dict[str, Path]) -> None:
    sample = discs(120, seed=1)
    strangers = LabelledSample(sample.inputs, np.random.default_rng(0).permutation(sample.labels), [])
    with pytest.raises(
        ConfigError, match=r"no better than guessing .*, and no other input scaling, order of channels or"
    ):
        check(teachers["sound"], strangers)


def test_whoever_means_it_goes_on_and_hears_it_all_the_same(teachers: dict[str, Path]) -> None:
    (finding,) = check(teachers["turned"], accept_poor=True)
    assert finding.is_doubtful
    assert finding.sentence.endswith("set teacher.classes to [plum, apple, lime]")


def test_a_lowest_accuracy_is_held(teachers: dict[str, Path]) -> None:
    sample = discs(120, seed=1)
    labels = sample.labels.copy()
    labels[:30] = np.random.default_rng(0).permutation(labels[:30])
    noisy = LabelledSample(sample.inputs, labels, [])
    assert not check(teachers["sound"], noisy)[0].is_doubtful
    with pytest.raises(ConfigError, match=r"right on 8\d% of 120 .*, less than teacher.min_accuracy 95%, and no other"):
        check(teachers["sound"], noisy, min_accuracy=0.95)


@pytest.mark.parametrize(("num", "unknown"), [(1, True), (2, True), (6, False)])
def test_a_handful_of_examples_refuses_nobody(teachers: dict[str, Path], num: int, unknown: bool) -> None:
    (finding,) = check(teachers["sound"], discs(num))
    assert finding.is_doubtful is unknown
    assert finding.sentence.endswith("too few examples to tell from guessing") is unknown
    (finding,) = check(teachers["turned"], discs(num))
    assert finding.is_doubtful


def test_a_teacher_that_finds_a_rare_class_is_none_that_guesses(teachers: dict[str, Path]) -> None:
    """Always answering the frequent class would be right more often."""
    sample = discs(1200, seed=2)
    rare = np.flatnonzero(sample.labels == 1)[:14]
    frequent = np.flatnonzero(sample.labels == 0)[:300]
    confused = np.flatnonzero(sample.labels == 2)[:20]  # which are called apples in these data
    chosen = np.concatenate([rare, frequent, confused])
    labels = np.where(sample.labels[chosen] == 2, 0, sample.labels[chosen])
    (finding,) = check(teachers["sound"], LabelledSample(sample.inputs[chosen], labels, []))
    assert not finding.is_doubtful


def test_no_labelled_example_is_said_to_be_so(teachers: dict[str, Path]) -> None:
    (finding,) = check(teachers["sound"], discs(0))
    assert finding == Finding(f"{teachers['sound']}: there is no labelled training example to check it on", True)


def test_a_teacher_of_texts_is_checked_by_its_features(tmp_path: Path) -> None:
    """Two classes, and counts of hashed n-grams as inputs."""
    task = TaskConfig(TaskKind.TEXT, (64,))
    labels = np.arange(100) % 2
    inputs = np.random.default_rng(0).integers(0, 40, (100, 64)).astype(np.uint8)
    inputs[labels == 1, 0] += 200
    model = keras.Sequential([keras.Input((64,)), keras.layers.Dense(2)])
    kernel = np.zeros((64, 2), np.float32)
    kernel[0] = [10, -10]  # the other way round
    model.layers[0].set_weights([kernel, np.array([-4, 4], np.float32)])
    model.save(tmp_path / "t.keras")
    config = TeacherConfig(str(tmp_path / "t.keras"))
    teacher = load_teacher([tmp_path / "t.keras"], config, task, 2, ("ham", "spam"))
    with pytest.raises(
        ConfigError, match=r"right on 0% .*and on 100% if its outputs are spam, ham: set teacher.classes"
    ):
        check_teacher_answers(teacher, config, task, ("ham", "spam"), LabelledSample(inputs, labels, []))
    unknown = np.random.default_rng(1).permutation(labels)
    with pytest.raises(ConfigError, match=r"no better than guessing .* and on task.text_features as they are here"):
        check_teacher_answers(teacher, config, task, ("ham", "spam"), LabelledSample(inputs, unknown, []))


def test_a_scaling_that_an_embedding_has_no_rows_for_is_no_explanation(tmp_path: Path) -> None:
    task = TaskConfig(TaskKind.TEXT, (8,))
    layers = [
        keras.Input((8,)),
        keras.layers.Rescaling(255.0),
        keras.layers.Embedding(256, 4),
        keras.layers.Flatten(),
        keras.layers.Dense(2),
    ]
    keras.Sequential(layers).save(tmp_path / "teacher.keras")
    config = TeacherConfig(str(tmp_path / "teacher.keras"))
    inputs = np.random.default_rng(0).integers(1, 256, (200, 8), dtype=np.uint8)
    teacher = load_teacher([tmp_path / "teacher.keras"], config, task, 2)
    with pytest.raises(ConfigError, match="no better than guessing"):
        check_teacher_answers(teacher, config, task, ("no", "yes"), LabelledSample(inputs, np.arange(200) % 2, []))


def test_the_sample_grows_with_the_classes_within_limits() -> None:
    assert [sample_size(num) for num in (2, 10, 200, 1000)] == [384, 384, 800, 2048]
