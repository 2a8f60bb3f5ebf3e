"""Logits and probabilities are told apart, and what is neither is refused."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from learn2compress.config import TaskConfig, TaskKind, TeacherOutput
from learn2compress.config.parsing import ConfigError
from learn2compress.teachers.outputs import check_declared, last_activation, probe_inputs, tell_output


@pytest.mark.parametrize(
    ("raw", "activation", "expected"),
    [
        ([[0.2, 0.8], [0.5, 0.5]], None, TeacherOutput.PROBABILITIES),
        ([[0.2, 0.8009], [0.5, 0.5]], None, TeacherOutput.PROBABILITIES),
        ([[0.2, 0.8], [0.5, 1.5]], None, TeacherOutput.LOGITS),
        ([[-0.2, 1.2], [0.5, 0.5]], None, TeacherOutput.LOGITS),
        # The mixed-precision guide: softmax, then Activation("linear", dtype="float32").
        ([[0.2, 0.8], [0.5, 0.5]], "linear", TeacherOutput.PROBABILITIES),
        ([[0.2, 0.8], [0.5, 0.6]], "linear", TeacherOutput.LOGITS),
        ([[0.2, 0.8], [0.5, 0.5]], "softmax", TeacherOutput.PROBABILITIES),
        ([[-0.2, -0.8], [-0.5, -0.5]], "log_softmax", TeacherOutput.LOGITS),
    ],
)
def test_logits_and_probabilities_are_told_apart(
    raw: list[list[float]], activation: str | None, expected: TeacherOutput
) -> None:
    assert tell_output(np.array(raw, np.float32), activation, None, "teacher") is expected


def test_outputs_that_are_not_finite_are_refused() -> None:
    with pytest.raises(ConfigError, match="NaN or infinite outputs"):
        tell_output(np.array([[np.nan, 1.0]], np.float32), "softmax", None, "teacher")


@pytest.mark.parametrize("activation", ["sigmoid", "hard_sigmoid"])
def test_a_multi_label_activation_is_refused_whatever_is_declared(activation: str) -> None:
    for declared in (None, *TeacherOutput):
        with pytest.raises(ConfigError, match=f"^teacher: found a multi-label {activation} at the end, accepted is"):
            tell_output(np.array([[0.2, 0.8]], np.float32), activation, declared, "teacher")


def test_numbers_up_to_one_that_do_not_sum_to_it_are_logits_only_where_that_is_said() -> None:
    raw = np.array([[0.2, 0.3], [0.9, 0.9]], np.float32)
    assert tell_output(raw, None, TeacherOutput.LOGITS, "teacher") is TeacherOutput.LOGITS
    for declared in (None, TeacherOutput.PROBABILITIES):
        with pytest.raises(ConfigError, match="multi-label sigmoids"):
            tell_output(raw, None, declared, "teacher")


def test_a_declaration_is_held_against_what_was_found() -> None:
    check_declared(TeacherOutput.LOGITS, None, None, "teacher.output", "t.keras")
    check_declared(TeacherOutput.LOGITS, None, TeacherOutput.LOGITS, "teacher.output", "t.keras")
    for activation, why in ((None, "its outputs on probe inputs"), ("linear", "its last activation is linear")):
        with pytest.raises(ConfigError, match=rf"^teacher.output: found 'probabilities', .*'logits'.*\({why}"):
            check_declared(TeacherOutput.LOGITS, activation, TeacherOutput.PROBABILITIES, "teacher.output", "t.keras")
    check_declared(TeacherOutput.PROBABILITIES, "linear", TeacherOutput.PROBABILITIES, "teacher.output", "t.keras")
    with pytest.raises(ConfigError, match=r"accepted is 'probabilities' .*\(its outputs on probe inputs"):
        check_declared(TeacherOutput.PROBABILITIES, "linear", TeacherOutput.LOGITS, "teacher.output", "t.keras")


@pytest.mark.parametrize(
    ("last", "name"),
    [
        ([keras.layers.Dense(3)], "linear"),
        ([keras.layers.Dense(3, activation="softmax")], "softmax"),
        ([keras.layers.Dense(3), keras.layers.Softmax()], "softmax"),
        ([keras.layers.Dense(3, activation="softmax"), keras.layers.Activation("linear", dtype="float32")], "softmax"),
        ([keras.layers.Dense(3, activation="sigmoid"), keras.layers.Activation("linear")], "sigmoid"),
        ([keras.layers.Dense(3), keras.layers.Activation("linear")], "linear"),
        ([keras.layers.Dense(3), keras.layers.Activation("sigmoid"), keras.layers.Reshape((3,))], "sigmoid"),
        (
            [keras.Sequential([keras.layers.Dense(3, activation="log_softmax")]), keras.layers.Dropout(0.1)],
            "log_softmax",
        ),
        ([keras.layers.Dense(3), keras.layers.Rescaling(2.0)], None),
    ],
)
def test_the_last_activation_is_found_behind_what_hands_it_on(last: list[keras.Layer], name: str | None) -> None:
    assert last_activation(keras.Sequential([keras.Input((4,)), *last])) == name


def test_a_softmax_over_something_else_than_classes_is_none() -> None:
    inputs = keras.Input((2, 3))
    assert last_activation(keras.Model(inputs, keras.layers.Softmax(axis=1)(inputs))) is None
    assert last_activation(keras.Model(inputs, keras.ops.softmax(inputs, axis=2))) == "softmax"


@pytest.mark.parametrize("task", [TaskConfig(), TaskConfig(TaskKind.TEXT, (256,))], ids=lambda task: task.kind.value)
def test_a_teacher_is_probed_with_the_tasks_own_kind_of_input(task: TaskConfig) -> None:
    inputs, texts = probe_inputs(task)
    assert (inputs.shape, inputs.dtype) == ((8, *task.input_shape), np.uint8)
    assert len(texts) == len(set(texts)) == len({example.tobytes() for example in inputs}) == 8
    np.testing.assert_array_equal(probe_inputs(task)[0], inputs)
