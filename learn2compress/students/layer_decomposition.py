"""Rewrites a Keras network into the few kinds of layers that pruning and 8-bit training know.

It computes the same in inference. A separable convolution becomes its two
convolutions, an activation becomes a layer of its own, and what does nothing in
inference is left out. Trunks that were trained elsewhere need it, the project's
own architectures come through as they are.
"""

from __future__ import annotations

from typing import Any

import keras

# They change what a training sees, and return their inputs in inference.
_TRAINING_ONLY = (
    keras.layers.ActivityRegularization,
    keras.layers.Dropout,
    keras.layers.GaussianDropout,
    keras.layers.GaussianNoise,
    keras.layers.RandomBrightness,
    keras.layers.RandomContrast,
    keras.layers.RandomFlip,
    keras.layers.RandomRotation,
    keras.layers.RandomTranslation,
    keras.layers.RandomZoom,
    keras.layers.SpatialDropout2D,
)
_LARGEST_BY_ACTIVATION = {keras.activations.relu: None, keras.activations.relu6: 6.0}


def decompose_layers(model: keras.Model) -> keras.Model:
    """Copies a model, with its weights, into canonical layers.

    Args:
      model: A functional model.

    Returns:
      A model of the same inputs, outputs and name. Layers keep their names; the
      first half of a separable convolution is called `NAME_depthwise`, an
      activation that was part of another layer `NAME_relu`. Layers of other
      kinds, and activations that are no ReLU or ReLU6, are copied as they are.
    """
    layers = {layer.name: layer for layer in model.layers}

    def clone(layer: keras.Layer) -> keras.Layer:
        if isinstance(layer, keras.layers.SeparableConv2D):
            return keras.layers.Conv2D.from_config(_pointwise_config(layer))
        config = layer.get_config()
        if isinstance(layer, keras.layers.Activation):
            return _relu(layer, layer.name) if _has_relu(layer) else type(layer).from_config(config)
        return type(layer).from_config(config | ({"activation": "linear"} if _has_relu(layer) else {}))

    def call(copy: keras.Layer, *args: Any, **kwargs: Any) -> Any:
        layer = layers[copy.name]
        if isinstance(layer, _TRAINING_ONLY) or _is_linear_activation(layer):
            return args[0]
        if isinstance(layer, keras.layers.SeparableConv2D):
            args = (keras.layers.DepthwiseConv2D.from_config(_depthwise_config(layer))(*args),)
        outputs = copy(*args, **kwargs)
        is_inline = not isinstance(layer, keras.layers.Activation) and _has_relu(layer)
        return _relu(layer, f"{layer.name}_relu")(outputs) if is_inline else outputs

    copy = keras.models.clone_model(model, clone_function=clone, call_function=call)
    for layer in copy.layers:
        if layer.name in layers:
            _copy_weights(layers[layer.name], copy)
    return copy


def _has_relu(layer: keras.Layer) -> bool:
    return getattr(layer, "activation", None) in _LARGEST_BY_ACTIVATION


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
    activation = "linear" if _has_relu(layer) else config["activation"]
    return {key: config[key] for key in shared} | {"kernel_size": 1, "activation": activation}


def _copy_weights(layer: keras.Layer, copy: keras.Model) -> None:
    weights = layer.get_weights()
    if isinstance(layer, keras.layers.SeparableConv2D):
        copy.get_layer(f"{layer.name}_depthwise").set_weights(weights[:1])
        weights = weights[1:]
    copy.get_layer(layer.name).set_weights(weights)
