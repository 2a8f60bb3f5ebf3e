"""Scores mean how often they are right once logits are divided by the fitted temperature; decisions stay."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from learn2compress.config import StudentConfig, TaskConfig, TrainingConfig
from learn2compress.config.training import MIN_VALIDATION_EXAMPLES
from learn2compress.litert.border import add_byte_border
from learn2compress.litert.interpreter import predict
from learn2compress.quantization.choice_sample import TrainingSample
from learn2compress.quantization.convert import to_float_litert, to_int8_litert
from learn2compress.quantization.qat_network import quantization_aware
from learn2compress.quantization.temperature_scaling import fitted_temperature, scale_by_temperature
from learn2compress.students.joint import build_joint_network, standalone_student
from learn2compress.training.loop import make_deterministic


def sampled(logits: np.ndarray) -> np.ndarray:
    """Labels that are right as often as the scores of these logits say."""
    scores = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    drawn = np.random.default_rng(1).random((len(logits), 1))
    return np.asarray((drawn > scores.cumsum(axis=1)).sum(axis=1).clip(max=logits.shape[1] - 1))


@pytest.mark.parametrize("temperature", [0.2, 1.0, 4.0])
def test_the_temperature_that_spoilt_the_scores_is_found(temperature: float) -> None:
    calibrated = 2.0 * np.random.default_rng(0).normal(size=(20_000, 5))
    found = fitted_temperature(calibrated * temperature, sampled(calibrated))
    assert found == pytest.approx(temperature, rel=0.05)


def test_nobody_is_always_right() -> None:
    logits = 3.0 * np.eye(4)[np.arange(100) % 4]
    scores = np.exp(logits[0] / fitted_temperature(logits, np.arange(100) % 4))
    assert scores.max() / scores.sum() == pytest.approx(1 - 1 / 102)


def test_few_examples_must_say_it_clearly() -> None:
    calibrated = 2.0 * np.random.default_rng(0).normal(size=(20_000, 5))
    labels = sampled(calibrated)
    found = {n: fitted_temperature(1.2 * calibrated[:n], labels[:n]) for n in (60, 20_000)}
    assert found[60] == 1.0
    assert found[20_000] == pytest.approx(1.2, rel=0.05)


def test_logits_that_know_nothing_end_at_the_limit() -> None:
    logits = np.random.default_rng(0).normal(size=(500, 4))
    assert fitted_temperature(logits, logits.argmin(axis=1)) == pytest.approx(100.0)


def float_file(student: keras.Model) -> bytes:
    model = to_float_litert(student)
    add_byte_border(model)
    return model.pack()


@pytest.fixture
def student() -> keras.Model:
    make_deterministic(3)
    network = build_joint_network(TaskConfig(), 10, TrainingConfig(), [StudentConfig("only", 3)])
    return standalone_student(network, "only")


@pytest.fixture
def sample(student: keras.Model) -> TrainingSample:
    """Examples whose labels are right as often as a tenth of the student's logits say."""
    inputs = np.random.default_rng(0).integers(0, 256, (3000, 8, 8, 1), np.uint8)
    logits = student.predict(inputs.astype(np.float32) / 255, batch_size=500, verbose=0)
    student.layers[-1].set_weights([40.0 * weights for weights in student.layers[-1].get_weights()])
    return TrainingSample(inputs, sampled(4.0 * logits), num_kept_back=3000)


def test_a_student_gets_its_temperature_into_its_last_layer(student: keras.Model, sample: TrainingSample) -> None:
    inputs = sample.inputs[:200]
    before = predict(float_file(student), inputs)
    temperature = scale_by_temperature(student, sample)
    assert temperature == pytest.approx(10.0, rel=0.1)
    after = predict(float_file(student), inputs)
    np.testing.assert_array_equal(after.argmax(axis=1), before.argmax(axis=1))
    powers = before.astype(np.float64) ** (1 / temperature)
    # What was 0 in float32 is not any more.
    np.testing.assert_allclose(after, powers / powers.sum(axis=1, keepdims=True), atol=1e-3)
    assert scale_by_temperature(student, sample) == 1.0


def test_the_numbers_of_an_8_bit_network_stay_as_they_are(student: keras.Model, sample: TrainingSample) -> None:
    network = quantization_aware(student)
    network(sample.inputs[:64].astype(np.float32) / 255, training=True)
    inputs = sample.inputs[:200]
    logits = network.predict(inputs.astype(np.float32) / 255, verbose=0)
    temperature = scale_by_temperature(network, sample)
    assert temperature == pytest.approx(10.0, rel=0.2)
    scaled = network.predict(inputs.astype(np.float32) / 255, verbose=0)
    np.testing.assert_allclose(scaled * temperature, logits, rtol=1e-4, atol=1e-4)
    scores = np.exp(scaled) / np.exp(scaled).sum(axis=1, keepdims=True)
    assert np.abs(predict(to_int8_litert(network).pack(), inputs) - scores).max() <= 2 / 256


def with_a_convolution_at_the_end(student: keras.Model) -> keras.Model:
    """The same student, its last layer as published MobileNets have it."""
    dense = student.layers[-1]
    (num_inputs, num_classes) = dense.kernel.shape
    layers = keras.layers
    features = layers.Reshape((1, 1, num_inputs), name="as_image")(dense.input)
    convolution = layers.Conv2D(num_classes, 1, name="logits")
    network = keras.Model(student.input, layers.Flatten(name="flat")(convolution(features)), name="only")
    convolution.set_weights(
        [
            weights.reshape(shape)
            for weights, shape in zip(
                dense.get_weights(), ((1, 1, num_inputs, num_classes), (num_classes,)), strict=True
            )
        ]
    )
    return network


@pytest.mark.parametrize("is_rounded", [False, True])
def test_a_convolution_that_gives_the_logits_takes_it_too(
    student: keras.Model, sample: TrainingSample, is_rounded: bool
) -> None:
    network = with_a_convolution_at_the_end(student)
    if is_rounded:
        network = quantization_aware(network)
        network(sample.inputs[:500].astype(np.float32) / 255, training=True)
    inputs = sample.inputs[:100].astype(np.float32) / 255
    before = network.predict(inputs, verbose=0)
    temperature = scale_by_temperature(network, sample)
    assert temperature is not None
    assert temperature > 1.5
    np.testing.assert_allclose(network.predict(inputs, verbose=0) * temperature, before, rtol=1e-3, atol=1e-3)


def test_too_few_examples_change_nothing(student: keras.Model, sample: TrainingSample) -> None:
    few = TrainingSample(sample.inputs[: MIN_VALIDATION_EXAMPLES - 1], sample.labels[: MIN_VALIDATION_EXAMPLES - 1])
    before = student.layers[-1].get_weights()
    assert scale_by_temperature(student, few) is None
    np.testing.assert_array_equal(student.layers[-1].get_weights()[0], before[0])


def test_logits_that_no_dense_layer_gives_stay_as_they_are(sample: TrainingSample) -> None:
    inputs = keras.Input((8, 8, 1))
    pooled = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(10, 3)(inputs))
    assert scale_by_temperature(keras.Model(inputs, pooled), sample) is None
