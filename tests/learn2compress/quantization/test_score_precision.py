"""Where steps of 1/256 would change decisions, scores are float32 and decisions are those of the logits."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from learn2compress.litert.flatbuffer import read_graphs
from learn2compress.litert.operators import model_cost
from learn2compress.litert.rewrite import UnpackedModel
from learn2compress.litert.tensors import TensorReader
from learn2compress.quantization.choice_sample import TrainingSample
from learn2compress.quantization.convert import to_float_litert, to_int8_litert
from learn2compress.quantization.qat_network import quantization_aware
from learn2compress.quantization.score_precision import (
    MAX_CHANGED_RATIO,
    ScoredFile,
    are_too_coarse,
    has_tie,
    score_file,
)

NUM_CLASSES = 100
SAMPLE = TrainingSample(
    np.random.default_rng(0).integers(0, 256, (400, 8, 8, 1), np.uint8), np.zeros(400, np.int64), num_kept_back=300
)


def network_of(temperature: float) -> keras.Model:
    """A trained-like network of a hundred classes, its logits divided by a temperature."""
    keras.utils.set_random_seed(4)
    inputs = keras.Input((8, 8, 1))
    hidden = keras.layers.ReLU()(keras.layers.Dense(64)(keras.layers.Flatten()(inputs)))
    student = keras.Model(inputs, keras.layers.Dense(NUM_CLASSES, name="logits")(hidden))
    dense = student.get_layer("logits")
    dense.set_weights([weights * 8.0 / temperature for weights in dense.get_weights()])
    network = quantization_aware(student)
    network(SAMPLE.inputs.astype(np.float32) / 255, training=True)
    return network


def decisions_by_logits(model_bytes: bytes, inputs: np.ndarray) -> np.ndarray:
    """First class of the int8 logits inside the file."""
    reader = TensorReader(model_bytes)
    graph = read_graphs(model_bytes)[0]
    softmax = next(operator for operator in graph.operators if operator.name in ("SOFTMAX", "DEQUANTIZE"))
    name = graph.tensors[softmax.inputs[0]].name
    return np.array([dict(reader.run(example))[name].argmax() for example in inputs])


def test_many_classes_at_a_high_temperature_have_float_scores_that_keep_every_decision() -> None:
    model = to_int8_litert(network_of(4.0))
    coarse = model.pack()
    wanted = decisions_by_logits(coarse, SAMPLE.inputs)
    by_rounded = SAMPLE.scores(coarse).argmax(axis=1)
    changed = float((by_rounded != wanted).mean())
    assert changed > MAX_CHANGED_RATIO

    found = score_file(model, coarse, SAMPLE, UnpackedModel.pack)

    assert found.has_float_scores
    assert found.changed_ratio == changed
    assert len(found.model_bytes) <= len(coarse)
    assert model_cost(found.model_bytes).output_dtype == "float32"
    assert model_cost(found.model_bytes).num_parameters == model_cost(coarse).num_parameters
    np.testing.assert_array_equal(found.scores.argmax(axis=1), wanted)
    np.testing.assert_array_equal(found.scores, SAMPLE.scores(found.model_bytes))
    np.testing.assert_allclose(found.scores.sum(axis=1), 1.0, atol=1e-5)
    np.testing.assert_allclose(found.scores, SAMPLE.scores(coarse), atol=1.5 / 256)


def scored_at(temperature: float) -> ScoredFile:
    model = to_int8_litert(network_of(temperature))
    return score_file(model, model.pack(), SAMPLE, UnpackedModel.pack)


def test_the_temperature_changes_no_decision_of_float_scores() -> None:
    sure, unsure = scored_at(1.0), scored_at(4.0)
    assert unsure.has_float_scores
    wanted = decisions_by_logits(to_int8_litert(network_of(1.0)).pack(), SAMPLE.inputs)
    np.testing.assert_array_equal(unsure.scores.argmax(axis=1), wanted)
    assert sure.changed_ratio < unsure.changed_ratio


def test_decisions_are_compared_on_all_examples_however_few_were_kept_back() -> None:
    model = to_int8_litert(network_of(4.0))
    coarse = model.pack()
    changes = SAMPLE.scores(coarse).argmax(axis=1) != decisions_by_logits(coarse, SAMPLE.inputs)
    unchanged_first = np.argsort(changes, kind="stable")
    sample = TrainingSample(SAMPLE.inputs[unchanged_first], SAMPLE.labels, num_kept_back=100)
    assert not np.sort(changes)[:100].any()

    found = score_file(model, coarse, sample, UnpackedModel.pack)

    assert found.has_float_scores
    assert found.changed_ratio == float(changes.mean())


def test_scores_are_float_where_uint8_ones_alone_miss_the_target() -> None:
    coarse = to_int8_litert(network_of(4.0)).pack()
    wanted = decisions_by_logits(coarse, SAMPLE.inputs)
    changes = SAMPLE.scores(coarse).argmax(axis=1) != wanted
    few = np.concatenate([np.flatnonzero(changes)[:1], np.flatnonzero(~changes)])  # one may change
    sample = TrainingSample(SAMPLE.inputs[few], wanted[few])
    for lowest_top_1, expected in ((None, False), (0.5, False), (1.0, True)):
        found = score_file(UnpackedModel(coarse), coarse, sample, UnpackedModel.pack, lowest_top_1)
        assert found.has_float_scores is expected
        assert found.changed_ratio == 1 / len(few)


def test_sure_scores_stay_as_they_are_and_float_ones_have_no_steps() -> None:
    inputs = keras.Input((8, 8, 1))
    student = keras.Model(inputs, keras.layers.Dense(2)(keras.layers.Flatten()(inputs)))
    network = quantization_aware(student)
    network(SAMPLE.inputs.astype(np.float32) / 255, training=True)
    model = to_int8_litert(network)
    model_bytes = model.pack()
    found = score_file(model, model_bytes, SAMPLE, UnpackedModel.pack)
    assert (found.model_bytes, found.has_float_scores) == (model_bytes, False)
    float_model = to_float_litert(student)
    float_bytes = float_model.pack()
    assert score_file(float_model, float_bytes, SAMPLE, UnpackedModel.pack).changed_ratio is None


def test_a_tie_is_one_of_the_highest_score() -> None:
    scores = np.array([[0.2, 0.2, 0.6], [0.4, 0.4, 0.2], [0.1, 0.0, 0.0]], np.float32)
    assert has_tie(scores).tolist() == [False, True, False]


@pytest.mark.parametrize(
    ("num_changed", "num_examples", "expected"), [(1, 50, False), (2, 50, True), (5, 1000, False), (6, 1000, True)]
)
def test_half_a_percent_of_the_decisions_may_change_or_one(num_changed: int, num_examples: int, expected: bool) -> None:
    assert are_too_coarse(num_changed, num_examples) is expected
