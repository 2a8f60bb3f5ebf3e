"""Rewrites a Keras network into the few kinds of layers that pruning and 8-bit training know.

It computes the same in inference. A separable convolution becomes its two
convolutions, an activation becomes layers of its own (a hard swish is rescalings, a
ReLU6 and a product; a swish a sigmoid and a product), and what does nothing in
inference is left out. A sum of several becomes sums of two, two scalings in a row
become one. Networks that were trained elsewhere need it, the project's own
architectures come through as they are.
"""

from __future__ import annotations

from typing import Any

import keras

from learn2compress.keras_internals import producer
from learn2compress.students.operation_layers import rescaled

# They change what a training sees, and return their inputs in inference.
_TRAINING_ONLY = (
    keras.layers.ActivityRegularization,
    keras.layers.AlphaDropout,
    keras.layers.AugMix,
    keras.layers.CutMix,
    keras.layers.Dropout,
    keras.layers.GaussianDropout,
    keras.layers.GaussianNoise,
    keras.layers.MixUp,
    keras.layers.RandAugment,
    keras.layers.RandomBrightness,
    keras.layers.RandomColorDegeneration,
    keras.layers.RandomColorJitter,
    keras.layers.RandomContrast,
    keras.layers.RandomElasticTransform,
    keras.layers.RandomErasing,
    keras.layers.RandomFlip,
    keras.layers.RandomGaussianBlur,
    keras.layers.RandomGrayscale,
    keras.layers.RandomHue,
    keras.layers.RandomInvert,
    keras.layers.RandomPerspective,
    keras.layers.RandomPosterization,
    keras.layers.RandomRotation,
    keras.layers.RandomSaturation,
    keras.layers.RandomSharpness,
    keras.layers.RandomShear,
    keras.layers.RandomTranslation,
    keras.layers.RandomZoom,
    keras.layers.SpatialDropout1D,
    keras.layers.SpatialDropout2D,
    keras.layers.SpatialDropout3D,
)
_LARGEST_BY_ACTIVATION = {keras.activations.relu: None, keras.activations.relu6: 6.0}
_WITH_ACTIVATION = (
    keras.layers.Conv2D,
    keras.layers.Dense,
    keras.layers.DepthwiseConv2D,
    keras.layers.SeparableConv2D,
)
# They apply theirs to what they return; others, such as recurrent layers, use it inside.
_WITH_LAST_ACTIVATION = (
    *_WITH_ACTIVATION,
    keras.layers.Activation,
    keras.layers.Conv1D,
    keras.layers.Conv1DTranspose,
    keras.layers.Conv2DTranspose,
    keras.layers.Conv3D,
    keras.layers.Conv3DTranspose,
    keras.layers.DepthwiseConv1D,
    keras.layers.EinsumDense,
    keras.layers.SeparableConv1D,
)
_GATES = {
    keras.activations.hard_sigmoid: "hard_sigmoid",
    keras.activations.hard_silu: "hard_silu",
    keras.activations.sigmoid: "sigmoid",
    keras.activations.silu: "silu",
}


def decompose_layers(model: keras.Model) -> keras.Model:
    """Copies a model, with its weights, into canonical layers.

    Args:
      model: A functional model.

    Returns:
      A model of the same inputs, outputs and name. Layers keep their names; the
      first half of a separable convolution is called `NAME_depthwise`, an
      activation that was part of another layer `NAME_relu`, or `NAME_` and what
      else it is called, the partial sums of an addition of more than two
      `NAME_sum1` and so on. Layers of other kinds, and other activations, are
      copied as they are.
    """
    layers = {layer.name: layer for layer in model.layers}

    def clone(layer: keras.Layer) -> keras.Layer:
        if isinstance(layer, keras.layers.SeparableConv2D):
            return keras.layers.Conv2D.from_config(_pointwise_config(layer))
        config = layer.get_config()
        if isinstance(layer, keras.layers.Activation):
            return _relu(layer, layer.name) if _has_relu(layer) else type(layer).from_config(config)
        return type(layer).from_config(config | ({"activation": "linear"} if _is_split(layer) else {}))

    def call(copy: keras.Operation, *args: Any, **kwargs: Any) -> Any:
        layer = layers.get(copy.name)
        if layer is None:  # an operation, which is no layer
            return copy(*args, **kwargs)
        if isinstance(layer, _TRAINING_ONLY) or _is_linear_activation(layer):
            return args[0]
        if isinstance(layer, keras.layers.Activation):
            return _gated(layer, args[0], layer.name) if _is_gate(layer) else copy(*args, **kwargs)
        if isinstance(layer, keras.layers.Rescaling) and isinstance(producer(args[0]), keras.layers.Rescaling):
            return rescaled(args[0], layer.scale, layer.offset, layer.name)
        if isinstance(layer, keras.layers.SeparableConv2D):
            args = (keras.layers.DepthwiseConv2D.from_config(_depthwise_config(layer))(*args),)
        if isinstance(layer, keras.layers.Add):
            args = (_last_pair(layer, args[0]),)
        outputs = copy(*args, **kwargs)
        if _has_relu(layer):
            return _relu(layer, f"{layer.name}_relu")(outputs)
        return _gated(layer, outputs, f"{layer.name}_{_GATES[layer.activation]}") if _is_gate(layer) else outputs

    copy = keras.models.clone_model(model, clone_function=clone, call_function=call)
    for layer in copy.layers:
        if layer.name in layers and layers[layer.name].weights:
            _copy_weights(layers[layer.name], copy)
    return copy


