"""The 8-bit network computes what its file computes, layer by layer."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter
from keras import layers

from learn2compress.keras_internals import leaf_layers
from learn2compress.litert.operators import float_operators, model_cost
from learn2compress.quantization.convert import to_int8_litert
from learn2compress.quantization.deviations import deviations_from_network
from learn2compress.quantization.qat_network import quantization_aware, why_not_trainable
from learn2compress.students.input_resizing import InputResizing

SHAPE = (9, 9, 3)
Body = Callable[[keras.KerasTensor], keras.KerasTensor]


def chain(*body: keras.Layer) -> Body:
    def apply(features: keras.KerasTensor) -> keras.KerasTensor:
        for layer in body:
            features = layer(features)
        return features

    return apply


def conv(filters: int = 8, size: int = 3) -> keras.Layer:
    return layers.Conv2D(filters, size, padding="same", use_bias=False)


def branches(joined: Body, *parts: Body) -> Body:
    """Several parts after one stem, and what joins them."""
    stem = chain(conv(), layers.BatchNormalization(), layers.ReLU())
    return lambda features: (lambda stemmed: joined([part(stemmed) for part in parts]))(stem(features))


def student_of(body: Body, shape: tuple[int, ...] = SHAPE) -> keras.Model:
    """A student with weights and statistics as after a training."""
    inputs = keras.Input(shape)
    features = body(inputs)
    if len(features.shape) == 4:
        features = layers.GlobalAveragePooling2D()(features)
    model = keras.Model(inputs, layers.Dense(6, name="logits")(features))
    random = np.random.default_rng(0)
    for kernel in (weight for weight in model.trainable_weights if len(weight.shape) > 1):
        # Not as Keras draws them, which depends on the tests before.
        limit = np.sqrt(6.0 / (np.prod(kernel.shape[:-2]) * sum(kernel.shape[-2:])))
        kernel.assign(random.uniform(-limit, limit, kernel.shape))
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            n = layer.moving_mean.shape[0]
            scale = random.uniform(0.5, 1.5, n) * random.choice([1, 1, 1, -1], n)
            layer.set_weights([scale, *random.normal(0, 0.3, (2, n)), random.uniform(0.3, 3, n)])
        elif getattr(layer, "bias", None) is not None:
            layer.bias.assign(random.normal(0, 0.2, layer.bias.shape))
    return model


def images(count: int = 32) -> np.ndarray:
    """Pictures that differ, unlike noise, whose mean is always the same."""
    random = np.random.default_rng(1)
    return (random.random((count, *SHAPE)) * random.random((count, 1, 1, SHAPE[2])) * 255).astype(np.uint8)


def steps_apart(network: keras.Model, model: bytes, inputs: np.ndarray) -> np.ndarray:
    """By how many steps of the 8-bit scores file and network differ, from scores that are softmax of logits."""
    expected = np.array(keras.ops.softmax(network(inputs.astype(np.float32) / 255)))
    interpreter = Interpreter(model_content=model)
    interpreter.allocate_tensors()
    scores = []
    for example in inputs:
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], example[None])
        interpreter.invoke()
        scores.append(interpreter.get_tensor(interpreter.get_output_details()[0]["index"])[0] / 256)
    return np.abs(np.array(scores) - expected) * 256


BN, DEPTHWISE = layers.BatchNormalization, layers.DepthwiseConv2D
CASES: dict[str, tuple[Body, set[str]]] = {
    "depthwise": (
        chain(conv(), BN(), layers.ReLU(6.0), DEPTHWISE(5, strides=2, padding="same"), BN(), layers.ReLU(6.0)),
        {"DEPTHWISE_CONV_2D"},
    ),
    "depthwise with multiplier": (chain(conv(), BN(), layers.ReLU(), DEPTHWISE(3, depth_multiplier=2), BN()),
                                  {"DEPTHWISE_CONV_2D"}),
    "linear bottleneck": (
        branches(layers.Add(), chain(DEPTHWISE(3, padding="same"), BN(), layers.ReLU(6.0), conv(8, 1), BN()),
                 chain()),
        {"ADD", "DEPTHWISE_CONV_2D"},
    ),
    "average pooling": (chain(conv(), BN(), layers.ReLU(), layers.AveragePooling2D(2, padding="same")),
                        {"AVERAGE_POOL_2D"}),
    "padding, cropping and largest": (
        chain(layers.ZeroPadding2D(2), layers.Cropping2D(1), layers.Conv2D(8, 3, strides=2), BN(), layers.ReLU(),
              layers.ZeroPadding2D(1), layers.MaxPooling2D(3, 2), layers.GlobalMaxPooling2D()),
        {"PAD", "STRIDED_SLICE", "MAX_POOL_2D", "REDUCE_MAX"},
    ),
    "activation inside, then normalization": (chain(layers.Conv2D(8, 3, activation="relu"), BN(), conv(), BN()),
                                              {"DEPTHWISE_CONV_2D"}),
    "normalization before activation after addition": (
        branches(chain(layers.Add(), BN(), layers.ReLU(), conv()), conv(), chain()), {"ADD", "DEPTHWISE_CONV_2D"}
    ),
    "rescaling": (chain(layers.Rescaling(2.0, -1.0), layers.ZeroPadding2D(1), conv(), BN(), layers.ReLU()),
                  {"DEPTHWISE_CONV_2D", "PAD"}),
    "rescaling by channel": (chain(layers.Rescaling([4.0, 4.1, 4.2], [-1.9, -2.0, -2.1]), conv(), BN(), layers.ReLU()),
                             {"DEPTHWISE_CONV_2D"}),
    "resized input": (chain(InputResizing(6, 7), conv(), BN(), layers.ReLU()), {"RESIZE_BILINEAR"}),
    "separable": (
        chain(conv(), BN(), layers.ReLU(), layers.SeparableConv2D(12, 3, activation="relu"), BN(), layers.Dropout(0.5)),
        {"DEPTHWISE_CONV_2D"},
    ),
    "concatenation": (
        branches(layers.Concatenate(), chain(conv(), BN(), layers.ReLU()), conv(4),
                 layers.MaxPooling2D(3, 1, padding="same")),
        {"CONCATENATION", "MAX_POOL_2D"},
    ),
    "dense chain": (
        chain(layers.Flatten(), layers.Dense(16, use_bias=False), BN(), layers.ReLU(), layers.Dense(12), BN()), set()
    ),
    "sum of three": (branches(layers.Add(), conv(8), chain(), conv(8, 1)), {"ADD"}),
    "sigmoid and swish": (
        chain(conv(), BN(), layers.Activation("silu"), layers.Conv2D(8, 1, activation="sigmoid"), conv(), BN()),
        {"LOGISTIC", "MUL"},
    ),
    "hard swish": (chain(conv(), BN(), layers.Activation("hard_silu"), conv(), BN(), layers.ReLU()), {"MUL"}),
    "squeeze and excitation": (
        branches(layers.Multiply(), chain(),
                 chain(layers.GlobalAveragePooling2D(keepdims=True), layers.Conv2D(4, 1, activation="relu"),
                       layers.Conv2D(8, 1, activation="hard_sigmoid"))),
        {"MEAN", "MUL"},
    ),
    "normalization of pooled features": (chain(conv(), BN(), layers.ReLU(), layers.GlobalAveragePooling2D(), BN()),
                                         {"DEPTHWISE_CONV_2D"}),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_network_and_file_agree_and_the_file_is_int8_throughout(case: str) -> None:
    body, operators = CASES[case]
    network = quantization_aware(student_of(body))
    inputs = images()
    network(inputs.astype(np.float32) / 255, training=True)
    model = to_int8_litert(network).pack()
    assert float_operators(model) == []
    assert operators <= set(model_cost(model).operators)
    # Half a step is the rounding of the scores themselves.
    assert steps_apart(network, model, inputs).max() < 1.5


def of_next_to_nothing(student: keras.Model, gamma: float, kernel: float) -> keras.Model:
    """Sets two channels of each layer to scales or weights as channels have that died in a long training."""
    for layer in student.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.gamma.assign(np.concatenate([[gamma, -gamma], np.array(layer.gamma)[2:]]))
        elif isinstance(layer, layers.Conv2D | layers.DepthwiseConv2D):
            channels = 2 if isinstance(layer, layers.DepthwiseConv2D) else 3  # the dimension of its channels
            weights = np.moveaxis(np.array(layer.kernel), channels, 0)
            weights[:2] *= kernel
            layer.kernel.assign(np.moveaxis(weights, 0, channels))
    return student


@pytest.mark.parametrize(
    ("gamma", "kernel"), [(0.0, 1.0), (1e-9, 1.0), (1e-5, 1.0), (1.0, 1e-5), (1.0, 1e-9), (0.0, 0.0)]
)
@pytest.mark.parametrize("case", ["depthwise", "normalization before activation after addition"])
def test_channels_without_scale_or_weight_overflow_no_bias_and_leave_no_layer_in_float(
    case: str, gamma: float, kernel: float
) -> None:
    network = quantization_aware(of_next_to_nothing(student_of(CASES[case][0]), gamma, kernel))
    inputs = images()
    network(inputs.astype(np.float32) / 255, training=True)
    model = to_int8_litert(network).pack()
    assert float_operators(model) == []
    # A bias that overflows is at the other end of its 255 steps.
    assert max(found.steps for found in deviations_from_network(network, model, inputs)) < 8
    assert steps_apart(network, model, inputs).max() < 1.5


def test_a_scale_of_zero_learns() -> None:
    network = quantization_aware(of_next_to_nothing(student_of(chain(conv(), BN(name="norm"), layers.ReLU())), 0.0, 1))
    norm = next(layer for layer in leaf_layers(network) if layer.name == "norm")
    norm.beta.assign(np.ones(8))  # so that no ReLU is at its end
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(network(images().astype(np.float32) / 255, training=True) ** 2)
    assert np.all(np.array(tape.gradient(loss, norm.gamma.value)) != 0)


@pytest.mark.parametrize(
    ("application", "exit_layer"),
    [
        (keras.applications.MobileNetV2, "block_2_add"),
        (keras.applications.ResNet50V2, "conv2_block2_out"),
        (keras.applications.DenseNet121, "conv2_block2_concat"),
    ],
)
def test_the_first_layers_of_published_models_become_int8(
    application: Callable[..., keras.Model], exit_layer: str
) -> None:
    whole = application(input_shape=(32, 32, 3), include_top=False, weights=None)
    features = layers.GlobalAveragePooling2D()(whole.get_layer(exit_layer).output)
    network = quantization_aware(keras.Model(whole.input, layers.Dense(6)(features)))
    inputs = np.random.default_rng(0).integers(0, 256, (8, 32, 32, 3), np.uint8)
    network(inputs.astype(np.float32) / 255, training=True)
    model = to_int8_litert(network).pack()
    assert float_operators(model) == []
    assert steps_apart(network, model, inputs).max() < 1.5


def test_a_copy_starts_from_the_students_weights_and_leaves_it_alone() -> None:
    student = student_of(chain(layers.Flatten(), layers.Dense(8, name="dense"), BN(name="norm"), layers.ReLU()))
    before = student.get_weights()
    network = quantization_aware(student)
    copies = {layer.name: layer for layer in leaf_layers(network)}
    for layer in (layer for layer in student.layers if layer.weights):
        for expected, found in zip(layer.get_weights(), copies[layer.name].get_weights(), strict=True):
            np.testing.assert_array_equal(expected, found)
    network(np.random.default_rng(0).random((16, *SHAPE), np.float32), training=True)
    for expected, found in zip(before, student.get_weights(), strict=True):
        np.testing.assert_array_equal(expected, found)


def test_rounding_changes_little() -> None:
    student = student_of(CASES["linear bottleneck"][0])
    network = quantization_aware(student)
    inputs = images().astype(np.float32) / 255
    network(inputs, training=True)
    exact = np.array(student(inputs))
    assert 0 < np.abs(network(inputs) - exact).max() < 0.1 * np.ptp(exact)


def test_statistics_stand_still_while_scale_and_offset_learn() -> None:
    network = quantization_aware(student_of(chain(conv(), BN(name="norm"), layers.ReLU())))
    inputs = np.random.default_rng(1).random((16, *SHAPE), np.float32)
    norm = next(layer for layer in leaf_layers(network) if layer.name == "norm")
    before = np.array(norm.moving_mean)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(network(inputs, training=True) ** 2)
    np.testing.assert_array_equal(norm.moving_mean, before)
    assert all(np.any(gradient != 0) for gradient in tape.gradient(loss, [norm.gamma.value, norm.beta.value]))
    assert {variable.name for variable in norm.trainable_variables} == {"gamma", "beta"}


def shared_twice(features: keras.KerasTensor) -> keras.KerasTensor:
    layer = layers.Conv2D(3, 1, name="odd")
    return layers.Add()([layer(features), layer(features)])


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            layers.LayerNormalization(name="odd"),
            "layer 'odd': found LayerNormalization, accepted are Activation, Add, AveragePooling2D",
        ),
        (
            layers.Conv2D(4, 3, activation="tanh", name="odd"),
            "layer 'odd': found activation 'tanh', accepted are relu, relu6, sigmoid",
        ),
        (layers.ReLU(negative_slope=0.1, name="odd"), "layer 'odd': found max_value None, negative_slope 0.1"),
        (layers.ReLU(max_value=4.0, name="odd"), "layer 'odd': found max_value 4.0"),
        (layers.Conv2D(6, 1, groups=3, name="odd"), "layer 'odd': found 3 groups, accepted is 1"),
        (shared_twice, "layer 'odd': found it used 2 times, accepted is once"),
        (
            chain(layers.Conv2D(4, 3, activation=layers.LeakyReLU(), name="odd")),
            "layer 'odd': found activation 'LeakyReLU'",
        ),
    ],
)
def test_what_has_no_known_8_bit_arithmetic_is_refused_by_name(body: Body, message: str) -> None:
    inputs = keras.Input(SHAPE)
    with pytest.raises(ValueError, match=message):
        quantization_aware(keras.Model(inputs, body(inputs)))


def test_a_trunk_with_a_layer_without_8_bit_arithmetic_is_named() -> None:
    inputs = keras.Input(SHAPE)
    x = layers.LayerNormalization(name="odd")(layers.Conv2D(4, 3)(inputs))
    trunk = keras.Model(inputs, [layers.Conv2D(4, 3)(x)])
    assert (why_not_trainable(trunk) or "").startswith("layer 'odd': found LayerNormalization")
    assert why_not_trainable(keras.Model(inputs, layers.Conv2D(4, 3)(inputs))) is None
