"""A trained Keras model becomes a trunk: it computes what the model computed, in plain layers, behind clear checks."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
import pytest

from learn2compress.config import ChannelOrder, PretrainedConfig, StudentConfig, TaskConfig, TrainingConfig
from learn2compress.config.parsing import ConfigError
from learn2compress.quantization.qat_network import why_not_trainable
from learn2compress.students.joint import build_joint_network, standalone_student
from learn2compress.students.trunk import trunk_of

SHAPE = (8, 8, 3)
TASK = TaskConfig(input_shape=SHAPE)
STUDENTS = (StudentConfig("large", 2), StudentConfig("small", 1))


def randomize(model: keras.Model) -> keras.Model:
    """Gives every weight, moving statistics too, a value that can be told from an initial one."""
    generator = np.random.default_rng(0)
    model.set_weights([generator.uniform(0.1, 0.5, weight.shape) for weight in model.get_weights()])
    return model


def build() -> keras.Model:
    """A plain classifier with exits "first" and "second"."""
    inputs = keras.Input(SHAPE)
    x = keras.layers.ReLU(name="first")(keras.layers.Conv2D(4, 3, name="conv")(inputs))
    x = keras.layers.BatchNormalization(momentum=0.999, name="norm")(keras.layers.Conv2D(6, 3, name="conv2")(x))
    x = keras.layers.ReLU(name="second")(x)
    x = keras.layers.GlobalAveragePooling2D(name="pooled")(x)
    return randomize(keras.Model(inputs, keras.layers.Dense(5, name="classes")(x)))


def config_of(exits: Sequence[str] = ("first", "second"), multiply: float = 1.0, add: float = 0.0) -> PretrainedConfig:
    return PretrainedConfig("model.keras", tuple(exits), multiply, add)


def images(count: int = 3) -> np.ndarray:
    return np.random.default_rng(1).random((count, *SHAPE), np.float32)


def kinds(model: keras.Model) -> list[type]:
    return [type(layer) for layer in model.layers]


def test_each_exit_gives_what_the_models_layer_gives() -> None:
    model = build()
    trunk = trunk_of(model, config_of(multiply=2.0, add=-1.0), TASK)
    expected = keras.Model(model.input, [model.get_layer(name).output for name in ("first", "second")])
    for found, wanted in zip(trunk(images()), expected(images() * 2 - 1), strict=True):
        np.testing.assert_array_equal(found, wanted)
    assert {layer.name for layer in trunk.layers} == {
        "input",
        "input_scaling",
        "conv",
        "first",
        "conv2",
        "norm",
        "second",
    }


def test_the_model_stays_as_it_is() -> None:
    model = build()
    before = model.get_weights()
    trunk = trunk_of(model, config_of(), TASK)
    trunk.set_weights([weights + 1 for weights in trunk.get_weights()])
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    assert model.get_layer("conv").output.shape == (None, 6, 6, 4)  # raises if the layer was called once more


def test_nested_models_training_layers_and_separable_convolutions_become_plain_layers() -> None:
    augment = keras.Sequential(
        [keras.Input(SHAPE), keras.layers.RandomFlip(), keras.layers.RandomTranslation(0.1, 0.1)]
    )
    inner_inputs = keras.Input(SHAPE)
    x = keras.layers.SeparableConv2D(5, 3, depth_multiplier=2, activation="relu", name="separable")(inner_inputs)
    x = keras.layers.BatchNormalization(name="norm")(x)
    body = keras.Model(inner_inputs, keras.layers.Dropout(0.5)(x), name="body")
    body.trainable = False
    inputs = keras.Input(SHAPE)
    x = body(augment(inputs), training=False)
    x = keras.layers.MaxPooling2D(name="exit")(keras.layers.SpatialDropout2D(0.1)(x))
    outputs = keras.layers.Dense(2)(keras.layers.Flatten()(x))
    model = randomize(keras.Model(inputs, outputs))

    trunk = trunk_of(model, config_of(["norm", "exit"]), TASK)

    assert kinds(trunk) == [
        keras.layers.InputLayer,
        keras.layers.DepthwiseConv2D,
        keras.layers.Conv2D,
        keras.layers.ReLU,
        keras.layers.BatchNormalization,
        keras.layers.MaxPooling2D,
    ]
    wanted = keras.Model(model.input, model.get_layer("exit").output)(images(), training=False)
    np.testing.assert_allclose(trunk(images(), training=False)[1], wanted, rtol=1e-6)
    assert all(layer.trainable for layer in trunk.layers)
    # Nothing random is left: two passes in training mode agree.
    np.testing.assert_array_equal(trunk(images(), training=True)[1], trunk(images(), training=True)[1])


def test_a_sequential_model_serves() -> None:
    layers = [keras.Input(SHAPE), keras.layers.Conv2D(4, 3, name="a"), keras.layers.ReLU(name="b")]
    model = randomize(keras.Sequential([*layers, keras.layers.Flatten(), keras.layers.Dense(3)]))
    trunk = trunk_of(model, config_of(["b"]), TASK)
    expected = keras.Model(model.inputs[0], model.get_layer("b").output)
    np.testing.assert_array_equal(trunk(images()), expected(images()))


def test_a_model_trained_in_half_precision_computes_in_float32() -> None:
    inputs = keras.Input(SHAPE)
    x = keras.layers.Conv2D(4, 3, name="exit", dtype="mixed_bfloat16")(inputs)
    model = randomize(keras.Model(inputs, keras.layers.GlobalAveragePooling2D(dtype="float32")(x)))
    trunk = trunk_of(model, config_of(["exit"]), TASK)
    assert trunk.outputs[0].dtype == trunk.get_layer("exit").compute_dtype == "float32"
    np.testing.assert_array_equal(trunk.get_weights()[0], model.get_weights()[0])


def test_batch_normalization_follows_as_fast_as_that_of_other_students() -> None:
    assert trunk_of(build(), config_of(), TASK).get_layer("norm").momentum == 0.9


@pytest.mark.parametrize(
    ("multiply", "add", "own", "expected"),
    [
        (1.0, 0.0, None, None),
        (2.0, -1.0, None, (2.0, -1.0)),
        (255.0, 0.0, (1 / 255, 0.0), None),
        (255.0, 0.0, (1 / 127.5, -1.0), (2.0, -1.0)),
    ],
)
def test_scalings_in_a_row_become_one_or_none(
    multiply: float, add: float, own: tuple[float, float] | None, expected: tuple[float, float] | None
) -> None:
    inputs = keras.Input(SHAPE)
    scaled = keras.layers.Rescaling(*own)(inputs) if own else inputs
    x = keras.layers.Conv2D(2, 3, name="exit")(scaled)
    model = randomize(keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(x)))
    trunk = trunk_of(model, config_of(["exit"], multiply, add), TASK)
    found = [layer for layer in trunk.layers if isinstance(layer, keras.layers.Rescaling)]
    assert [(layer.scale, layer.offset) for layer in found] == ([expected] if expected else [])
    wanted = keras.Model(model.input, x)(images() * multiply + add)
    np.testing.assert_allclose(trunk(images()), wanted, atol=1e-5)


def squeeze_and_excitation(features: keras.KerasTensor) -> keras.KerasTensor:
    """The block of MobileNetV3 and EfficientNet, of layers and operations."""
    gate = keras.layers.GlobalAveragePooling2D(keepdims=True)(features)
    gate = keras.layers.Conv2D(2, 1, activation="relu")(gate)
    gate = keras.layers.Conv2D(features.shape[-1], 1)(gate)
    return keras.layers.Multiply()([features, keras.ops.relu6(gate + 3.0) * (1.0 / 6.0)])


def test_preprocessing_hard_swish_and_squeeze_and_excitation_become_layers() -> None:
    inputs = keras.Input(SHAPE)
    normalization = keras.layers.Normalization()
    normalization.adapt(images() * 3.0)
    x = normalization(inputs / 0.5)
    x = keras.layers.Activation("hard_silu")(keras.layers.Conv2D(8, 3)(x))
    x = squeeze_and_excitation(x)
    x = keras.layers.Conv2D(4, 3, activation="swish", name="exit")(x)
    model = randomize(keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(x)))
    normalization.finalize_state()
    trunk = trunk_of(model, config_of(["exit"]), TASK)
    np.testing.assert_allclose(
        keras.activations.silu(trunk(images())), keras.Model(model.input, x)(images()), rtol=1e-4, atol=1e-5
    )
    assert why_not_trainable(trunk) is None


def test_channels_are_scaled_each_by_itself_and_turned_round() -> None:
    model = build()
    config = PretrainedConfig(
        "model.keras", ("first",), 255.0, (-103.939, -116.779, -123.68), input_channel_order=ChannelOrder.BGR
    )
    trunk = trunk_of(model, config, TASK)
    wanted = keras.Model(model.input, model.get_layer("first").output)(
        keras.applications.resnet50.preprocess_input(images() * 255.0)
    )
    np.testing.assert_allclose(trunk(images()), wanted, rtol=1e-4, atol=1e-3)
    assert why_not_trainable(trunk) is None
    two = PretrainedConfig("model.keras", ("first",), 1.0, (1.0, 2.0))
    with pytest.raises(ConfigError, match=r"^training.pretrained.input_add: found 2 numbers"):
        trunk_of(model, two, TASK)


def test_a_model_of_bytes_is_scaled_to_bytes() -> None:
    inputs = keras.Input(SHAPE, dtype="uint8")
    x = keras.layers.Conv2D(4, 3, name="exit")(keras.layers.Rescaling(1 / 255.0)(inputs))
    model = randomize(keras.Model(inputs, x))
    with pytest.raises(ConfigError, match=r"^training.pretrained.input_multiply: found 1.0 .* takes bytes \(uint8\)"):
        trunk_of(model, config_of(["exit"]), TASK)
    pixels = np.random.default_rng(1).integers(0, 256, (3, *SHAPE), np.uint8)
    trunk = trunk_of(model, config_of(["exit"], multiply=255.0), TASK)
    np.testing.assert_allclose(trunk(pixels / 255.0), model(pixels), rtol=1e-5)


@pytest.mark.parametrize(
    ("exits", "message"),
    [
        (["frist", "second"], r"exits.0: found 'frist', accepted is a layer of the model, such as first"),
        (["xyz"], r"exits.0: found 'xyz', accepted is a layer of the model, such as first, second"),
        (["second", "first"], r"exits.1: found 'first', which does not depend on 'second', accepted are layers from"),
        (["first", "pooled"], r"exits.1: found 'pooled', which returns \[None, 6\], accepted is a layer that returns"),
    ],
)
def test_exits_that_do_not_fit_are_named(exits: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        trunk_of(build(), config_of(exits), TASK)


def test_an_exit_that_does_nothing_in_inference_is_named() -> None:
    inputs = keras.Input(SHAPE)
    dropped = keras.layers.Dropout(0.5, name="dropped")(keras.layers.Conv2D(2, 3)(inputs))
    with pytest.raises(ConfigError, match=r"exits.0: found 'dropped', which does nothing in inference"):
        trunk_of(keras.Model(inputs, dropped), config_of(["dropped"]), TASK)


def test_a_model_of_another_size_is_refused_and_one_of_any_size_serves() -> None:
    with pytest.raises(ConfigError, match=r"found a model of inputs \[8, 8, 3\], accepted are \[9, 8, 3\]"):
        trunk_of(build(), config_of(), TaskConfig(input_shape=(9, 8, 3)))
    inputs = keras.Input((None, None, 3))
    model = keras.Model(inputs, keras.layers.Conv2D(4, 3, name="exit")(inputs))
    assert trunk_of(model, config_of(["exit"]), TASK).outputs[0].shape == (None, 6, 6, 4)


def test_a_layer_that_is_applied_twice_is_refused() -> None:
    inputs = keras.Input(SHAPE)
    conv = keras.layers.Conv2D(3, 3, padding="same", name="again")
    model = keras.Model(inputs, keras.layers.ReLU(name="exit")(conv(conv(inputs))))
    with pytest.raises(ConfigError, match="found layer 'again' twice, accepted are models that apply each"):
        trunk_of(model, config_of(["exit"]), TASK)


def test_two_layers_of_one_name_are_refused() -> None:
    def part(channels: int) -> keras.Model:
        inputs = keras.Input((8, 8, channels))
        return keras.Model(inputs, keras.layers.Conv2D(4, 3, padding="same", name="conv")(inputs))

    inputs = keras.Input(SHAPE)
    model = keras.Model(inputs, keras.layers.ReLU(name="exit")(part(4)(part(3)(inputs))))
    with pytest.raises(ConfigError, match="found layer 'conv' twice"):
        trunk_of(model, config_of(["exit"]), TASK)


def test_an_operation_that_is_no_layer_is_refused() -> None:
    inputs = keras.Input(SHAPE)
    model = keras.Model(inputs, keras.layers.Conv2D(4, 3, name="exit")(keras.ops.sin(inputs)))
    with pytest.raises(
        ConfigError, match=r"found operation '.*' \(Sin\) before the last of them, accepted are Keras layers"
    ):
        trunk_of(model, config_of(["exit"]), TASK)


def training_of(exits: Sequence[str] = ("first", "second")) -> TrainingConfig:
    return TrainingConfig(pretrained=config_of(exits))


def test_students_leave_the_trunk_after_their_stage() -> None:
    trunk = trunk_of(build(), config_of(), TASK)
    joint = build_joint_network(TASK, 5, training_of(), STUDENTS, trunk)
    assert {name: logits.shape for name, logits in joint.output.items()} == {"large": (None, 5), "small": (None, 5)}
    small = standalone_student(joint, "small")
    assert {layer.name for layer in small.layers if not layer.name.startswith("small_")} == {"input", "conv", "first"}
    for student in STUDENTS:
        alone = standalone_student(joint, student.name)
        np.testing.assert_array_equal(alone(images()), joint(images())[student.name])
    np.testing.assert_array_equal(small.get_layer("conv").get_weights()[0], trunk.get_layer("conv").get_weights()[0])


def test_the_joint_network_has_its_own_copy_of_the_trunk() -> None:
    trunk = trunk_of(build(), config_of(), TASK)
    before = trunk.get_weights()
    joint = build_joint_network(TASK, 5, training_of(), STUDENTS, trunk)
    joint.set_weights([weights + 1 for weights in joint.get_weights()])
    for old, new in zip(before, trunk.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_layers_behind_the_last_exit_in_use_are_not_built() -> None:
    trunk = trunk_of(build(), config_of(), TASK)
    joint = build_joint_network(TASK, 5, training_of(), STUDENTS[1:], trunk)
    assert not {"conv2", "norm", "second"} & {layer.name for layer in joint.layers}


def test_the_head_of_a_wide_trunk_is_narrower_than_it() -> None:
    inputs = keras.Input(SHAPE)
    model = keras.Model(inputs, keras.layers.Conv2D(600, 1, name="wide")(inputs))
    trunk = trunk_of(model, config_of(["wide"]), TASK)
    joint = build_joint_network(TASK, 5, training_of(["wide"]), STUDENTS[1:], trunk)
    assert joint.get_layer("small_conv").filters == 512


def test_a_student_may_not_be_named_like_the_trunks_layers() -> None:
    inputs = keras.Input(SHAPE)
    model = keras.Model(inputs, keras.layers.Conv2D(4, 3, name="small_conv")(inputs))
    trunk = trunk_of(model, config_of(["small_conv"]), TASK)
    with pytest.raises(ConfigError, match="students: found 'small', with which the name of layer 'small_conv'"):
        build_joint_network(TASK, 5, training_of(["small_conv"]), STUDENTS[1:], trunk)


def test_a_trunk_and_its_configuration_belong_together() -> None:
    with pytest.raises(ValueError, match="accepted are both or neither"):
        build_joint_network(TASK, 5, training_of(), STUDENTS)