def _last_pair(layer: keras.layers.Add, summands: list[keras.KerasTensor]) -> list[keras.KerasTensor]:
    """Adds all summands of a layer but the last, two at a time as the operator of the file does.

    Args:
      layer: Which adds them.
      summands: At least two, of one shape.

    Returns:
      What is left to add, two of them.
    """
    total, *others = summands
    for number, other in enumerate(others[:-1], start=1):
        total = keras.layers.Add(name=f"{layer.name}_sum{number}")([total, other])
    return [total, others[-1]]


def _has_relu(layer: keras.Layer) -> bool:
    return isinstance(layer, _WITH_LAST_ACTIVATION) and layer.activation in _LARGEST_BY_ACTIVATION


def _is_gate(layer: keras.Layer) -> bool:
    return isinstance(layer, (*_WITH_ACTIVATION, keras.layers.Activation)) and layer.activation in _GATES


def _is_split(layer: keras.Layer) -> bool:
    return _has_relu(layer) or _is_gate(layer)


def _gated(layer: keras.Layer, features: keras.KerasTensor, name: str) -> keras.KerasTensor:
    """Adds the layers of a sigmoid, a hard sigmoid, or the product of one with its input; the last has the name."""
    activation = layer.activation
    if activation is keras.activations.sigmoid:
        return keras.layers.Activation("sigmoid", name=name)(features)
    if activation is keras.activations.hard_sigmoid:
        return _hard_sigmoid(features, name)
    inner = f"{name}_gate"
    is_hard = activation is keras.activations.hard_silu
    gate = _hard_sigmoid(features, inner) if is_hard else keras.layers.Activation("sigmoid", name=inner)(features)
    return keras.layers.Multiply(name=name)([features, gate])


def _hard_sigmoid(features: keras.KerasTensor, name: str) -> keras.KerasTensor:
    shifted = keras.layers.Rescaling(1.0, 3.0, name=f"{name}_shift")(features)
    clipped = keras.layers.ReLU(max_value=6.0, name=f"{name}_relu")(shifted)
    return keras.layers.Rescaling(1.0 / 6.0, name=name)(clipped)


def _is_linear_activation(layer: keras.Layer) -> bool:
    return isinstance(layer, keras.layers.Activation) and layer.activation is keras.activations.linear


def _relu(layer: keras.Layer, name: str) -> keras.layers.ReLU:
    return keras.layers.ReLU(max_value=_LARGEST_BY_ACTIVATION[layer.activation], name=name)


def _depthwise_config(layer: keras.layers.SeparableConv2D) -> dict[str, Any]:
    config = layer.get_config()
    shared = ("kernel_size", "strides", "padding", "data_format", "dilation_rate", "depth_multiplier", "dtype")
    return {key: config[key] for key in shared} | {"name": f"{layer.name}_depthwise", "use_bias": False}


def _pointwise_config(layer: keras.layers.SeparableConv2D) -> dict[str, Any]:
    config = layer.get_config()
    shared = ("name", "filters", "data_format", "use_bias", "dtype")
    activation = "linear" if _is_split(layer) else config["activation"]
    return {key: config[key] for key in shared} | {"kernel_size": 1, "activation": activation}


def _copy_weights(layer: keras.Layer, copy: keras.Model) -> None:
    weights = layer.get_weights()
    if isinstance(layer, keras.layers.SeparableConv2D):
        copy.get_layer(f"{layer.name}_depthwise").set_weights(weights[:1])
        weights = weights[1:]
    copy.get_layer(layer.name).set_weights(weights)
